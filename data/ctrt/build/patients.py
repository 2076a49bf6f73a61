"""The analysed patients as numbers: a column for each covariate or level, and back; what may stand in one row."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from assumed import CYCLE_MONTHS
from kernels import njit
from targets import ARMS

from helpers.study import Study

COLUMNS = (
    "arm", "sex", "age", "bmi", "smoking", "drinking", "family_history", "t_stage", "n_stage", "m_stage", "ecog",
    "response", "liver_metastasis", "brain_metastasis", "bone_metastasis", "metastatic_number", "ajcc_stage", "pci",
    "agent=serplulimab", "agent=durvalumab", "agent=adebrelimab", "maintenance", "immunotherapy_cycles",
    "maintenance_cycles", "chemotherapy_cycles", "ldh", "glr", "nlr", "age_group", "chemotherapy_group",
    "rt_dose=standard",
)  # fmt: skip
DERIVED = ("arm", "age_group", "chemotherapy_group", "rt_dose=standard")
AT = {name: position for position, name in enumerate(COLUMNS)}
MANY_CYCLES = AT["chemotherapy_group"]
M, LIVER, BRAIN, BONE, NUMBER, STAGE, PCI, MAINTAINED, IMMUNE, KEPT, CHEMO = (
    AT[name]
    for name in (
        "m_stage", "liver_metastasis", "brain_metastasis", "bone_metastasis", "metastatic_number", "ajcc_stage", "pci",
        "maintenance", "immunotherapy_cycles", "maintenance_cycles", "chemotherapy_cycles",
    )
)  # fmt: skip


class Patients(NamedTuple):
    """Covariates (patient, column); times and events (endpoint, patient); patients by falling time, padded by -1.

    `use` has who belongs to a population; `soon` who can have died soon after cTRT began.
    """

    x: np.ndarray
    time: np.ndarray
    event: np.ndarray
    order: np.ndarray
    use: np.ndarray
    soon: np.ndarray


def columns_of(study: Study, variable: str) -> list[int]:
    """Where a variable stands: its own column, or one for each level that is not the reference."""
    return [AT[name] for name in COLUMNS if name.partition("=")[0] == variable]


def encoded(study: Study, frame: pd.DataFrame) -> np.ndarray:
    """A row of numbers for each patient; not a number where a value is not known."""
    x = np.full((len(frame), len(COLUMNS)), np.nan)
    for name in COLUMNS:
        variable, _, level = name.partition("=")
        if variable == "arm":
            x[:, AT[name]] = frame["arm"] == ARMS[1]
        elif variable == "rt_dose":
            dose = frame["rt_dose"]
            x[:, AT[name]] = np.where(dose == level, 1.0, np.where(dose == study.reference(variable), 0.0, np.nan))
        elif cut := study.variables[variable].cut:
            x[:, AT[name]] = np.where(frame[cut.variable].isna(), np.nan, frame[cut.variable] > cut.at[0])
        elif study.level_labels(variable):
            known = frame[variable].ne("")
            here = frame[variable].eq(level) if level else frame[variable].ne(study.reference(variable))
            x[:, AT[name]] = np.where(known, here.astype(float), np.nan)
        else:
            x[:, AT[name]] = frame[variable].astype(float)
    return x


def decoded(study: Study, frame: pd.DataFrame, x: np.ndarray) -> pd.DataFrame:
    """The patients with the covariates of `x`."""
    changed = {}
    for variable in dict.fromkeys(name.partition("=")[0] for name in COLUMNS if name not in DERIVED):
        places, levels = columns_of(study, variable), list(study.level_labels(variable))
        if not levels:
            changed[variable] = x[:, places[0]]
            continue
        others = [level for level in levels if level != study.reference(variable)]
        known = ~np.isnan(x[:, places[0]])
        which = np.where(np.nansum(x[:, places], axis=1) > 0, np.nanargmax(np.nan_to_num(x[:, places]), axis=1), -1)
        names = np.array([*others, study.reference(variable)], dtype=object)
        changed[variable] = np.where(known, names[which], "")
    return frame.assign(**changed)


def patients(study: Study, frame: pd.DataFrame, populations: int, soon: np.ndarray) -> Patients:
    """The patients of a search; everybody is in each population to begin with."""
    pairs = [("os_months", "os_event"), ("pfs_months", "pfs_event")]
    time = np.array([frame[name].astype(float) for name, _ in pairs])
    event = np.array([frame[name].astype(bool) for _, name in pairs])
    order = np.full(time.shape, -1)
    for each, row in zip(order, time, strict=True):
        known = np.argsort(-row, kind="stable")[: np.isfinite(row).sum()]
        each[: len(known)] = known
    use = np.ones((populations, len(frame)), dtype=bool)
    return Patients(encoded(study, frame), time, event, order, use, soon)


@njit
def fits(x: np.ndarray, i: int, seen: float) -> bool:
    """Whether a patient contradicts nothing: metastases and stage, PCI, maintenance, cycles within the time lived."""
    sites = x[i, LIVER] + x[i, BRAIN] + x[i, BONE]
    if x[i, M] == 0 and (sites > 0 or x[i, NUMBER] > 0):
        return False
    if (sites >= 2 and x[i, NUMBER] == 0) or (x[i, STAGE] == x[i, STAGE] and x[i, STAGE] != x[i, M]):
        return False
    if x[i, PCI] == 1 and x[i, BRAIN] == 1:
        return False
    if x[i, KEPT] == x[i, KEPT] and (x[i, MAINTAINED] == 0 or x[i, KEPT] > x[i, IMMUNE]):
        return False
    cycles = 0.0
    for column in (IMMUNE, CHEMO):
        if x[i, column] == x[i, column]:
            cycles = max(cycles, x[i, column])
    return not CYCLE_MONTHS * (cycles - 1) > seen
