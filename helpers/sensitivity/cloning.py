"""The effect of beginning treatment within a grace period, by cloning, censoring and weighting.

Estimand: the contrast of the event times there would be if every patient followed the strategy to begin treatment
within the grace period, with those if every patient followed the strategy not to begin within it, beginning later being
left as it was. Hernán (2018); Cain et al. (2010); Maringe et al. (2020).

Each patient is cloned into both strategies, and a clone is censored when its patient leaves its strategy. Not beginning
can be left at any moment, so its weight, one over the probability of not having begun just before, grows until the
grace period ends. Beginning cannot be left before then, for until then the strategy lets everybody do what they did;
at its end all who have not begun are censored at once, and those who have stand for them, weighted by one over the
probability of having begun. The weights make up for leaving a strategy if the covariates explain who begins when, and
if it does not matter later how early within the grace period treatment began. Until its end the strategies differ
little, so hazards are not proportional and the hazard ratio is an average; rates and restricted means assume nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cohort.regression import indicators
from helpers.cox import effect, maximise
from helpers.cox.models import EFFECT, FittedModel, joined
from helpers.errors import ParameterError
from helpers.ledger import NOBODY_LEFT, at_label, fit_statistics, wide
from helpers.sensitivity import strategies
from helpers.sensitivity.beginning import Beginning, Course, Models, beginning, models, separated
from helpers.sensitivity.cloned_survival import Horizons, bootstrap, estimates
from helpers.sensitivity.exposure import exposed
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.thresholds import MANY, shortened

STATISTICS = fit_statistics("clone_censor_weight")
WEIGHTS = ["n_effective", "weight_max"]
DECIMALS = 9
ENOUGH = 0.9
NO_DRAWS = "no bootstrap samples were asked for"
NO_INTERVAL = "no interval where the rate is zero"
NO_SAMPLE = "too few bootstrap samples have an estimate"
METHOD = {
    "weighted": "clones censored on leaving their strategy, weighted by the inverse probability of keeping to it",
    "unweighted": "clones censored on leaving their strategy, without weights",
}


@dataclass(frozen=True)
class Trial:
    """An endpoint's patients with the strategies' grace period: their course, the models of who begins, or `problem`.

    `fault` says why the strategies cannot be compared even without weights.
    """

    known: pd.DataFrame
    lost: dict[str, int]
    course: Course
    models: Models | None
    problem: str
    fault: str

    @property
    def beginning(self) -> Beginning | None:
        """The models as fitted to the patients."""
        return beginning(self.course, self.models) if self.models else None


def clone_censor_weight(
    cohort: Cohort, population: str | None = None, *, grace: float | None = None, draws: int | None = None
) -> pd.DataFrame:
    """Hazard ratio, rates and restricted means of beginning treatment within `grace` months against not beginning.

    Models `weighted` and `unweighted`. The contrast stands at the grace period, `n_effective` being Kish's (1965)
    number of those followed past it; its standard error takes the weights as known. Each strategy has the level of the
    arms it stands for. Rates and the difference of restricted means have percentile limits of `draws` bootstrap samples
    of the patients, weights estimated anew. Raises ParameterError for a grace period after the last event.
    """
    study, records = cohort.study, []
    if study.exposure is None:
        return wide([], STATISTICS)
    where = study.exposure.population if population is None else population
    count = _draws(study.exposure.draws if draws is None else draws)
    for endpoint in study.exposure.endpoints:
        trial = _trial(cohort, endpoint, where, grace)
        for model, method in METHOD.items():
            key = {"population": where, "endpoint": endpoint, "analysis": "clone_censor_weight", "model": model}
            records += _records(cohort, trial, {**key, "method": method}, count)
    return wide(records, STATISTICS)


def clones(cohort: Cohort, endpoint: str, population: str | None = None, *, grace: float | None = None) -> pd.DataFrame:
    """The clones of an endpoint's patients, by row of the cohort, cut where their weight changes.

    Columns `strategy` (a level of the arms), `entry`, `time`, `event`, `censored` (artificially), `weight`, in months.
    The weight is the one at the outcome's events between entry and time, NaN where there is none. Raises ParameterError
    as `clone_censor_weight`, and where the study file has no [exposure].
    """
    if cohort.study.exposure is None:
        raise ParameterError("clones need [exposure] in the study file, which says when treatment began")
    where = cohort.study.exposure.population if population is None else population
    return _clones(cohort, _trial(cohort, endpoint, where, grace), "weighted")


def _clones(cohort: Cohort, trial: Trial, model: str) -> pd.DataFrame:
    arms = cohort.study.arms
    weighted = model == "weighted"
    found = strategies.rows(trial.course, trial.beginning if weighted else None)
    found["strategy"] = pd.Categorical.from_codes(
        pd.Categorical(_levels(cohort), categories=list(arms.levels)).codes[found["strategy"]], list(arms.levels)
    )
    if weighted and trial.beginning is None:
        found["weight"] = np.nan
    return found.set_index(trial.known.index[found.pop("patient")])


def _levels(cohort: Cohort) -> list[str]:
    """The arms in the order of the strategies: not beginning, beginning."""
    arms = cohort.study.arms
    return [arms.reference, arms.treated]


def _trial(cohort: Cohort, endpoint: str, population: str, grace: float | None) -> Trial:
    asked = cohort.study.exposure
    months = _grace(cohort, endpoint, population, grace)
    known, start, lost = exposed(cohort, endpoint, population, asked.covariates)
    x = indicators(cohort.study, known, asked.covariates).to_numpy(dtype=float)
    spread, middle = (x.std(axis=0), x.mean(axis=0)) if len(x) else np.zeros((2, x.shape[1]))
    varying = spread > 1e-10 * np.abs(x).max(axis=0, initial=0)
    scaled = (x[:, varying] - middle[varying]) / spread[varying]
    time, begin = known["time"].round(DECIMALS).to_numpy(), start.fillna(np.inf).round(DECIMALS).to_numpy()
    course = Course(time, known["event"].to_numpy(dtype=bool), begin, round(months, DECIMALS), scaled)
    fault = _fault(course)
    fitted, problem = (None, fault) if fault else models(course)
    if problem == separated(course):
        problem += _one_sided(cohort.study, known, course)
    return Trial(known, lost, course, fitted, problem, fault)


def _grace(cohort: Cohort, endpoint: str, population: str, grace: float | None) -> float:
    months = cohort.study.exposure.grace if grace is None else grace
    if isinstance(months, bool) or not isinstance(months, int | float) or not 0 < months <= 1200:
        raise ParameterError(
            f"grace_months = {grace!r}: give a number of months above zero, or None for the study's own"
        )
    known = cohort.outcome(endpoint, population)
    if not known.loc[known["event"], "time"].max() > months:
        raise ParameterError(
            f"grace_months = {months:g}: this month lies after the last event of '{endpoint}' in population "
            f"'{population}'"
        )
    return float(months)


def _draws(draws: int) -> int:
    if isinstance(draws, bool) or not isinstance(draws, int) or not 0 <= draws <= 100_000:
        raise ParameterError(f"clone_draws = {draws!r}: give a whole number of bootstrap samples from 0 to 100000")
    return draws


def _fault(course: Course) -> str:
    """Why the strategies cannot be told apart after the grace period."""
    month, kept = f"month {course.grace:g}", course.begun[course.beyond]
    if not len(course.time):
        return "no patient has a value of every covariate that explains who begins when"
    if not kept.any():
        return f"nobody followed past {month} had begun treatment by then"
    if kept.all():
        return f"everybody followed past {month} had begun treatment by then"
    if not (course.event & course.beyond).any():
        return f"there is no event after {month} among the patients analysed"
    return ""


def _one_sided(study: Study, known: pd.DataFrame, course: Course) -> str:
    """The first level in which nobody or everybody had begun by the grace period's end, as the end of a sentence."""
    begun = pd.Series(course.begun, index=known.index)[course.beyond]
    for name in study.exposure.covariates:
        for level in study.level_labels(name):
            inside = begun[known.loc[begun.index, name] == level]
            if inside.nunique() == 1:
                return f": {'everybody' if inside.iloc[0] else 'nobody'} with '{name}' = '{level}' begins by then"
    return ""


def _records(cohort: Cohort, trial: Trial, key: dict, draws: int) -> list[dict]:
    study, course = cohort.study, trial.course
    reason = trial.problem if key["model"] == "weighted" else trial.fault
    frame = _clones(cohort, trial, key["model"])
    own = trial.beginning if key["model"] == "weighted" else None
    finals = [np.zeros(0)] * 2 if reason else [strategies.final_weights(course, own, strategy) for strategy in (0, 1)]
    contrast = {**key, "variable": study.arms.column, "level": study.arms.treated, "reference": study.arms.reference}
    contrast |= {"at": at_label(course.grace), **_size(trial), **trial.lost}
    contrast |= _weighed(np.concatenate(finals), frame, reason)
    found = {"not_estimable": dict.fromkeys(EFFECT, reason)} if reason else _effect(cohort, frame)
    records = [joined(contrast, found)]
    for level, final in zip(_levels(cohort), finals, strict=True):
        inside = frame[frame["strategy"] == level]
        sizes = {"n": len(trial.known), "n_event": inside["event"].sum(), "n_censored": inside["censored"].sum()}
        records.append({**key, "group": level, **sizes, **_weighed(final, inside, reason)})
    return records + _curves(cohort, trial, key, reason, draws)


def _size(trial: Trial) -> dict:
    return {"n": len(trial.known), "n_event": int(trial.known["event"].sum())}


def _weighed(final: np.ndarray, frame: pd.DataFrame, reason: str) -> dict:
    """Kish's effective number of the clones followed past the grace period, and the largest weight."""
    if reason:
        return {"not_estimable": dict.fromkeys(WEIGHTS, reason)}
    effective = final.sum() ** 2 / np.square(final).sum()
    return dict(zip(WEIGHTS, (effective, frame["weight"].max()), strict=True))


def _effect(cohort: Cohort, frame: pd.DataFrame) -> dict:
    """The hazard ratio of the strategies, the clones of a patient one cluster (Lin & Wei, 1989)."""
    data, patient = _rows_at_risk(cohort, frame)
    column = cohort.study.arms.column
    maximum = maximise(cohort.study, data, [column], clusters=patient, weights=data["weight"])
    return effect(cohort.study, maximum, (column, cohort.study.arms.treated))


def _rows_at_risk(cohort: Cohort, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The clones' rows with the strategy as their arm, the first of each at risk from the beginning; their patients."""
    column, patient = cohort.study.arms.column, pd.Series(frame.index)
    data = frame.rename(columns={"strategy": column}).reset_index(drop=True)
    first = ~pd.DataFrame({"patient": patient, "strategy": data[column]}).duplicated()
    data["entry"] = data["entry"].mask(first, -np.inf)
    return data, patient


def cloned_models(
    cohort: Cohort, population: str | None = None, *, grace: float | None = None
) -> list[tuple[FittedModel, pd.Series, pd.Series]]:
    """The models behind the hazard ratios of `clone_censor_weight`, with each row's patient and weight.

    One that has no hazard ratio is left out.
    """
    study, found = cohort.study, []
    if study.exposure is None:
        return []
    where, arm = population or study.exposure.population, study.arms.column
    for endpoint in study.exposure.endpoints:
        trial = _trial(cohort, endpoint, where, grace)
        spec = Model(label="Treatment alone", endpoints=[endpoint], covariates=[arm])
        for name in METHOD:
            if trial.problem if name == "weighted" else trial.fault:
                continue
            data, patient = _rows_at_risk(cohort, _clones(cohort, trial, name))
            maximum = maximise(study, data, [arm], clusters=patient, weights=data["weight"])
            key = {"population": where, "endpoint": endpoint, "analysis": "clone_censor_weight", "model": name}
            found.append((FittedModel(key, spec, [arm], data, trial.lost, {}, maximum), patient, data["weight"]))
    return found


def _curves(cohort: Cohort, trial: Trial, key: dict, reason: str, asked: int) -> list[dict]:
    """Rates of each strategy at the study's months, restricted means up to its tau, and their difference."""
    study, course = cohort.study, trial.course
    draws = shortened(asked, len(course.time))
    horizons = Horizons(study.survival.months, study.survival.tau[key["endpoint"]])
    own = trial.models if key["model"] == "weighted" else None
    point, drawn = np.full((2, len(horizons)), np.nan), np.full((0, 2, len(horizons)), np.nan)
    if not reason:
        point = estimates(course, trial.beginning if own else None, horizons)[0]
        drawn = bootstrap(course, own, horizons, draws=draws, seed=study.seed)
    method = f"{key['method']}; Kaplan-Meier"
    method += f", percentile limits of {draws} bootstrap samples of the patients" if draws else ""
    method += f", not {asked}, as there are more than {MANY}" if draws < asked else ""
    key, limits, records = {**key, "method": method}, (reason, draws, study.confidence), []
    for place, level in enumerate(_levels(cohort)):
        for at in sorted({*horizons.months, horizons.tau}):
            row = {**key, "group": level, "at": at_label(at)}
            if at == horizons.tau:
                row = joined(row, _valued("rmst", point[place, -1], reason))
            if at in horizons.months:
                month = horizons.months.index(at)
                row = joined(row, _limited("rate", 100 * point[place, month], 100 * drawn[:, place, month], *limits))
            records.append(row)
    row = {**key, "at": at_label(horizons.tau), "reference": study.arms.reference, **_size(trial)}
    difference, samples = point[1, -1] - point[0, -1], drawn[:, 1, -1] - drawn[:, 0, -1]
    return [*records, joined(row, _limited("rmst_difference", difference, samples, *limits))]


def _valued(name: str, value: float, reason: str) -> dict:
    return {name: value, "not_estimable": {name: reason or NOBODY_LEFT} if np.isnan(value) else {}}


def _limited(name: str, value: float, samples: np.ndarray, reason: str, draws: int, confidence: float) -> dict:
    """A number with percentile limits over the samples that have it, or why there are none."""
    limits = [f"{name}_low", f"{name}_high"]
    found = _valued(name, value, reason)
    kept = samples[~np.isnan(samples)]
    why = found["not_estimable"].get(name, "")
    if not why and name == "rate" and value == 0:
        why = NO_INTERVAL
    elif not why and not draws:
        why = NO_DRAWS
    elif not why and len(kept) < ENOUGH * draws:
        why = NO_SAMPLE
    if why:
        return {**found, "not_estimable": {**found["not_estimable"], **dict.fromkeys(limits, why)}}
    return found | dict(zip(limits, np.quantile(kept, [(1 - confidence) / 2, (1 + confidence) / 2]), strict=True))
