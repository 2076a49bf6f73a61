"""Levels of a variable compared within one arm."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.analyses import WithinArm
from helpers.study.schema import INTERVALS, OVERALL
from helpers.study.variants import UNADJUSTED
from helpers.tables.layout import finished, heading, reasons
from helpers.thresholds import FEW_EVENTS

MODELS = {True: "each level against the reference among the patients of these two", False: "one model of all levels"}

IMMORTAL = "whoever had it had lived until then."


def within_arm(
    events: pd.DataFrame,
    *,
    medians: pd.DataFrame,
    univariable: pd.DataFrame,
    multivariable: pd.DataFrame,
    trends: pd.DataFrame,
    study: Study,
) -> list[Table]:
    """Patients, events, median and hazard ratio of every level, alone and adjusted, one table a comparison.

    Below them, where the levels are ordered, the hazard ratio per step.
    """
    frames = {"events": events, "medians": medians, "alone": univariable, "adjusted": multivariable, "trends": trends}
    tables = []
    for position, asked in enumerate(study.within_arm, start=1):
        rows, leads = [], []
        for endpoint in asked.endpoints:
            own = {
                name: select(frame, population=asked.population, endpoint=endpoint) for name, frame in frames.items()
            }
            own["adjusted"] = select(own["adjusted"], model=asked.name)
            own["trends"] = select(own["trends"], variable=asked.variable)
            rows += [heading(study.endpoints[endpoint].label, 8), *_levels(study, asked, own)]
            fewest = own["adjusted"].loc[own["adjusted"]["hr"].notna(), "events_per_parameter"].min()
            if fewest < FEW_EVENTS:
                label, ratio = study.endpoints[endpoint].label, notation.number(fewest, 1)
                leads.append(f"{label}: adjusted comparisons rest on as few as {ratio} events per parameter.")
        label = notation.within(study.variables[asked.variable].label)
        ratio = study.ratio_label
        header = ("Level", "Patients", "Events", f"Median, months ({study.level} CI)", ratio, "P", ratio, "P")
        spanners = (("", 4), ("Univariable", 2), ("Multivariable", 2))
        beside = ", ".join(study.label(name) + study.mark_of(name) for name in asked.covariates)
        dagger = study.mark_of(asked.variable)
        tested = (len(study.level_labels(asked.variable)) - 1) * len(asked.endpoints)
        notes = (
            f"{asked.label}. Adjusted for {beside}. Cox regression, Efron's method for ties; {MODELS[asked.pairwise]}.",
            f"Intervals of medians on the {INTERVALS[study.survival.interval]} scale. NR, not reached.",
            *_ordered(study, asked),
            *_untimed(study, asked, select(events, population=asked.population)),
            *reasons(*(select(frames[name], population=asked.population) for name in ("alone", "adjusted", "trends"))),
        )
        if dagger:
            notes = (*notes, f"† Given after time zero: {IMMORTAL}")
        notes = (*notes, f"{tested} comparisons, each alone and adjusted; P values do not allow for their number.")
        title = f"Comparison by {label}{dagger}{study.of_population(asked.population)}"
        table = Table(f"within_arm_{position}", title, header, tuple(rows), notes, spanners, lead=" ".join(leads))
        tables.append(finished(table, study))
    return tables


def _levels(study: Study, asked: WithinArm, own: dict[str, pd.DataFrame]) -> list[Row]:
    """A row a level, the reference marked."""
    rows = []
    medians = select(own["medians"], model=study.survival.interval)
    for level, label in study.level_labels(asked.variable).items():
        group = f"{asked.variable}={level}"
        counted, times = (select(frame, group=group).iloc[0] for frame in (own["events"], medians))
        timed = counted["n"] - counted["n_missing"]
        median = notation.time(*times[["median", "median_low", "median_high"]], timed)
        cells = [("1 (reference)", "")] * 2
        if level != study.reference(asked.variable):
            effects = [
                select(own[name], variable=asked.variable, level=level).iloc[0] for name in ("alone", "adjusted")
            ]
            digits = notation.alike(*(tuple(each[["hr_low", "hr_high"]]) for each in effects))
            cells = [
                (notation.hazard_ratio(*each[["hr", "hr_low", "hr_high"]], digits), notation.p_value(each["p_wald"]))
                for each in effects
            ]
        sizes = (notation.count(counted["n"]), notation.count(counted["n_event"]))
        rows.append(Row((label, *sizes, median, *cells[0], *cells[1]), indent=True))
    return rows + _per_step(asked, own["trends"])


def _per_step(asked: WithinArm, trends: pd.DataFrame) -> list[Row]:
    """The hazard ratio per step of the order."""
    if trends.empty:
        return []
    pair = [select(trends, model=model).iloc[0] for model in (UNADJUSTED, asked.name)]
    cells = [
        (notation.hazard_ratio(*each[["hr", "hr_low", "hr_high"]]), notation.p_value(each["p_wald"])) for each in pair
    ]
    sizes = [notation.count(pair[0][name]) for name in ("n", "n_event")]
    return [Row(("Per step of the order ‖", *sizes, "", *cells[0], *cells[1]), indent=True)]


def _untimed(study: Study, asked: WithinArm, events: pd.DataFrame) -> list[str]:
    """Whose events count here but stand in no median and no ratio."""
    lost = events[(events["group"] == OVERALL) & (events["n_missing"] > 0)]
    return [
        f"{study.endpoints[row['endpoint']].label}: {notation.counted(row['n_missing'], 'patient')} without a usable "
        "time, counted here, in no median and no ratio."
        for _, row in lost.iterrows()
    ]


def _ordered(study: Study, asked: WithinArm) -> list[str]:
    """What the steps are."""
    order, labels = study.variables[asked.variable].order, study.level_labels(asked.variable)
    left = [labels[each] for each in labels if each not in order]
    without = f"; no step: {', '.join(left)}" if left else ""
    return [f"‖ Steps: {' < '.join(labels[each] for each in order)}{without}."] if order else []
