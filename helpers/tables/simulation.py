"""How every way of analysing errs in cohorts drawn with a known effect of treatment."""

import math

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.names.simulated import CLONES, STORED, label
from helpers.study import Study
from helpers.study.variants import SEPARATOR
from helpers.tables.layout import finished, heading, reasons

COLUMNS = 8
DESIGN = (
    "Drawn: the covariates of the complete cases, with replacement; starts of treatment and events from the cohort's "
    "cumulative hazards (Breslow NE. J R Stat Soc B 1972;34:216–217), straight between event times, none after the "
    "last, given covariates by Cox models; the hazard of the event multiplied by the hazard ratio once treatment has "
    "begun; follow-up from the reverse Kaplan-Meier curve, whatever the covariates. The effects of covariates "
    "are taken as estimated, chance and all, and are the only confounding there is. Treated is who begins before the "
    "event and the end of follow-up."
)
READING = (
    "Limit: what the way of analysing tends to as patients grow many. Bias: mean coefficient minus the way's limit, at "
    "a true hazard ratio of 1 minus 0; in brackets its Monte Carlo standard error. A way can so be unbiased for the "
    "wrong number: compare its limit with the true hazard ratio. SD: of the coefficients over cohorts; mean SE: of "
    "their estimated standard errors. Percentages have {level} Monte Carlo limits (Wilson)."
)


def simulation(estimates: pd.DataFrame, *, study: Study) -> list[Table]:
    """Mean hazard ratio, limit, bias, errors, rejections and coverage by endpoint, ratio and way.

    Of the stored cohorts, or of those that the command has drawn. No table where there are none.
    """
    if estimates.empty:
        return []
    level = notation.number(100 * (1 - study.confidence), 0)
    notes = [
        DESIGN,
        f"Adjusted: for {_covariates(study)}, without strata; weights of clones by the same.",
        READING.format(level=study.level),
        "Rejected: the interval leaves out 1; at a true hazard ratio of 1 that is type I error, nominally "
        f"{level}%, and elsewhere power. Covered: the interval holds what the bias is counted from, "
        f"nominally {notation.number(100 * study.confidence, 0)}%.",
        _precision(estimates, study),
        *_sources(estimates),
        *_failed(estimates, study),
    ]
    if estimates["model"].str.endswith(f"{SEPARATOR}{STORED}").all():
        notes.append("Made before this report, from these patients and this study file, and stored beside them.")
    spanners = (("", 3), ("Log hazard ratio", 3), (f"Percent of cohorts ({study.level} CI)", 2))
    header = ("Way of analysing", "Mean HR", "Limit (HR)", "Bias (SE)", "SD", "Mean SE", "Rejected", "Covered")
    title = "How ways of analysing err when the effect of treatment is known"
    rows = tuple(_rows(estimates, study))
    return [finished(Table("simulation", title, header, rows, (*notes, *reasons(estimates)), spanners), study)]


def _covariates(study: Study) -> str:
    """What explains who begins when, by its labels."""
    return ", ".join(notation.within(study.variables[name].label) for name in study.exposure.covariates)


def _rows(frame: pd.DataFrame, study: Study) -> list[Row]:
    rows = []
    for endpoint, at in dict.fromkeys(zip(frame["endpoint"], frame["at"], strict=True)):
        own = select(frame, endpoint=endpoint, at=at)
        draws, patients = (notation.count(own[name].iloc[0]) for name in ("n_draw", "n"))
        name = study.endpoints[endpoint].label
        rows.append(heading(f"{name}, true hazard ratio {at}: {draws} cohorts of {patients} patients", COLUMNS))
        rows += [Row((label(study, row["model"]), *_cells(row)), indent=True) for _, row in own.iterrows()]
    return rows


def _cells(row: pd.Series) -> tuple[str, ...]:
    mean, limit = (_number(math.exp(row[name]), 2) for name in ("log_hr", "log_hr_limit"))
    error = notation.NOT_ESTIMABLE if math.isnan(row["bias_se"]) else _number(row["bias_se"], 3)
    bias = notation.NOT_ESTIMABLE if math.isnan(row["bias"]) else f"{notation.number(row['bias'], 3)} ({error})"
    shares = (
        notation.estimate(*(row[f"{name}{end}"] for end in ("", "_low", "_high")), 1)
        for name in ("percent_rejected", "percent_covered")
    )
    return (mean, limit, bias, *(_number(row[name], 3) for name in ("log_hr_sd", "log_hr_se")), *shares)


def _number(value: float, digits: int) -> str:
    return notation.NOT_ESTIMABLE if math.isnan(value) else notation.number(value, digits)


def _precision(frame: pd.DataFrame, study: Study) -> str:
    """What chance alone does to a share of the nominal size among so many cohorts."""
    draws, share = int(frame["n_draw"].iloc[0]), 1 - study.confidence
    error = 100 * math.sqrt(share * (1 - share) / draws)
    return (
        f"Of {draws} cohorts, a share of {notation.number(100 * share, 0)}% has a Monte Carlo standard error of "
        f"{notation.number(error, 1)} percentage points."
    )


def _sources(frame: pd.DataFrame) -> list[str]:
    """Where the limits are from, those of clones apart."""
    told = []
    for is_clone, beginning in ((False, "from"), (True, "of clones,")):
        models = frame["model"].str.partition(SEPARATOR)[0]
        found = frame.loc[models.isin(CLONES) == is_clone, "method"].str.partition("limit from ")[2]
        sources = [each for each in dict.fromkeys(found) if each]
        told += [f"{beginning} {' or '.join(sources)}"] if sources else []
    return [f"Limits: {'; '.join(told)}."] if told else []


def _failed(frame: pd.DataFrame, study: Study) -> list[str]:
    """Ways of analysing that had no estimate in some cohorts."""
    told = []
    for _, row in frame[frame["n_failed"] > 0].iterrows():
        counts = f"{notation.count(row['n_failed'])} of {notation.count(row['n_draw'])}"
        told.append(f"{label(study, row['model'])} {counts} ({row['endpoint']}, {row['at']})")
    if not told:
        return []
    return [f"Cohorts without an estimate, left out, though not missing at random (separation): {'; '.join(told)}."]
