"""Table of loss to follow-up: who was followed how far, by arm, and whether one arm lost more."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import at_label, select
from helpers.study import Study
from helpers.tables.layout import endpoints, finished, heading, reasons


def loss(loss: pd.DataFrame, *, study: Study) -> Table:
    """Shares followed and completeness at every horizon by endpoint and arm, with the reverse log-rank test."""
    months = [at_label(each) for each in study.survival.months]
    rows: list[Row] = []
    for endpoint in endpoints(loss):
        own = select(loss, endpoint=endpoint)
        test = select(own, model="reverse").iloc[0]
        rows.append(heading(f"{study.endpoints[endpoint].label} ({_tested(study, test)})", 1 + 2 * len(months)))
        for group in study.groups:
            found = select(own, model="followed", group=group).set_index("at")
            cells = [
                notation.number(found.loc[at, name], 1)
                for at in months
                for name in ("percent_followed", "percent_complete")
            ]
            rows.append(Row((study.group_label(group), *cells), indent=True))
    spanners = (("", 1), *((f"Month {notation.month(at)}", 2) for at in months))
    shown = ("Followed, %", "Complete, %") * len(months)
    header = ("Group", *shown)
    arms = study.arms
    notes = (
        "Followed: not lost before the month; who had the event before it was followed. Complete (Clark's C): months "
        "seen up to it over the months there would have been without loss.",
        _told_apart(study),
        f"Being lost: {arms.levels[arms.treated]} against {arms.levels[arms.reference]}, events taken as censorings; P "
        "by the log-rank test. An event of another endpoint that ends the follow-up of one counts as loss here.",
        *reasons(select(loss, model=["followed", "reverse"])),
    )
    title = "Loss to follow-up" + study.of_population(loss["population"].iloc[0])
    return finished(Table("loss", title, header, tuple(rows), notes, spanners), study)


def _tested(study: Study, test: pd.Series) -> str:
    """Whether one arm lost more: the hazard ratio of being lost and the log-rank test, events taken as censorings."""
    p = test["p_log_rank"]
    said = notation.p_equals(p) if p == p else notation.NOT_ESTIMABLE
    ratio = notation.hazard_ratio(*test[["hr", "hr_low", "hr_high"]])
    return f"being lost, {study.arms.levels[study.arms.treated]}: {study.ratio_label} {ratio}, {said}"


def _told_apart(study: Study) -> str:
    """Whether loss and the end of the study can be told apart."""
    dated = [each.index_date is not None for each in study.endpoints.values()]
    if all(dated):
        return f"Who reached the data cut-off ({study.cohort.data_cut_off}) was not lost."
    return (
        "The study has durations and no dates, so who was lost and who was still followed when the study closed cannot "
        "be told apart: both count as lost."
    )
