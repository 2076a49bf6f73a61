"""Tables of the survival section."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import INTERVALS, OVERALL
from helpers.tables.layout import endpoints, finished, heading, reasons


def medians(
    medians: pd.DataFrame,
    *,
    events: pd.DataFrame,
    follow_up: pd.DataFrame,
    log_rank: pd.DataFrame,
    study: Study,
    interval: str | None = None,
) -> Table:
    """Patients, events, follow-up and medians of every endpoint by arm, with the log-rank test."""
    model = interval or study.survival.interval
    rows: list[Row] = []
    for endpoint in endpoints(medians):
        test = select(log_rank, endpoint=endpoint, group="")["p_log_rank"].iloc[0]
        tested = notation.p_equals(test) if test == test else notation.NOT_ESTIMABLE
        rows.append(heading(f"{study.endpoints[endpoint].label} (arms compared by the log-rank test: {tested})", 5))
        for group in study.groups:
            counted = select(events, endpoint=endpoint, group=group).iloc[0]
            times = [select(each, endpoint=endpoint, group=group, model=model).iloc[0] for each in (follow_up, medians)]
            timed = counted["n"] - counted["n_missing"]
            texts = [notation.time(*each[["median", "median_low", "median_high"]], timed) for each in times]
            sizes = [notation.count(counted[name]) for name in ("n", "n_event")]
            rows.append(Row((study.group_label(group), *sizes, *texts), indent=True))
    columns = [f"Median {what}, months ({study.level} CI)" for what in ("follow-up", "time to event")]
    header = ("Group", "Patients", "Events", *columns)
    notes = [f"Follow-up by reverse Kaplan-Meier. Intervals on the {INTERVALS[model]} scale. NR, not reached."]
    lost = events[(events["group"] == OVERALL) & (events["n_missing"] > 0)]
    notes += [
        f"{study.endpoints[row['endpoint']].label}, patients without a usable time: {int(row['n_missing'])}. Their "
        "events are counted here, but they are in no curve, median, test or model."
        for _, row in lost.iterrows()
    ]
    notes += _extended(events, study)
    title = "Follow-up and median time to event" + study.of_population(medians["population"].iloc[0])
    return finished(Table("medians", title, header, tuple(rows), tuple(notes)), study)


def _extended(events: pd.DataFrame, study: Study) -> Iterator[str]:
    """Who is at risk until the cut-off by a later date, by arm."""
    for endpoint in endpoints(events):
        own = select(events, endpoint=endpoint).set_index("group")["n_extended"]
        if own[OVERALL] > 0:
            by_arm = ", ".join(f"{label} {int(own[arm])}" for arm, label in study.arms.levels.items())
            yield (
                f"{study.endpoints[endpoint].label}, patients whose last contact does not reach the data cut-off "
                f"({study.cohort.data_cut_off}) but of whom a later date tells that they were at risk until it: "
                f"{int(own[OVERALL])} ({by_arm}). They are censored at it."
            )


def rates(rates: pd.DataFrame, *, study: Study, interval: str | None = None) -> Table:
    """Share of patients without the event at each month, with limits, by endpoint and arm."""
    model = interval or study.survival.interval
    chosen = select(rates, model=model)
    months = list(dict.fromkeys(chosen["at"]))
    rows: list[Row] = []
    for endpoint in endpoints(chosen):
        rows.append(heading(study.endpoints[endpoint].label, len(months) + 1))
        for group in study.groups:
            frame = select(chosen, endpoint=endpoint, group=group)
            cells = [notation.estimate(r["rate"], r["rate_low"], r["rate_high"], 1) for _, r in frame.iterrows()]
            rows.append(Row((study.group_label(group), *cells), indent=True))
    header = ("Group", *(notation.months(month) for month in months))
    note = f"Per cent without the event ({study.level} CI), Kaplan-Meier, intervals on the {INTERVALS[model]} scale."
    title = "Survival rates at fixed times" + study.of_population(rates["population"].iloc[0])
    table = Table("rates", title, header, tuple(rows), (note, *reasons(chosen)))
    return finished(table, study)


def restricted_means(means: pd.DataFrame, *, study: Study) -> Table:
    """Restricted mean survival by arm and its difference, a row an endpoint."""
    rows = []
    for endpoint in endpoints(means):
        frame = select(means, endpoint=endpoint)
        by_arm = [select(frame, group=arm).iloc[0] for arm in study.arms.levels]
        texts = [notation.estimate(each["rmst"], each["rmst_low"], each["rmst_high"], 1) for each in by_arm]
        contrast = select(frame, group="").iloc[0]
        named = (contrast[f"rmst_difference{end}"] for end in ("", "_low", "_high"))
        difference = notation.difference(*named)
        p = notation.p_value(contrast["p_test"])
        rows.append(Row((study.endpoints[endpoint].label, contrast["at"], *texts, difference, p)))
    header = ("Endpoint", "Horizon, months", *study.arms.levels.values(), "Difference", "P")
    treated, reference = (study.arms.levels[each] for each in (study.arms.treated, study.arms.reference))
    what = f"Mean months without the event up to the horizon ({study.level} CI)"
    note = f"{what}; difference {treated} minus {reference}, P by its normal test."
    notes = (note, *reasons(means))
    title = "Restricted mean survival time" + study.of_population(means["population"].iloc[0])
    return finished(Table("restricted_means", title, header, tuple(rows), notes), study)
