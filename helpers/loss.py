"""Who was lost to follow-up, whether one arm more than the other, and what events of unknown time could change."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from helpers.cohort import Cohort
from helpers.cox import effect, maximise
from helpers.ledger import STATISTICS_OF, at_label, wide
from helpers.study.schema import OVERALL
from helpers.survival import log_rank_test

FOLLOWED, REVERSED, UNTIMED, EARLY, LATE = "followed", "reverse", "untimed", "early", "late"
ENDED = "ended"
SAME = 1e-9
NOBODY = "nobody has a time"


def loss(cohort: Cohort, population: str = "primary") -> pd.DataFrame:
    """Loss to follow-up of every endpoint: shares followed, completeness, the test between the arms, untimed events.

    Model `followed`, by arm and horizon (`at`): `percent_followed`, the share not lost before it, who had the event
    before counting as followed; `percent_complete`, Clark's C (Clark, Altman & De Stavola, 2002): months seen up to the
    horizon over what they would have been had nobody been lost, who had the event counted to it and, where the study
    has dates, who reached the cut-off to that. Model `reverse`: log-rank test and hazard ratio of being censored,
    events taken as censorings. Model `untimed`: patients with the event and without its time, by arm; `early` and
    `late` the hazard ratio for treatment if they had it at the last fact known of them, or lived without it to the
    cut-off, which is the longest time followed where the study has no dates. Model `ended`, by another endpoint
    (`level`) after whose event nobody is followed for this one: the patients whose follow-up it ended.
    """
    records = []
    for endpoint in cohort.study.endpoints:
        key = {"population": population, "endpoint": endpoint, "analysis": "loss"}
        everybody = cohort.with_outcome(endpoint, population, variables=[])
        potential = cohort.potential[endpoint].loc[everybody.index] if endpoint in cohort.potential else np.nan
        everybody = everybody.assign(potential=potential)
        known = everybody[everybody["time"].notna()]
        records += [{**key, "model": FOLLOWED, **row} for row in _followed(cohort, known)]
        records += [{**key, "model": REVERSED, **_reversed(cohort, known)}]
        records += [{**key, **row} for row in _untimed(cohort, endpoint, everybody)]
        records += [{**key, **row} for row in _ended(cohort, endpoint, known)]
    return wide(records, STATISTICS_OF["loss"])


def completeness(time: np.ndarray, event: np.ndarray, horizon: float, potential: np.ndarray) -> float:
    """Clark's C up to a horizon, 0 to 1: months seen over the months there could have been.

    `potential` are the months each patient could have been followed, NaN where that is not known.
    """
    seen = np.minimum(time, horizon)
    reach = np.fmin(potential, horizon)
    possible = np.where(event & (time <= horizon), seen, np.maximum(seen, np.where(np.isnan(reach), horizon, reach)))
    return float(seen.sum() / possible.sum()) if possible.sum() > 0 else np.nan


def _followed(cohort: Cohort, known: pd.DataFrame) -> Iterator[dict]:
    arms = cohort.study.arms.column
    for group in cohort.study.groups:
        rows = known if group == OVERALL else known[known[arms] == group]
        time, event = rows["time"].to_numpy(), rows["event"].to_numpy()
        for month in cohort.study.survival.months:
            kept = event | (time >= month) | (time >= rows["potential"].to_numpy())
            row = {"group": group, "at": at_label(month), "n": len(rows), "n_censored": int((~kept).sum())}
            if not len(rows):
                yield {**row, "not_estimable": dict.fromkeys(("percent_followed", "percent_complete"), NOBODY)}
                continue
            complete = completeness(time, event, month, rows["potential"].to_numpy())
            yield {**row, "percent_followed": 100 * float(kept.mean()), "percent_complete": 100 * complete}


def _reversed(cohort: Cohort, known: pd.DataFrame) -> dict:
    """The log-rank test and the hazard ratio of censoring."""
    arms = cohort.study.arms
    lost = known.assign(event=~known["event"])
    test = log_rank_test(lost["time"].to_numpy(), lost["event"].to_numpy(), lost[arms.column].astype(object).to_numpy())
    names = ("chi_square", "p_log_rank")
    found = {"chi_square": test["chi_square"], "df": test["df"], "p_log_rank": test["p"]}
    ratio = effect(cohort.study, maximise(cohort.study, lost, [arms.column]), (arms.column, arms.treated))
    why = {**(dict.fromkeys(names, test["reason"]) if test["reason"] else {}), **ratio.get("not_estimable", {})}
    sizes = {"n": len(lost), "n_censored": int(lost["event"].sum())}
    method = {"method": "log-rank test and Cox regression of being censored", "reference": arms.reference}
    return {"variable": arms.column, "level": arms.treated, **method, **sizes, **found, **ratio, "not_estimable": why}


def _ended(cohort: Cohort, endpoint: str, known: pd.DataFrame) -> Iterator[dict]:
    """Other endpoints whose event ends the follow-up of this one, such as death that of a recurrence."""
    for other, outcome in cohort.outcomes.items():
        had = outcome.loc[known.index]
        had = had[had["event"] & had["time"].notna()]
        if other == endpoint or had.empty:
            continue
        time, event = known.loc[had.index, "time"], known.loc[had.index, "event"]
        ended = ~event & np.isclose(time, had["time"], rtol=SAME, atol=0)
        if ended.any() and not (time > had["time"] * (1 + SAME)).any():
            yield {"model": ENDED, "level": other, "n_censored": int(ended.sum())}


def _untimed(cohort: Cohort, endpoint: str, everybody: pd.DataFrame) -> Iterator[dict]:
    """Patients with an event and no time, by arm, and the ratios between which theirs would lie."""
    study, arms = cohort.study, cohort.study.arms
    without = everybody["time"].isna() & everybody["event"]
    if not without.any():
        return
    for group in study.groups:
        inside = without if group == OVERALL else without & (everybody[arms.column] == group)
        yield {"model": UNTIMED, "group": group, "n_event": int(inside.sum())}
    others = [frame["time"].reindex(everybody.index) for name, frame in cohort.outcomes.items() if name != endpoint]
    facts = pd.concat([*others, pd.Series(0.0, index=everybody.index)], axis=1).max(axis=1)
    longest = everybody["potential"].fillna(everybody["time"].max())
    for model, time, event in ((EARLY, facts, True), (LATE, longest, False)):
        changed = everybody.assign(
            time=everybody["time"].mask(without, time), event=everybody["event"].mask(without, event).astype(bool)
        )
        changed = changed[changed["time"].notna()]
        found = effect(study, maximise(study, changed, [arms.column]), (arms.column, arms.treated))
        key = {"model": model, "variable": arms.column, "level": arms.treated, "reference": arms.reference}
        yield {**key, "n": len(changed), "n_event": int(changed["event"].sum()), **found}
