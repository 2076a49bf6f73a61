"""What the making of a population uses that nobody knew at time zero."""

from collections.abc import Iterator

from helpers.study import Study
from helpers.study.schema import Step


def known_later(study: Study, step: Step) -> bool:
    """Whether a step leaves patients out by an event, a variable known only later or a treatment yet to begin."""
    if step.exclude_event:
        return True
    column = step.exclude.column
    if column == study.arms.column:
        return study.exposure is not None
    return study.variables[column].post_baseline


def hindsight(study: Study, population: str) -> Iterator[tuple[str, Step]]:
    """The steps between screening and a population that use what is known only later, each with its own population."""
    for name in study.lineage(population):
        for step in study.all_populations[name].steps:
            if known_later(study, step):
                yield name, step


def is_hindsight(study: Study, population: str) -> bool:
    """Whether who is in a population could be known only after time zero."""
    return population in study.conditioned or any(True for _ in hindsight(study, population))


def late(study: Study, names: list[str]) -> list[str]:
    """Those of the variables that are known only after time zero."""
    return [name for name in dict.fromkeys(names) if name in study.variables and study.variables[name].post_baseline]
