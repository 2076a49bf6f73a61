"""The numbers a paper printed joined to those computed, each with its verdict."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.errors import StudyError, listed, nearest
from helpers.ledger import ANALYSES, FITTED, KEY, STATISTICS_OF, at_label
from helpers.study import Study, relative
from helpers.study.schema import OVERALL

AGREES = "agrees"
DIFFERS = "differs"
NOT_ESTIMABLE = "not estimable"
NOT_COMPUTED = "not computed"
VERDICTS = (AGREES, DIFFERS, NOT_ESTIMABLE, NOT_COMPUTED)
NUMBER = re.compile(r"[<>]?\d+(?:\.(\d+))?")
WORDS = {"no": 0.0, "not reached": np.nan}
ROUNDING = 1e-9


@dataclass(frozen=True)
class Printed:
    """What characters on a page say: a number and half a unit of its last digit, or a bound; NaN for `not reached`."""

    value: float
    half: float = 0.0
    bound: str = ""

    def agrees(self, computed: float) -> bool:
        """Whether a computed value is printed so, a value half-way between two digits either way; NaN with NaN."""
        if np.isnan(self.value) or np.isnan(computed):
            return bool(np.isnan(self.value) and np.isnan(computed))
        if self.bound:
            return computed < self.value if self.bound == "<" else computed > self.value
        return abs(computed - self.value) <= self.half + ROUNDING * max(1.0, abs(self.value))


def printed(text: str) -> Printed:
    """Read `0.37`, `<0.001`, `>0.99`, `not reached` or `no`. Raises ValueError for anything else."""
    if text in WORDS:
        return Printed(WORDS[text])
    found = NUMBER.fullmatch(text)
    if not found:
        raise ValueError(text)
    half = 0.5 * 10.0 ** -len(found[1] or "")
    return Printed(float(text.lstrip("<>")), half, text[0] if text[0] in "<>" else "")


def published(study: Study) -> pd.DataFrame:
    """The study's `published.csv`: the ledger's key, `printed` and `where`, in the file's order.

    Raises StudyError for a missing file or column, and for a row outside the vocabulary of the ledger or the study.
    """
    path = study.published_path
    name = relative(path)
    if not path.is_file():
        raise StudyError(f"{name}: there is no such file, so nothing printed can be compared")
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise StudyError(f"{name}: this cannot be read as CSV in UTF-8") from None
    columns = [*KEY, "printed", "where"]
    if list(rows.columns) != columns:
        raise StudyError(f"{name}: the columns must be {listed(columns)}")
    for number, row in enumerate(rows.to_dict("records"), start=2):
        problem = _problem(study, row)
        if problem:
            raise StudyError(f"{name}, row {number}: {problem}")
    return rows


def scorecard(printed_rows: pd.DataFrame, computed: pd.DataFrame) -> pd.DataFrame:
    """Each printed number with `place` (a table, or the text), `value`, `verdict`, `reason` (why there is no value).

    A number that several places print is judged in each of them.
    """
    values = {tuple(row[name] for name in KEY): (row["value"], row["method"]) for row in computed.to_dict("records")}
    records = []
    for row in printed_rows.to_dict("records"):
        value, method = values.get(tuple(row[name] for name in KEY), (np.nan, None))
        place = re.match(r"(Table \w+)|", row["where"])[0] or "Text"
        verdict = _verdict(printed(row["printed"]), value, known=method is not None)
        reason = method if verdict != NOT_COMPUTED and np.isnan(value) else ""
        records.append({**row, "place": place, "value": value, "verdict": verdict, "reason": reason})
    return pd.DataFrame(records, columns=[*printed_rows.columns, "place", "value", "verdict", "reason"])


def by_place(scored: pd.DataFrame) -> pd.DataFrame:
    """Numbers printed, with a computed partner, and by verdict; a row a table, the text, and all of them."""
    counted = [_counted(place, part) for place, part in scored.groupby("place", sort=True)]
    counted.sort(key=lambda row: row["place"] == "Text")
    return pd.DataFrame([*counted, _counted("All", scored)])


def not_computed(scored: pd.DataFrame) -> pd.DataFrame:
    """How many printed numbers await each analysis, by population, endpoint and model."""
    left = scored[scored["verdict"] == NOT_COMPUTED]
    return left.groupby(["analysis", "population", "endpoint", "model"], sort=False).size().rename("n").reset_index()


def leave(scored: pd.DataFrame, results_dir: str | None) -> None:
    """Where the runner gave a `results_dir`, every printed number with its verdict is left there as `scorecard.csv`."""
    if results_dir is not None:
        scored.to_csv(Path(results_dir) / "scorecard.csv", index=False)


def _counted(place: str, part: pd.DataFrame) -> dict:
    verdicts = {verdict: int((part["verdict"] == verdict).sum()) for verdict in VERDICTS}
    return {"place": place, "printed": len(part), "computed": len(part) - verdicts[NOT_COMPUTED], **verdicts}


def _verdict(page: Printed, value: float, *, known: bool) -> str:
    if not known:
        return NOT_COMPUTED
    if page.agrees(value):
        return AGREES
    return NOT_ESTIMABLE if np.isnan(value) else DIFFERS


def _problem(study: Study, row: dict) -> str:
    """Why a row of `published.csv` is none, or nothing."""
    if row["analysis"] not in ANALYSES:
        return f"analysis '{row['analysis']}' is unknown{nearest(row['analysis'], ANALYSES)}"
    statistics = STATISTICS_OF[row["analysis"]]
    if row["statistic"] not in statistics:
        return f"statistic '{row['statistic']}' is none of {row['analysis']}'s ({', '.join(statistics)})"
    if row["analysis"] in FITTED and not row["model"]:
        return "a fitted number needs a model"
    terms = study.adverse_events.terms if study.adverse_events else []
    variables = ["", study.arms.column, *study.variables, *terms]
    group, _, level = row["group"].partition("=")
    named = {
        "endpoint": (row["endpoint"], ["", *study.endpoints]),
        "variable": (row["variable"], variables),
        "group": (group, variables if level else ["", OVERALL, *study.arms.levels]),
    }
    for column, (value, known) in named.items():
        if value not in known:
            return f"{column} '{value}' is not in the study file{nearest(value, known)}"
    for variable, value in ((row["variable"], row["level"]), (group, level)):
        levels = study.counted_labels(variable) if value and variable else {}
        if value and value not in levels:
            return f"level '{value}' is none of '{variable}' ({listed(levels)})"
    return _unreadable(row)


def _unreadable(row: dict) -> str:
    if not row["where"]:
        return "'where' is empty: say where the number is printed"
    if row["at"] and (not NUMBER.fullmatch(row["at"]) or row["at"] != at_label(float(row["at"]))):
        return f"'at' is '{row['at']}'; a time or value is written as a plain number, 12 and not 12.0"
    try:
        printed(row["printed"])
    except ValueError:
        return f"'{row['printed']}' is no printed number; allowed: 0.37, <0.001, >0.99, {', '.join(WORDS)}"
    return ""
