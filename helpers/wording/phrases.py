"""Turns of phrase that every sentence shares."""

from helpers.study import Study

VERDICTS = {"lower": "lower hazard", "higher": "higher hazard", "unclear": "no difference shown"}


def direction(low: float, high: float, null: float) -> str:
    """`lower`, `higher`, or `unclear` where the interval covers the null value or is not known."""
    if high < null:
        return "lower"
    return "higher" if low > null else "unclear"


def arm_levels(study: Study) -> list[str]:
    """The arms in the order of the study file, which every table, figure and sentence has."""
    return list(study.arms.levels)


def arms(study: Study) -> list[str]:
    return [quoted(study.arms.levels[arm]) for arm in arm_levels(study)]


def arms_in_order(study: Study) -> list[tuple[str, str]]:
    """Key and label of the arms in that order."""
    return [(arm, study.arms.levels[arm]) for arm in arm_levels(study)]


def treated_arm(study: Study) -> str:
    """The treated arm's label in a sentence."""
    return quoted(study.arms.levels[study.arms.treated])


def quoted(label: str) -> str:
    return f"“{label}”"
