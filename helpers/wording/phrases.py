"""Turns of phrase that every sentence shares."""

from helpers.study import Study

VERDICTS = {"lower": "lower hazard", "higher": "higher hazard", "unclear": "no difference shown"}


def direction(low: float, high: float, null: float) -> str:
    """`lower`, `higher`, or `unclear` where the interval covers the null value or is not known."""
    if high < null:
        return "lower"
    return "higher" if low > null else "unclear"


def arm_levels(study: Study) -> tuple[str, str]:
    return study.arms.treated, study.arms.reference


def arms(study: Study) -> list[str]:
    return [quoted(study.arms.levels[arm]) for arm in arm_levels(study)]


def quoted(label: str) -> str:
    return f"“{label}”"
