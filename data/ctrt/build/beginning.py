"""When cTRT began, and the NLR: with them the time-dependent models come out as printed.

A treated patient without an NLR is in the published model and not in the time-dependent one, which holds it; that is
how its ratio can be below the model's that counts the treated as treated from the first day.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd
from aims import ENDPOINTS, Aims, Models, Plan, not_shown, printed_ratios
from assumed import BEFORE_DEATH, CYCLE_MONTHS, FIRST_START, LATEST_START
from kernels import cox_of_time
from moves import other_of, swapped
from patients import AT, Patients, patients
from search import loss_of, refit, schedule
from targets import ARMS, Targets

from helpers.study import Study

LATE = 4
MOVES = 200_000
HOT, COLD = 0.3, 0.002
DIGITS, NEAR = 0.3, 0.02
EXCHANGED = 0.7
NLR, GLR = AT["nlr"], AT["glr"]


def limits_of(frame: pd.DataFrame, soon: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The first and last month in which each treated patient's cTRT can have begun.

    After the fourth cycle where it began late, within four cycles' time otherwise; before progression and the end; in
    who died soon after it less than two months before death, in who died otherwise more.
    """
    late = frame["rt_initial_cycle"] == "5_or_more"
    border = LATE * CYCLE_MONTHS
    end = 0.95 * frame[["os_months", "pfs_months"]].min(axis=1)
    first = pd.Series(np.where(late, border + 0.05, FIRST_START), frame.index)
    last = np.minimum(np.where(late, LATEST_START, border), end)
    died = frame["os_event"].eq(1) & frame["os_months"].notna()
    first = first.mask(soon, frame["os_months"] - BEFORE_DEATH)
    return first, last.mask(died & ~soon, np.minimum(last, frame["os_months"] - 2.01)).mask(soon, end)


def starts(frame: pd.DataFrame, soon: pd.Series, random: np.random.Generator) -> pd.DataFrame:
    """The cohort with a month of start in each treated patient, late starts given to who had the cycles for them."""
    frame = frame.copy()
    treated = frame.index[frame["arm"] == ARMS[1]]
    counts = frame.loc[treated, "rt_initial_cycle"].value_counts()
    cycles = frame.loc[treated, ["immunotherapy_cycles", "chemotherapy_cycles"]].max(axis=1)
    end = frame.loc[treated, ["os_months", "pfs_months"]].min(axis=1)
    able = treated[(cycles > LATE) & (0.95 * end > LATE * CYCLE_MONTHS + 0.1)]
    able = [*able[soon[able]], *random.permutation(able[~soon[able]])]
    if len(able) < counts["5_or_more"]:
        raise ValueError("too few patients had more than four cycles before they progressed")
    begin = pd.Series("4_or_fewer", index=treated)
    begin[able[: counts["5_or_more"]]] = "5_or_more"
    begin[random.choice(begin.index[begin == "4_or_fewer"], counts.get("", 0), replace=False)] = ""
    frame.loc[treated, "rt_initial_cycle"] = begin
    first, last = limits_of(frame.loc[treated], soon[treated])
    frame.loc[treated, "ctrt_start"] = np.round(random.uniform(first, last), 2)
    return frame


@dataclass
class Course:
    """Starts of cTRT and the NLR under search: the models that hold them, as fitted, and what each start allows."""

    people: Patients
    models: Models
    aims: Aims
    timed: int
    start: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def loss(self) -> float:
        """The time-dependent models fitted, and their loss; then that of the NLR alone."""
        people, models = self.people, self.models
        for m in range(len(models.size)):
            if m >= self.timed:
                refit(people, models, m)
                continue
            e, p = models.endpoint[m], models.size[m]
            arrays = people.order[e], people.time[e], people.event[e], people.use[models.population[m]], people.x
            cox_of_time(*arrays, models.cols[m, :p], self.start, models.beta[m], models.error[m])
        return sum(loss_of(models, self.aims, m, DIGITS, NEAR) for m in range(len(models.size)))

    def contrary(self) -> int:
        """In how many patients the NLR is above the GLR, of which neutrophils are a part."""
        return int((self.people.x[:, NLR] > self.people.x[:, GLR]).sum())


def beginnings(
    frame: pd.DataFrame, use: dict[str, np.ndarray], study: Study, targets: Targets, random: np.random.Generator
) -> pd.DataFrame:
    """The cohort with start of cTRT and NLR, exchanged within arms until the time-dependent ratios are as printed.

    `use` has who belongs to each population; who died soon after cTRT began is not in `post_ctrt`.
    """
    course = _course(frame, use, study, targets, random)
    people, start = course.people, course.start
    now, contrary = course.loss(), course.contrary()
    free = np.flatnonzero(np.isfinite(start) & (course.last > course.first))
    for t in schedule(HOT, COLD, MOVES):
        exchange, before = random.random() < EXCHANGED, 0.0
        i = random.integers(0, len(frame)) if exchange else random.choice(free)
        j = other_of(people, i, random)
        if exchange:
            swapped(people.x, i, j, np.array([NLR]))
        else:
            before, start[i] = start[i], np.round(random.uniform(course.first[i], course.last[i]), 2)
        then = course.loss() if course.contrary() <= contrary else np.inf
        if then <= now - t * log(max(random.random(), 1e-300)):
            now = then
        elif exchange:
            swapped(people.x, i, j, np.array([NLR]))
        else:
            start[i] = before
    months = frame["ctrt_start"].where(np.isinf(start), start)
    return frame.assign(nlr=people.x[:, NLR], ctrt_start=months)


def _course(
    frame: pd.DataFrame, use: dict[str, np.ndarray], study: Study, targets: Targets, random: np.random.Generator
) -> Course:
    """What `beginnings` searches over, starts drawn at random."""
    soon = pd.Series(~use["post_ctrt"], frame.index)
    begun = starts(frame, soon, random)
    frame[["rt_initial_cycle", "ctrt_start"]] = begun[["rt_initial_cycle", "ctrt_start"]]
    made = Plan(study, tuple(use))
    printed_ratios(made, targets, ("cox_time_dependent",))
    timed = len(made.models)
    for population in ("primary", "matched"):
        for endpoint in ENDPOINTS:
            not_shown(made, population, endpoint, ["nlr"])
    people = patients(study, frame, len(use), soon.to_numpy())
    people.use[:] = list(use.values())
    start = np.where(people.x[:, 0] == 1, frame["ctrt_start"].astype(float), np.inf)
    first, last = (limit.to_numpy() for limit in limits_of(frame, soon))
    return Course(people, *made.arrays(), timed, start, first, last)
