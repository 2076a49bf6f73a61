"""Treatment that fits into the time each patient was seen: cycles every three weeks, cTRT before progression."""

import numpy as np
import pandas as pd
from assumed import BEFORE_DEATH, CYCLE_MONTHS, DIED_SOON, FIRST_START, FRACTIONATION, LATEST_START
from targets import ARMS

COURSE = ["maintenance", "immunotherapy_cycles", "maintenance_cycles", "chemotherapy_cycles"]
BEGINNING = ["rt_initial_cycle", "ctrt_start"]
LATE = 4


def courses(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with whole courses exchanged within arms, no margin changed, and start and fractionation of cTRT.

    A course goes to a patient seen for as long as it lasts; cTRT begins, in months, after the fourth cycle in those who
    had more, and before any progression; a few die soon after it began.
    """
    frame = frame.copy()
    for arm in ARMS:
        _exchange(frame, frame.index[frame["arm"] == arm], random)
    frame = _soon_dead(_starts(frame, random))
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


def _soon_dead(frame: pd.DataFrame) -> pd.DataFrame:
    """The earliest deaths that can follow the start of cTRT closely do so, those of patients who began late first.

    Where the patient began early, start and cycle are exchanged with who began first of the late: no margin changes.
    """
    treated = frame[frame["arm"] == "ctrt"]
    begin = np.round(treated["os_months"] - BEFORE_DEATH, 2)
    cycles = treated[["immunotherapy_cycles", "chemotherapy_cycles"]].max(axis=1)
    able = (treated["os_event"] == 1) & (begin < 0.95 * treated["pfs_months"]) & (cycles > LATE)
    able &= (begin >= LATE * CYCLE_MONTHS) & (treated["rt_initial_cycle"] != "")
    early = treated["rt_initial_cycle"] != "5_or_more"
    order = np.lexsort((treated["os_months"], early))
    chosen = treated.index[order][able.iloc[order]][:DIED_SOON]
    late = treated.index[~early].difference(chosen)
    for row, other in zip(chosen[early[chosen]], treated.loc[late, "ctrt_start"].sort_values().index, strict=False):
        frame.loc[[row, other], BEGINNING] = frame.loc[[other, row], BEGINNING].to_numpy()
    frame.loc[chosen, "ctrt_start"] = begin[chosen]
    return frame
