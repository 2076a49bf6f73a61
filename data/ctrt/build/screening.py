"""The patients screened: what makes the analysed eligible, and the others with the criterion each of them fails."""

import numpy as np
import pandas as pd
from assumed import EXCLUDED
from targets import Targets

from helpers.study import Study

ELIGIBLE = {
    "disease_control": "yes",
    "measurable_lesion": "yes",
    "disease": "extensive",
    "first_line": "chemoimmunotherapy",
    "early_progression": "no",
    "other_malignancy": "no",
    "baseline_data": "complete",
    "lost_early": "no",
}


def screening(frame: pd.DataFrame, study: Study, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """All patients screened, in random order, identified by number; who was excluded has no data from later on."""
    frame = frame.assign(**ELIGIBLE)
    irradiated = frame["pci"] == "yes"
    latest = np.minimum(6, 0.9 * frame.loc[irradiated, "os_months"].fillna(np.inf))
    frame.loc[irradiated, "pci_interval"] = np.round(random.uniform(np.minimum(2.5, latest), latest), 1)
    screened = int(targets.printed("flow", "n", population="screened", group="overall"))
    steps = [step.name for step in study.eligibility]
    if list(EXCLUDED) != steps or sum(EXCLUDED.values()) != screened - len(frame):
        raise ValueError("the assumed exclusions do not fit the study file's steps or the number screened")
    others = [_excluded(steps, step, random) for step, n in EXCLUDED.items() for _ in range(n)]
    everybody = pd.concat([frame, pd.DataFrame(others)], ignore_index=True)
    everybody = everybody.iloc[random.permutation(screened)].reset_index(drop=True)
    everybody.insert(0, "patient", [f"S{number:04d}" for number in range(1, screened + 1)])
    return everybody


def _excluded(steps: list[str], failed: str, random: np.random.Generator) -> dict:
    """One patient's record up to the step that excludes them."""
    record = {}
    for step in steps[: steps.index(failed) + 1]:
        record |= _seen(step, step == failed, random)
    return record


def _seen(step: str, fails: bool, random: np.random.Generator) -> dict:
    """What is on record once a step is decided."""
    coded = {
        "no_disease_control": ("disease_control", "no"),
        "no_measurable_lesion": ("measurable_lesion", "no"),
        "limited_or_mixed": ("disease", random.choice(["limited", "limited", "mixed"])),
        "other_first_line": ("first_line", "other"),
        "early_progression": ("early_progression", "yes"),
        "other_malignancy": ("other_malignancy", "yes"),
        "incomplete_baseline": ("baseline_data", "incomplete"),
        "lost_early": ("lost_early", "yes"),
    }
    if step in coded:
        name, failing = coded[step]
        return {name: failing if fails else ELIGIBLE[name]}
    if step == "age":
        return {"age": 17 if fails else int(np.clip(random.normal(65, 9), 38, 88))}
    if step == "induction":
        return {"chemotherapy_cycles": int(random.integers(0, 2) if fails else random.integers(2, 7))}
    if step == "early_death":
        month = random.uniform(0.5, 2.95) if fails else random.uniform(7, 20)
        return {"os_months": round(month, 2), "os_event": int(fails or random.random() < 0.5)}
    return {"pci": "yes", "pci_interval": round(random.uniform(6.2, 9), 1)}
