"""Every patient twice, once under each strategy, followed and weighted for as long as the patient keeps to it.

Strategies are numbered 0, not to begin treatment within the grace period, and 1, to begin within it. Hernán (2018);
Cain et al. (2010); Maringe et al. (2020).
"""

import numpy as np
import pandas as pd

from helpers.sensitivity.beginning import Beginning, Course


def ends(course: Course, strategy: int) -> tuple[np.ndarray, np.ndarray]:
    """The month each patient's clone is followed to, and whether it is censored for leaving its strategy.

    Not beginning is left when treatment begins within the grace period, beginning at the grace period's end; what
    happens at that moment still counts.
    """
    left = course.begun if strategy == 0 else course.beyond & ~course.begun
    return np.where(left, course.start if strategy == 0 else course.grace, course.time), left


def rows(course: Course, beginning: Beginning | None) -> pd.DataFrame:
    """The clones cut where their weight changes: `patient` (position), `strategy`, `entry`, `time`, `event`,
    `censored`, `weight`.

    A row's weight is the one at the outcome's events in it; 1 throughout without a model of beginning. `censored` is
    true of the row that ends artificially.
    """
    cuts = {0: _cuts(course), 1: np.array([course.grace])}
    parts = []
    for strategy in (0, 1):
        end, left = ends(course, strategy)
        edges = np.r_[0.0, cuts[strategy]]
        pieces = 1 + np.searchsorted(cuts[strategy], end, side="left")
        patient = np.repeat(np.arange(len(end)), pieces)
        piece = np.arange(len(patient)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        last = piece == pieces[patient] - 1
        time = np.where(last, end[patient], np.r_[cuts[strategy], np.inf][piece])
        part = {"patient": patient, "strategy": strategy, "entry": edges[piece], "time": time}
        part |= {"event": last & (course.event & ~left)[patient], "censored": last & left[patient]}
        weight = 1.0 if beginning is None else _weight(course, beginning, strategy, patient, edges[piece], piece)
        parts.append(pd.DataFrame({**part, "weight": weight}))
    both = pd.concat(parts, ignore_index=True)
    if course.time[course.event].min(initial=np.inf) > 0:
        both = both[(both["time"] > 0) | ~both.duplicated(["patient", "strategy"], keep=False)]
    return both.reset_index(drop=True)


def _cuts(course: Course) -> np.ndarray:
    """Of the months at which treatment began the last one before each event: where weights change that matter."""
    before = np.searchsorted(course.times, np.unique(course.time[course.event]), side="left")
    return course.times[np.unique(before[before > 0]) - 1]


def _weight(
    course: Course, beginning: Beginning, strategy: int, patient: np.ndarray, entry: np.ndarray, piece: np.ndarray
) -> np.ndarray:
    """The weight of rows just after their entry."""
    if strategy == 1:
        return np.where(piece > 0, 1 / beginning.share[0, patient], 1.0)
    hazard = np.r_[0.0, beginning.hazard[0]][np.searchsorted(course.times, entry, side="right")]
    return np.exp(np.where(piece > 0, hazard, 0) * beginning.relative[0, patient])


def final_weights(course: Course, beginning: Beginning | None, strategy: int) -> np.ndarray:
    """The weights of the clones that are followed past the grace period, constant from there on."""
    kept = course.beyond & (course.begun == bool(strategy))
    if beginning is None:
        return np.ones(kept.sum())
    if strategy == 1:
        return 1 / beginning.share[0, kept]
    return np.exp(beginning.hazard[0, -1] * beginning.relative[0, kept])
