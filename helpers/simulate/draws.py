"""A cohort drawn from a design: patients, when each began treatment, had the event and left, and who is excluded."""

import numpy as np
import pandas as pd

from helpers.cohort import FLOW, Cohort
from helpers.simulate.design import Design
from helpers.study import Study
from helpers.study.schema import DAYS_PER_MONTH, OVERALL, UNIT_DAYS, EarlyEvent

SPARE = 32


def draw(made: Design, rows: int, hazard_ratio: float, rng: np.random.Generator) -> Cohort:
    """A cohort of `rows` patients whose hazard of the event is multiplied by `hazard_ratio` once treatment has begun.

    Who is to begin is treated if the event and the end of follow-up come later. Patients are drawn until so many are
    eligible. Who has an early event that an exclusion leaves out is not in that population.
    """
    parts, found = [], 0
    while found < rows:
        part = _patients(made, rows - found + SPARE * bool(made.early), hazard_ratio, rng)
        parts.append(part[~_early(made.early, part)])
        found += len(parts[-1])
    return _cohort(made, pd.concat(parts, ignore_index=True).iloc[:rows])


def _patients(made: Design, rows: int, hazard_ratio: float, rng: np.random.Generator) -> pd.DataFrame:
    """Patients before eligibility: row of `made.patients`, month treatment began (NaN if never), time and event."""
    patient = rng.integers(len(made.patients), size=rows)
    start = _reached(made.starting, rng.exponential(size=rows) / np.exp(made.start_risk[patient]))
    lived = rng.exponential(size=rows) / np.exp(made.event_risk[patient])
    at_start = np.interp(start, *made.hazard)
    treated = np.isfinite(start) & (at_start < lived)
    event = _reached(made.hazard, np.where(treated, at_start + (lived - at_start) / hazard_ratio, lived))
    censored = _reached(made.censoring, rng.uniform(size=rows))
    time = np.minimum(event, censored)
    begun = np.where(start < time, start, np.nan)
    return pd.DataFrame({"patient": patient, "start": begun, "time": time, "event": event <= censored})


def _reached(curve: tuple[np.ndarray, np.ndarray], value: np.ndarray) -> np.ndarray:
    """The month in which a rising curve reaches a value, infinite where it never does."""
    months, height = curve
    return np.where(value <= height[-1], np.interp(value, height, months), np.inf)


def _early(steps: list[EarlyEvent], part: pd.DataFrame) -> np.ndarray:
    """Who has an event that one of the steps excludes."""
    met = np.zeros(len(part), dtype=bool)
    for step in steps:
        since = part["time"] if step.after is None else part["time"] - part["start"]
        met |= (part["event"] & (since >= 0) & (since < step.before_months)).to_numpy()
    return met


def _cohort(made: Design, drawn: pd.DataFrame) -> Cohort:
    study = made.drawn
    arms, asked = study.arms, study.exposure
    begun = drawn["start"].notna().to_numpy()
    levels = list(arms.levels)
    code = np.where(begun, levels.index(arms.treated), levels.index(arms.reference))
    data = made.patients.iloc[drawn["patient"]].reset_index(drop=True)
    data.insert(0, arms.column, pd.Categorical.from_codes(code, categories=levels))
    data[asked.start] = drawn["start"] * (DAYS_PER_MONTH / UNIT_DAYS[study.variables[asked.start].unit])
    members = {"screened": data.index, "primary": data.index}
    for name, steps in made.excluded.items():
        members[name] = data.index[~_early(steps, drawn)]
    return Cohort(study, data, _flow(study, data, members), {made.endpoint: drawn[["time", "event"]]}, members)


def _flow(study: Study, data: pd.DataFrame, members: dict[str, pd.Index]) -> pd.DataFrame:
    """Rows of the flow for the exclusions, overall and by arm."""
    records = []
    for name in study.populations:
        for group in study.groups:
            everybody = np.ones(len(data), bool) if group == OVERALL else (data[study.arms.column] == group).to_numpy()
            before, left = int(everybody.sum()), int(everybody[members[name]].sum())
            counts = {"n_before": before, "n_excluded": before - left, "n": left}
            label = study.populations[name].label
            records.append({"population": name, "name": name, "reason": label, "group": group, **counts})
    return pd.DataFrame(records, columns=FLOW)
