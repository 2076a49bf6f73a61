"""Categorical variables: every count of Table 1 by arm, patients without a value included."""

import numpy as np
import pandas as pd
from assumed import FIRST_SITE, SHARE_FIRST_HOSPITAL
from targets import ARMS, Targets

from helpers.study import Study

METASTASES = ("liver_metastasis", "brain_metastasis", "bone_metastasis")
FREE = (
    "sex", "smoking", "drinking", "family_history", "t_stage", "n_stage", "m_stage", "ecog", "response", "agent",
    "maintenance", "rt_dose", "rt_technique", "rt_initial_cycle",
)  # fmt: skip


def margins(study: Study, targets: Targets, random: np.random.Generator) -> pd.DataFrame:
    """The patients of both arms with their categorical variables.

    Drawn at random save where one variable defines another: only M1 has metastases, the AJCC stage follows M, and
    prophylactic irradiation is for brains without metastasis.
    """
    arms = []
    for arm in ARMS:
        frame = pd.DataFrame({"arm": arm}, index=range(targets.size(arm)))
        for name in FREE:
            counts = {level: targets.count(name, level, arm) for level in study.variables[name].levels}
            frame[name] = shuffled(counts, len(frame), random)
        _metastases(frame, targets, arm, random)
        _relapses(frame, targets, arm, random)
        frame["hospital"] = np.where(random.permutation(len(frame)) < SHARE_FIRST_HOSPITAL * len(frame), *HOSPITALS)
        arms.append(frame)
    return pd.concat(arms, ignore_index=True)


HOSPITALS = ("west_china", "yibin")


def shuffled(counts: dict[str, int], size: int, random: np.random.Generator) -> list[str]:
    """Each level as often as counted, the rest empty, in random order."""
    values = [level for level, n in counts.items() for _ in range(n)]
    return list(random.permutation(np.array(values + [""] * (size - len(values)), dtype=object)))


def _metastases(frame: pd.DataFrame, targets: Targets, arm: str, random: np.random.Generator) -> None:
    distant = frame.index[frame["m_stage"] == "m1"]
    several = targets.count("metastatic_number", "2_or_more", arm)
    affected = pd.Series(several + 1, index=distant)
    while (affected >= 2).sum() > several:
        for name in METASTASES:
            frame[name] = "no"
            frame.loc[random.choice(distant, targets.count(name, "yes", arm), replace=False), name] = "yes"
        affected = (frame.loc[distant, list(METASTASES)] == "yes").sum(axis=1)
    frame["metastatic_number"] = "1_or_fewer"
    order = np.lexsort((random.random(len(distant)), -affected))
    frame.loc[distant[order[:several]], "metastatic_number"] = "2_or_more"
    frame["ajcc_stage"] = np.where(frame["m_stage"] == "m1", "iv", "iii")
    for level in ("iii", "iv"):
        stage = frame.index[frame["ajcc_stage"] == level]
        unknown = len(stage) - targets.count("ajcc_stage", level, arm)
        frame.loc[random.choice(stage, unknown, replace=False), "ajcc_stage"] = ""
    frame["pci"] = "no"
    spared = frame.index[frame["brain_metastasis"] == "no"]
    frame.loc[random.choice(spared, targets.count("pci", "yes", arm), replace=False), "pci"] = "yes"


def _relapses(frame: pd.DataFrame, targets: Targets, arm: str, random: np.random.Generator) -> None:
    """Progression, its first site and the relapse in the thorax, which is a first site.

    The share that stayed free of events or was lost is printed without its denominator: the largest that fits is taken.
    """
    progressed, relapsed = targets.count("progression", "yes", arm), targets.count("thoracic_relapse", "yes", arm)
    sites = {"thorax": relapsed, **FIRST_SITE[arm]}
    free = len(frame) - progressed
    low, high = targets.window("count", "percent", variable="first_site", level="event_free_or_lost", group=arm)
    known = max(n for n in range(1, len(frame) + 1) if low <= 100 * (free + sites["lost"]) / n <= high)
    if sum(sites.values()) + free != known:
        raise ValueError(f"first sites of {arm} add up to {sum(sites.values()) + free}, not to {known}")
    order = [*(site for site, n in sites.items() for _ in range(n)), *[""] * (progressed - sum(sites.values()))]
    frame["first_site"] = [*order, *["event_free"] * free]
    frame["progression"] = ["yes"] * progressed + ["no"] * free
    absent = targets.count("thoracic_relapse", "no", arm)
    rank = frame["first_site"].map({"thorax": 0, "lost": 3}).fillna(1).mask(frame["first_site"] == "", 2)
    frame["thoracic_relapse"] = ""
    frame.loc[np.argsort(rank.to_numpy(), kind="stable")[: relapsed + absent], "thoracic_relapse"] = "no"
    frame.loc[rank == 0, "thoracic_relapse"] = "yes"
    mixed = random.permutation(len(frame))
    for name in ("first_site", "progression", "thoracic_relapse"):
        frame[name] = frame[name].to_numpy()[mixed]
