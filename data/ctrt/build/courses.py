"""Treatment that fits into the time each patient was seen: cycles every three weeks, cTRT before progression."""

import numpy as np
import pandas as pd
from assumed import CYCLE_MONTHS, FIRST_START, LATEST_START
from targets import ARMS

COURSE = ["maintenance", "immunotherapy_cycles", "maintenance_cycles", "chemotherapy_cycles"]
LATE = 4


def courses(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with whole courses exchanged within arms, no margin changed, and the start of cTRT in months.

    A course goes to a patient seen for as long as it lasts; cTRT begins after the fourth cycle in those who had more,
    and before any progression.
    """
    frame = frame.copy()
    for arm in ARMS:
        _exchange(frame, frame.index[frame["arm"] == arm], random)
    return _starts(frame, random)


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


def _starts(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    treated = frame.index[frame["arm"] == "ctrt"]
    late = int((frame.loc[treated, "rt_initial_cycle"] == "5_or_more").sum())
    unknown = int((frame.loc[treated, "rt_initial_cycle"] == "").sum())
    end = 0.95 * frame.loc[treated, ["os_months", "pfs_months"]].min(axis=1)
    cycles = frame.loc[treated, ["immunotherapy_cycles", "chemotherapy_cycles"]].max(axis=1)
    able = random.permutation(treated[(cycles > LATE) & (end > LATE * CYCLE_MONTHS + 0.1)])
    begin = pd.Series("4_or_fewer", index=treated)
    begin[able[:late]] = "5_or_more"
    begin[random.choice(begin.index[begin == "4_or_fewer"], unknown, replace=False)] = ""
    if late > len(able):
        raise ValueError("too few patients had more than four cycles before they progressed")
    frame.loc[treated, "rt_initial_cycle"] = begin
    first = np.where(begin == "5_or_more", LATE * CYCLE_MONTHS + 0.05, FIRST_START)
    last = np.minimum(np.where(begin == "5_or_more", LATEST_START, LATE * CYCLE_MONTHS), end)
    frame.loc[treated, "ctrt_start"] = np.round(random.uniform(first, last), 2)
    return frame
