"""The numbers a paper printed joined to those computed, each with its verdict."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.cells import unshown
from helpers.cohort.files import read_csv
from helpers.errors import CohortError, StudyError, listed, nearest
from helpers.ledger import ANALYSES, FITTED, KEY, NOBODY_LEFT, NOT_REACHED, STATISTICS_OF, at_label
from helpers.study import Study, relative
from helpers.study.schema import ANY_EVENT, INTERVALS, OVERALL

AGREES = "agrees"
DIFFERS = "differs"
NOT_ESTIMABLE = "not estimable"
NOT_COMPUTED = "not computed"
VERDICTS = (AGREES, DIFFERS, NOT_ESTIMABLE, NOT_COMPUTED)
NUMBER = re.compile(r"[<>]?[-−]?[0-9]+(?:\.([0-9]+))?")
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
BEYOND = "not reached"
WORDS = {"no": 0.0, BEYOND: np.nan}
ROUNDING = 1e-9
COLUMNS = [*KEY, "printed", "where"]


@dataclass(frozen=True)
class Printed:
    """What characters on a page say: a number and half a unit of its last digit, or a bound; NaN for `not reached`."""

    value: float
    half: float = 0.0
    bound: str = ""

    def agrees(self, computed: float) -> bool:
        """Whether a computed number is printed so, a value half-way between two digits either way."""
        if self.bound:
            return computed < self.value if self.bound == "<" else computed > self.value
        return abs(computed - self.value) <= self.half + ROUNDING * max(1.0, abs(self.value))


def decimals(text: str) -> int:
    """Digits after the point of a printed number."""
    found = NUMBER.fullmatch(text)
    return len(found[1] or "") if found else 0


def printed(text: str, digits: int | None = None) -> Printed:
    """Read `0.37`, `<0.001`, `>0.99`, `not reached` or `no`; `digits` where trailing zeros were dropped.

    Raises ValueError for anything else.
    """
    if text in WORDS:
        return Printed(WORDS[text], 0.5 if text == "no" else 0.0)
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    half = 0.5 * 10.0 ** -(decimals(text) if digits is None else digits)
    bound = text[0] if text[0] in "<>" else ""
    return Printed(float(text.lstrip("<>").replace("−", "-")), half, bound)


def published(study: Study) -> pd.DataFrame:
    """The study's `published.csv`: the ledger's key, `printed` and `where`, in the file's order.

    Raises StudyError for a missing file or column, and for a row outside the vocabulary of the ledger or the study.
    """
    path = study.published_path
    name = relative(path)
    if not path.is_file():
        raise StudyError(f"{name}: there is no such file, so nothing printed can be compared")
    if path.stat().st_size == 0:
        raise StudyError(f"{name}: the file is empty")
    try:
        file = read_csv(path, name)
    except CohortError as error:
        raise StudyError(str(error)) from None
    if file.header != COLUMNS:
        raise StudyError(f"{name}: the columns must be {listed(COLUMNS)}, in this order")
    rows = pd.DataFrame(file.rows, columns=file.header, dtype=object)
    for number, row in enumerate(rows.to_dict("records"), start=file.first):
        problem = _problem(study, row)
        if problem:
            raise StudyError(f"{name}, row {number}: {problem}")
    return rows


def scorecard(printed_rows: pd.DataFrame, computed: pd.DataFrame) -> pd.DataFrame:
    """Each printed number with `place` (a table, or the text), `value`, `verdict`, `reason` (why there is no value).

    A number that several places print is judged in each of them. An estimate and its limits are judged to the digits of
    the longest of the three, since trailing zeros may have been dropped. `not reached` agrees with an estimate that is
    not reached, or after which nobody is followed, and with nothing else.
    """
    values = {tuple(row[name] for name in KEY): (row["value"], row["method"]) for row in computed.to_dict("records")}
    family = printed_rows["statistic"].str.replace(r"_(low|high)$", "", regex=True)
    cell = [printed_rows[name] for name in (*KEY, "where") if name != "statistic"]
    digits = printed_rows["printed"].map(decimals).groupby([*cell, family]).transform("max")
    records = []
    for row, most in zip(printed_rows.to_dict("records"), digits, strict=True):
        value, method = values.get(tuple(row[name] for name in KEY), (np.nan, None))
        place = re.match(r"(Table \w+)|", row["where"])[0] or "Text"
        verdict = _verdict(printed(row["printed"], most), value, method)
        reason = method if verdict != NOT_COMPUTED and np.isnan(value) else ""
        records.append({**row, "place": place, "value": value, "verdict": verdict, "reason": reason})
    return pd.DataFrame(records, columns=[*printed_rows.columns, "place", "value", "verdict", "reason"])


def by_place(scored: pd.DataFrame) -> pd.DataFrame:
    """Numbers printed, how many different ones, how many with a computed partner, and the verdicts.

    A row a table, one the text, and one all of them.
    """
    counted = [_counted(place, part) for place, part in scored.groupby("place", sort=True)]
    counted.sort(key=lambda row: row["place"] == "Text")
    return pd.DataFrame([*counted, _counted("All", scored)])


def not_computed(scored: pd.DataFrame) -> pd.DataFrame:
    """How many printed numbers await each analysis, by population, endpoint and model, and which statistics."""
    left = scored[scored["verdict"] == NOT_COMPUTED]
    groups = left.groupby(["analysis", "population", "endpoint", "model"], sort=False)["statistic"]
    return groups.agg(n="size", statistics=lambda names: ", ".join(dict.fromkeys(names))).reset_index()


def leave(scored: pd.DataFrame, results_dir: str | None, *, study: Study) -> None:
    """Where the runner gave a `results_dir`, every printed number with its verdict is left there as `scorecard.csv`.

    Its column `cohort` says where the cohort is synthetic.
    """
    if results_dir is not None:
        scored.assign(cohort=study.mark).to_csv(Path(results_dir) / "scorecard.csv", index=False)


def _counted(place: str, part: pd.DataFrame) -> dict:
    verdicts = {verdict: int((part["verdict"] == verdict).sum()) for verdict in VERDICTS}
    sizes = {"printed": len(part), "different": int((~part.duplicated(KEY)).sum())}
    return {"place": place, **sizes, "computed": len(part) - verdicts[NOT_COMPUTED], **verdicts}


def _verdict(page: Printed, value: float, method: str | None) -> str:
    if method is None:
        return NOT_COMPUTED
    beyond = np.isnan(value) and method in {NOT_REACHED, NOBODY_LEFT}
    if np.isnan(page.value) or beyond:
        return AGREES if np.isnan(page.value) and beyond else DIFFERS
    if np.isnan(value):
        return NOT_ESTIMABLE
    return AGREES if page.agrees(value) else DIFFERS


def _problem(study: Study, row: dict) -> str:
    """Why a row of `published.csv` is none, or nothing."""
    for column, text in row.items():
        if said := unshown(text):
            return f"column '{column}' {said}"
    if row["analysis"] not in ANALYSES:
        return f"analysis '{row['analysis']}' is unknown{nearest(row['analysis'], ANALYSES)}"
    statistics = STATISTICS_OF[row["analysis"]]
    if row["statistic"] not in statistics:
        return f"statistic '{row['statistic']}' is none of {row['analysis']}'s ({', '.join(statistics)})"
    return _unmodelled(study, row) or _unnamed(study, row) or _unreadable(row)


def _unmodelled(study: Study, row: dict) -> str:
    if row["analysis"] in FITTED and not row["model"]:
        return "a fitted number needs a model"
    allowed = {
        "cox_univariable": ["unadjusted"],
        "cox_multivariable": list(study.models),
        "cox_time_dependent": ["unadjusted", *study.models],
        "kaplan_meier": [*INTERVALS, "product_limit"],
        "follow_up": list(INTERVALS),
        "log_rank": ["unstratified"],
    }.get(row["analysis"], [row["model"]])
    return (
        "" if row["model"] in allowed else f"model '{row['model']}' is none of {row['analysis']}'s ({listed(allowed)})"
    )


def _unnamed(study: Study, row: dict) -> str:
    """Which part of the key the study file does not name."""
    terms = study.adverse_events.terms if study.adverse_events else []
    variables = ["", study.arms.column, *study.variables, *terms, *[ANY_EVENT] * bool(terms)]
    group, _, level = row["group"].partition("=")
    named = {
        "population": (row["population"], [*study.all_populations, *study.published_populations]),
        "endpoint": (row["endpoint"], ["", *study.endpoints]),
        "variable": (row["variable"], variables),
        "group": (group, variables if level else ["", OVERALL, *study.arms.levels]),
    }
    for column, (value, known) in named.items():
        if value not in known:
            return f"{column} '{value}' is not in the study file{nearest(value, known)}"
    for variable, value in ((row["variable"], row["level"]), (group, level)):
        if value and not variable:
            return f"level '{value}' is given without a variable"
        levels = study.counted_labels(variable) if value else {}
        if value and value not in levels:
            return f"level '{value}' is none of '{variable}' ({listed(levels)})"
    return ""


def _unreadable(row: dict) -> str:
    if not row["where"]:
        return "'where' is empty: say where the number is printed"
    if row["at"] and (not PLAIN.fullmatch(row["at"]) or row["at"] != at_label(float(row["at"]))):
        return f"'at' is '{row['at']}'; a time or value is written as a plain number, 12 and not 12.0"
    try:
        printed(row["printed"])
    except ValueError:
        return f"'{row['printed']}' is no printed number; allowed: 0.37, <0.001, >0.99, {', '.join(WORDS)}"
    return ""
