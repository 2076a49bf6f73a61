"""Entries of a study file that cannot be read, each as one sentence."""

from collections.abc import Iterator

from pydantic import ValidationError

from helpers.cells import unshown
from helpers.errors import nearest
from helpers.study.schema import StudyFile

INTERNAL = ("function-", "list[", "union[", "constrained-", "literal[")
TABLES = ("univariable", "within_arm", "eligibility")


def sentence(error: ValidationError) -> str:
    """What is wrong with the first entry that does not fit, what is allowed there, and how many others do not."""
    first, *others = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    where = _place(first)
    parent, _, entry = where.rpartition(".")
    if first["type"] == "missing":
        text = f"entry '{where}' is missing"
    elif first["type"] == "extra_forbidden":
        text = f"entry '{where}' is unknown{nearest(entry, _entries(parent))}"
    elif first["type"] == "string_pattern_mismatch":
        text = f"entry '{where.removesuffix('.[key]')}': a name holds letters, digits and _ . + - only"
    elif first["type"] == "list_type" and where in TABLES:
        text = f"entry '{where}': there can be several, so write [[{where}]]"
    elif first["type"] == "too_short":
        least = first["ctx"]["min_length"]
        text = f"entry '{where}': give {'one entry' if least == 1 else f'{least} entries'} or more"
    else:
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        said = "input should be a table" if first["type"] in {"model_type", "dict_type"} else said
        said += " or 'none'" if "caliper" in where and "caliper_sd" not in where else ""
        given = first["input"]
        written = str(given).lower() if isinstance(given, bool) else repr(given)
        shown = f", not {written}" if isinstance(given, str | int | float) else ""
        text = f"entry '{where}': {said}{shown}"
    more = len({_place(each) for each in others} - {where})
    return text + (f" ({more} more in this file)" if more else "")


def _place(error: dict) -> str:
    """The entry an error is about, without the names that pydantic adds."""
    parts = [str(part) for part in error["loc"]]
    return ".".join(part for part in parts if not part.startswith(INTERNAL) and part not in {"str", "int", "float"})


def _entries(parent: str) -> list[str]:
    """Names allowed in a table of the study file, found through the JSON schema."""
    schema = StudyFile.model_json_schema()
    node = schema
    for part in [each for each in parent.split(".") if each]:
        keyed = next(iter(node.get("patternProperties", {}).values()), None)
        node = node.get("properties", {}).get(part) or keyed or node.get("additionalProperties") or node.get("items")
        node = node if isinstance(node, dict) else {}
        options = [node, *node.get("anyOf", [])]
        reference = next((each["$ref"] for each in options if "$ref" in each), None)
        node = schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node
    return list(node.get("properties", {}))


def control_character(content: dict) -> str:
    """The sentence on the first text that holds a character no document can show; empty where none does."""
    for place, text in _texts(content, ""):
        if said := unshown(text):
            return f"entry '{place}' {said}"
    return ""


def _texts(content: object, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a file with its entry, names of entries among them."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield place or "(a name)", name
            yield from _texts(value, f"{place}.{name}" if place else name)
    elif isinstance(content, list):
        for position, value in enumerate(content):
            yield from _texts(value, f"{place}.{position}")
