"""Treatment that fits into the time each patient was seen: cycles every three weeks, as many as were lived for."""

import numpy as np
import pandas as pd
from assumed import CYCLE_MONTHS, FRACTIONATION
from targets import ARMS

COURSE = ["maintenance", "immunotherapy_cycles", "maintenance_cycles", "chemotherapy_cycles"]


def courses(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with whole courses exchanged within arms, no margin changed, and the fractionation of cTRT.

    A course goes to a patient seen for as long as it lasts.
    """
    frame = frame.copy()
    for arm in ARMS:
        rows = frame.index[frame["arm"] == arm]
        _exchange(frame, rows, random)
        _contained(frame, rows, random)
    stereotactic = frame["rt_technique"] == "sbrt"
    return frame.assign(rt_fractionation=frame["rt_dose"].map(FRACTIONATION).mask(stereotactic, "stereotactic"))


def _months(frame: pd.DataFrame) -> pd.Series:
    """From the first cycle to the last, as far as cycles are known."""
    return CYCLE_MONTHS * (frame[["immunotherapy_cycles", "chemotherapy_cycles"]].max(axis=1).fillna(0) - 1)


def _exchange(frame: pd.DataFrame, rows: pd.Index, random: np.random.Generator) -> None:
    seen = frame.loc[rows, "os_months"].fillna(np.inf)
    for row in random.permutation(rows):
        needed = _months(frame.loc[rows])
        if needed[row] <= seen[row]:
            continue
        fitting = rows[(seen >= needed[row]) & (needed <= seen[row])]
        if len(fitting):
            other = random.choice(fitting)
            frame.loc[[row, other], COURSE] = frame.loc[[other, row], COURSE].to_numpy()


def _contained(frame: pd.DataFrame, rows: pd.Index, random: np.random.Generator) -> None:
    """Exchange immunotherapy cycles until nobody has more of them in maintenance than in all.

    Raises ValueError where nobody is left to exchange with.
    """
    seen = frame.loc[rows, "os_months"].fillna(np.inf)
    for row in rows[(frame.loc[rows, "maintenance_cycles"] > frame.loc[rows, "immunotherapy_cycles"])]:
        every, kept, chemo = (frame.loc[rows, name] for name in COURSE[1:])
        mine, theirs = (CYCLE_MONTHS * (np.fmax(a, b) - 1) for a, b in ((every, chemo[row]), (every[row], chemo)))
        fitting = (every >= kept[row]) & ~(kept > every[row]) & (mine <= seen[row]) & (theirs <= seen)
        if not fitting.any():
            raise ValueError("nobody has enough cycles of immunotherapy for a patient's maintenance")
        other = random.choice(rows[fitting])
        frame.loc[[row, other], "immunotherapy_cycles"] = frame.loc[[other, row], "immunotherapy_cycles"].to_numpy()
