"""Tables of the continuous variables as splines."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import at_label, select
from helpers.study import Study
from helpers.tables.layout import endpoints, finished, heading, marks, reasons

LOST = {
    "n_missing": "Patients without a value, left out",
    "n_not_applicable": "Patients in whom it cannot exist, left out",
}

CHANCE = "Where P overall shows no association, the curve still turns and crosses 1 somewhere by chance."


def splines(estimates: pd.DataFrame, *, study: Study) -> list[Table]:
    """One table a population: each variable's tests, its reference, and where the hazard ratio is 1 again or turns."""
    asked = estimates[["population", "model"]].drop_duplicates()
    return [_splines(select(estimates, **which), study, **which) for _, which in asked.iterrows()]


def _splines(estimates: pd.DataFrame, study: Study, population: str, model: str) -> Table:
    rows: list[Row] = []
    for endpoint in endpoints(estimates):
        rows.append(heading(study.endpoints[endpoint].label, 7))
        frame = select(estimates, endpoint=endpoint)
        for variable in dict.fromkeys(frame["variable"]):
            rows.append(_row(select(frame, variable=variable), study.label(variable) + study.mark_of(variable)))
    sizes = ("Variable", "Patients / events", "P overall", "P nonlinear", "Reference (HR = 1 by construction)")
    header = (*sizes, "Other values where HR = 1", "Maxima and minima of HR")
    knots, _, adjusted = model.removeprefix("knots_").partition(":")
    title = f"Continuous variables as restricted cubic splines with {knots} knots{study.of_population(population)}"
    notes = [*_method(estimates, study, bool(adjusted)), *_fewer(estimates, study, int(knots))]
    notes += [*_lost(estimates, study), *marks(study, rows, population), CHANCE, *reasons(estimates)]
    name = f"splines_{population}_{model.replace(':', '_')}"
    return finished(Table(name, title, header, tuple(rows), tuple(notes)), study)


def _row(frame: pd.DataFrame, label: str) -> Row:
    tests, reference = frame[frame["n"].notna()].iloc[0], frame["turning_point"].max()
    p = [notation.p_value(tests[name]) for name in ("p_overall", "p_nonlinear")]
    crossings, extrema = (frame[frame[name].notna()] for name in ("crossing", "extremum"))
    points = [_point(row, "crossing") for _, row in crossings.iterrows()]
    turns = [f"{row['level'].partition('_')[0]} {_point(row, 'extremum')}" for _, row in extrema.iterrows()]
    known = [_written(reference, 4), "; ".join(points) or notation.DASH, "; ".join(turns) or notation.DASH]
    cells = [notation.NOT_ESTIMABLE] * 3 if pd.isna(reference) else known
    return Row((label, f"{int(tests['n'])} / {int(tests['n_event'])}", *p, *cells), indent=True)


def _point(row: pd.Series, statistic: str) -> str:
    """`61.1 (56.3–65.1; 76%)`: a point, its interval, the share of samples with such a point."""
    value, low, high = (row[f"{statistic}{end}"] for end in ("", "_low", "_high"))
    if pd.isna(row["percent_found"]):
        return _written(value)
    ends = [notation.NOT_ESTIMABLE] if pd.isna(low) else [_written(low), _written(high)]
    limits = (" to " if any("−" in end for end in ends) else notation.DASH).join(ends)
    return f"{_written(value)} ({limits}; {notation.number(row['percent_found'], 0)}%)"


def _method(estimates: pd.DataFrame, study: Study, adjusted: bool) -> list[str]:
    covariates = ", ".join(notation.within(study.label(each)) for each in study.splines.covariates)
    beside = f", adjusted for {covariates}" if adjusted else ""
    chosen = " or as the study file says" if study.splines.references else ""
    reference = f"The reference, the median of those analysed{chosen}, is chosen and not found by the model."
    notes = [f"Cox regression, Efron ties{beside}; Wald tests. {reference}"]
    sampled = estimates[estimates["percent_found"].notna()]
    if len(sampled):
        how = " or ".join(dict.fromkeys(sampled["method"].str.partition("; ")[2]))
        notes += [
            f"In brackets: {how}, and the share of samples with such a point on that side of the reference, "
            "where half or more have one; such an interval need not hold the estimate. Knots and reference stay."
        ]
    return notes


def _fewer(estimates: pd.DataFrame, study: Study, asked: int) -> list[str]:
    """The variables whose values tie so that knots coincide."""
    counted = estimates[estimates["knot"].notna()].groupby(["variable", "endpoint"], sort=False).size()
    fewer = counted[counted < asked].groupby("variable", sort=False).min()
    named = ", ".join(f"{study.label(variable)} {knots}" for variable, knots in fewer.items())
    return [f"Fewer knots, as some coincide: {named}."] if named else []


def _lost(estimates: pd.DataFrame, study: Study) -> list[str]:
    tests, notes = estimates[estimates["n"].notna()], []
    for name, text in LOST.items():
        counts = [
            f"{study.label(variable)} {_from_to(rows[name])}"
            for variable, rows in tests.groupby("variable", sort=False)
            if rows[name].max() > 0
        ]
        notes += [f"{text}: {', '.join(counts)}."] if counts else []
    untimed = tests.groupby("endpoint", sort=False)["n_no_time"].max()
    counts = [f"{study.endpoints[endpoint].label} {int(n)}" for endpoint, n in untimed.items() if n]
    return notes + ([f"Patients without a usable time, left out: {', '.join(counts)}."] if counts else [])


def _from_to(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high} (by endpoint)"


def _written(value: float, digits: int = 3) -> str:
    """A value of a variable to some significant digits."""
    return at_label(float(f"{value:.{digits}g}")).replace("-", "−")
