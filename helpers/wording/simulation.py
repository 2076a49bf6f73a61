"""Sentences on what ways of analysing tend to, and how often they find an effect, in cohorts with a known one."""

import math
from collections.abc import Callable, Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.simulated import ADJUSTED, NAIVE, TIME_DEPENDENT, adjustment, is_adjusted, label, way
from helpers.study import Study
from helpers.study.variants import SEPARATOR

NULL = "1"
Told = Callable[[pd.Series], str]
ERRORS = 3
WIDER = 0.05
BEYOND = "by more than three Monte Carlo standard errors"
SAMPLES = (
    "in so few patients, above all with many covariates for the events, standard errors are too small, which raises "
    "rejections whatever is done with time"
)


def simulation(rows: pd.DataFrame, *, study: Study, reason: str = "") -> Sentences:
    """What the ways tend to where treatment does nothing and where it does, and how often 1 is left out, by endpoint.

    From ledger rows of the stored cohorts, or of those that the command has drawn; or the `reason` why none are shown.
    """
    frame = pivot(select(rows, analysis="simulation"))
    if frame.empty:
        return Sentences((f"No simulation is shown: {reason}.",) if reason else ())
    said = []
    for endpoint in dict.fromkeys(frame["endpoint"]):
        whole = select(frame, endpoint=endpoint)
        for at in dict.fromkeys(whole["at"]):
            own = select(whole, at=at)
            own = own[own["percent_rejected"].notna()]
            if len(own):
                said += _null(own, study) if at == NULL else _effect(own, study)
        said += _failed(whole, study)
    return Sentences(tuple(said))


def null_rejections(rows: pd.DataFrame, study: Study) -> list[str]:
    """By endpoint, how often a naive interval and one of an exposure that begins leave out 1 where nothing is done."""
    frame, said = pivot(select(rows, analysis="simulation", at=NULL)), []
    for endpoint in dict.fromkeys(frame["endpoint"] if len(frame) else ()):
        own = select(frame, endpoint=endpoint)
        names = own["model"].str.partition(SEPARATOR)[0]
        pair = [own[names == f"{each}{ADJUSTED}"] for each in (NAIVE, TIME_DEPENDENT)]
        if all(len(each) and each["percent_rejected"].notna().all() for each in pair):
            naive, begins = (notation.number(each["percent_rejected"].iloc[0], 0) for each in pair)
            nominal = notation.number(100 * (1 - study.confidence), 0)
            said.append(
                f"{study.endpoints[endpoint].label}, in drawn cohorts of this design in which treatment does nothing: "
                f"the adjusted interval leaves out 1 in {naive}% with the arm as if known at time zero, in {begins}% "
                f"with treatment as it begins (nominally {nominal}%)."
            )
    return said


def _null(own: pd.DataFrame, study: Study) -> Iterator[str]:
    nominal = notation.number(100 * (1 - study.confidence), 0)
    far = own[[_is_far(row, 0.0) for _, row in own.iterrows()]]
    told = (
        f"{_endpoint(own, study)}, no effect of treatment, {_cohorts(own)}: {_tending(own)} a hazard ratio other than 1"
    )
    yield f"{told} ({BEYOND}) with {_paired(far, study, _ratio) if len(far) else 'no way of analysing'}."
    if len(far) and not far["model"].map(is_adjusted).all():
        yield "Where nothing is adjusted for, confounding by the covariates adds to what is done with time."
    yield f"An interval leaves out 1, nominally in {nominal}% of the cohorts, with {_paired(own, study, _share)}."
    yield from _wider(own, study)


def _wider(own: pd.DataFrame, study: Study) -> Iterator[str]:
    """Ways whose coefficients vary more than their errors say, beyond the Monte Carlo error of a deviation."""
    excess = own["log_hr_sd"] / own["log_hr_se"] - 1
    chance = ERRORS / (2 * _estimated(own)) ** 0.5
    wide = own.assign(excess=excess)[excess > chance.clip(lower=WIDER)]
    if len(wide):
        texts = _paired(wide, study, lambda row: f"{notation.number(100 * row['excess'], 0)}%")
        yield f"The coefficients' standard deviation exceeds their mean standard error with {texts}: {SAMPLES}."


def _effect(own: pd.DataFrame, study: Study) -> Iterator[str]:
    """What each way makes of the effect, and how often it is found."""
    true = own["at"].iloc[0]
    far = pd.Series([_is_far(row, math.log(float(true))) for _, row in own.iterrows()], index=own.index)
    near, other = (_paired(each, study, _ratio) for each in (own[~far], own[far]))
    told = f"{_endpoint(own, study)}, true hazard ratio {true}, {_cohorts(own)}: {_tending(own)} that ratio with"
    yield f"{told} {near or 'no way of analysing'}{f'; to another ({BEYOND}) with {other}' if other else ''}."
    if far.any():
        yield (
            "A landmark and strategies with a grace period ask for another contrast than that ratio, and a model "
            "without the covariates for a ratio averaged over them."
        )
    part = own[own["model"].map(is_adjusted)]
    if len(part):
        yield (
            f"The interval then leaves out 1 with {_paired(part, study, _share)}; this is power only for a way that "
            "tends to 1 where there is no effect."
        )


def _failed(whole: pd.DataFrame, study: Study) -> Iterator[str]:
    lost = whole[whole["n_failed"] > 0]
    if len(lost):
        worst = lost.loc[lost["n_failed"].idxmax()]
        yield (
            f"For {len(lost)} of these {len(whole)} shares some cohorts had no estimate, at most "
            f"{notation.count(worst['n_failed'])} of {notation.count(worst['n_draw'])} "
            f"({notation.within(label(study, worst['model']))}, hazard ratio {worst['at']}); they are left out, and "
            "not at random, for in them the event, or who begins, separates the arms or the levels of a covariate."
        )


def _is_far(row: pd.Series, log_ratio: float) -> bool:
    """Whether the limit, or without one the mean coefficient, is three of its errors from a log hazard ratio."""
    known = not math.isnan(row["log_hr_limit"])
    value = row["log_hr_limit"] if known else row["log_hr"]
    error = row["log_hr_limit_se"] if known else row["log_hr_sd"] / math.sqrt(row["n_draw"] - row["n_failed"])
    return abs(value - log_ratio) > ERRORS * error


def _tending(own: pd.DataFrame) -> str:
    return "as patients grow many, estimates tend to" if own["log_hr_limit"].notna().any() else "mean estimates come to"


def _ratio(row: pd.Series) -> str:
    return notation.number(math.exp(row["log_hr" if math.isnan(row["log_hr_limit"]) else "log_hr_limit"]), 3)


def _share(row: pd.Series) -> str:
    return notation.rate(*(row[f"percent_rejected{end}"] for end in ("", "_low", "_high")))


def _paired(part: pd.DataFrame, study: Study, value: Told) -> str:
    """Each way of analysing once, with what is told of it unadjusted and adjusted."""
    told: dict[str, list[str]] = {}
    for _, row in part.iterrows():
        told.setdefault(way(study, row["model"]), []).append(f"{value(row)} {adjustment(row['model'])}")
    return "; ".join(f"{notation.within(name)} {' and '.join(each)}" for name, each in told.items())


def _endpoint(own: pd.DataFrame, study: Study) -> str:
    return study.endpoints[own["endpoint"].iloc[0]].label


def _estimated(own: pd.DataFrame) -> pd.Series:
    return own["n_draw"] - own["n_failed"]


def _cohorts(own: pd.DataFrame) -> str:
    """How many cohorts have an estimate, of how many where not all."""
    known = _estimated(own)
    least, most, drawn = (notation.count(each) for each in (known.min(), known.max(), own["n_draw"].max()))
    some = least if least == most else f"{least} to {most}"
    return f"{some if some == drawn else f'{some} of {drawn}'} cohorts of {notation.count(own['n'].iloc[0])} patients"
