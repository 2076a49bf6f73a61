"""Adverse events: worst grades, counted as printed by arm and, after radiotherapy, by dose."""

import numpy as np
import pandas as pd
from assumed import SHARE_LOWER_GRADE
from margins import shuffled
from targets import ARMS, Targets

from helpers.scorecard import printed
from helpers.study import Study

PRINTED_DOSES = ("low", "standard")


def toxicity(frame: pd.DataFrame, study: Study, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with a column of grades for each event; grades within a printed group are drawn at random."""
    asked = study.adverse_events
    by_dose = {term for by in asked.by for term in by.terms}
    frame = frame.copy()
    for term in asked.terms:
        groups = pd.Series("", index=frame.index)
        for arm in ARMS:
            counts = {group: targets.count(term, group, arm) for group in asked.groups}
            rows = frame.index[frame["arm"] == arm]
            if arm == "ctrt" and term in by_dose:
                for dose in PRINTED_DOSES:
                    inside = rows[frame.loc[rows, "rt_dose"] == dose]
                    here = _of_dose(targets, term, dose, len(inside))
                    groups[inside] = shuffled(here, len(inside), random)
                    counts = {group: n - here[group] for group, n in counts.items()}
                rows = rows[~frame.loc[rows, "rt_dose"].isin(PRINTED_DOSES)]
            groups[rows] = shuffled(counts, len(rows), random)
        frame[term] = [_grade(asked.groups[group].grades, random) for group in groups]
    return frame


def _of_dose(targets: Targets, term: str, dose: str, size: int) -> dict[str, int]:
    """Patients in each grade group of a dose, the whole number behind each printed percentage."""
    key = {"population": "treated", "variable": term, "group": f"rt_dose={dose}"}
    counts = {}
    for group in ("grade_1_2", "grade_3_4"):
        share = printed(targets.printed("count", "percent", level=group, **key)).value
        counts[group] = round(share * size / 100)
    return {"none": size - sum(counts.values()), **counts}


def _grade(grades: list[int], random: np.random.Generator) -> int:
    return grades[0] if len(grades) == 1 or random.random() < SHARE_LOWER_GRADE else grades[-1]
