"""Studies written from tables in memory, for cases worked by hand and for public data."""

import json
from datetime import date
from pathlib import Path

import pandas as pd

from helpers.cohort import Cohort, read_cohort
from helpers.study import read_study

BASE = {
    "title": "A study of the tests",
    "description": "Made from a table in memory.",
    "citation": "None.",
    "synthetic": False,
    "seed": 1,
    "cohort": {"source": "cohort.csv"},
    "survival": {"months": [12], "risk_table_months": [0, 12], "tau": {}, "interval": "log"},
}
TESTS = {"two_by_two": "yates", "larger": "pearson", "small_expected": "none", "continuous": "rank_sum"}


def toml(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(str(key))} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def write_study(folder: Path, frame: pd.DataFrame, **entries: object) -> Path:
    """Write `cohort.csv` and `study.toml`; entries replace or add to the smallest study there is.

    A model may be given alone, without the list that a study file needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "cohort.csv", index=False)
    content = {**BASE, **entries}
    horizons = {name: 12 for name in content["endpoints"]}
    content["survival"] = {**BASE["survival"], "tau": horizons, **entries.get("survival", {})}
    names = list(content["variables"])
    content["table_one"] = {"variables": names, "summary": "mean_sd", "tests": {**TESTS, **entries.get("tests", {})}}
    content.pop("tests", None)
    models = content.get("models", {}).items()
    content["models"] = {name: each if isinstance(each, list) else [each] for name, each in models}
    content["endpoints"] = _told_apart(content["endpoints"])
    content.setdefault("primary_analysis", _primary_analysis(content))
    lines = [f"{name} = {toml(value)}" for name, value in content.items()]
    (folder / "study.toml").write_text("\n".join(lines) + "\n")
    return folder


def _primary_analysis(content: dict) -> dict:
    """Treatment alone, of the first endpoint that is examined so."""
    first = next(iter(content.get("univariable", [])), {"endpoints": list(content["endpoints"])})
    where = {"endpoint": first["endpoints"][0], "population": first.get("population", "primary")}
    return {**where, "model": "unadjusted", "time": "fixed"}


def _told_apart(entries: dict) -> dict:
    """Entries that share a label with an earlier one get their name beside it."""
    seen, labelled = set(), {}
    for name, entry in entries.items():
        label = entry["label"] if entry["label"] not in seen else f"{entry['label']}, {name}"
        seen.add(label)
        labelled[name] = {**entry, "label": label}
    return labelled


def cohort_of(folder: Path, frame: pd.DataFrame, **entries: object) -> Cohort:
    """The cohort of a study made by `write_study`."""
    return read_cohort(read_study(write_study(folder, frame, **entries)))


def arms(column: str, first: object, second: object) -> dict:
    """The [arms] of a study, its first level the reference."""
    return {
        "column": column,
        "label": column,
        "levels": {str(first): f"arm {first}", str(second): f"arm {second}"},
        "reference": str(first),
    }


def continuous(**entries: object) -> dict:
    """A continuous variable."""
    return {"label": "A number", "type": "continuous", **entries}


def categorical(*levels: object, **entries: object) -> dict:
    """A categorical variable, its first level the reference."""
    named = {str(level): f"level {level}" for level in levels}
    return {"label": "A factor", "type": "categorical", "levels": named, "reference": str(levels[0]), **entries}


def endpoint(time: str = "time", event: str = "event", unit: str = "months", **entries: object) -> dict:
    """An endpoint from a duration, events coded 1 and 0."""
    named = {"label": "Survival", "event_label": "death", "origin": "diagnosis", "time": time, "unit": unit}
    return {**named, "event": event, "event_values": [1], "censored_values": [0], "zero_time": "keep", **entries}
