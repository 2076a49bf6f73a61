"""How a Methods section names variables, endpoints, populations and numbers."""

from collections.abc import Iterable

from helpers import notation
from helpers.exhibits import refer
from helpers.study import Study
from helpers.wording.phrases import quoted

FEW = 2


def series(items: Iterable[str], word: str = "and") -> str:
    """`a, b and c`."""
    *first, last = items
    return f"{', '.join(first)} {word} {last}" if first else last


def sentence(text: str) -> str:
    """Text with its first letter large, the others as they are."""
    return text[0].upper() + text[1:]


def variables(study: Study, names: Iterable[str]) -> str:
    """Labels of variables in a sentence."""
    return series(dict.fromkeys(notation.within(_label(study, name)) for name in names))


def _label(study: Study, name: str) -> str:
    return study.arms.label if name == study.arms.column else study.variables[name].label


def endpoints(study: Study, names: Iterable[str]) -> str:
    """Labels of endpoints in a sentence."""
    return series(notation.within(study.endpoints[name].label) for name in dict.fromkeys(names))


def populations(study: Study, names: Iterable[str]) -> str:
    """Populations in a sentence, the analysis cohort without quotation marks."""
    labels = {name: study.all_populations[name].label for name in dict.fromkeys(names)}
    return series(
        f"the {notation.within(label)}" if name == "primary" else quoted(label) for name, label in labels.items()
    )


def among(study: Study, names: Iterable[str]) -> str:
    """What a sentence adds where it speaks of other patients than the analysis cohort alone."""
    found = list(dict.fromkeys(names))
    if len(found) > FEW:
        return f" in {len(found)} populations (see {refer('Table', 'populations', 'the table of populations')})"
    return "" if found == ["primary"] else f" in {populations(study, found)}"


def months(values: Iterable[float]) -> str:
    """`3, 6 and 12 months`, `1 month`."""
    named = [notation.month(value) for value in values]
    return f"{series(named)} month{'' if named == ['1'] else 's'}"
