"""Response and first site of progression by arm, and the cumulative incidence of each first event."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.names.causes import AS_KNOWN, SITES, cause_labels, sites
from helpers.study import Study
from helpers.study.schema import OVERALL, UNRECORDED
from helpers.tables.baseline import COUNTED
from helpers.tables.layout import INDEPENDENT, finished, heading, reasons

LIMITS = ["incidence_low", "incidence_high"]


def progression(counts: pd.DataFrame, *, tests: pd.DataFrame, differences: pd.DataFrame, study: Study) -> list[Table]:
    """Response, first site of progression, and the sites among patients with one, by arm; none where neither is named.

    With the difference between the arms of every share and the test of each distribution.
    """
    if counts.empty:
        return []
    asked, population = study.progression, counts["population"].iloc[0]
    whole = {group: int(select(counts, variable="", group=group)["n"].iloc[0]) for group in study.groups}
    rows: list[Row] = []
    for name in [each for each in (asked.response, asked.first_site) if each]:
        test = select(tests, variable=name, model="")
        rows += _variable(study, name, select(counts, variable=name, model=""), differences, test)
    if asked.first_site:
        rows += _sited(study, select(counts, model=SITES), select(tests, model=SITES))
    treated, reference = (study.arms.levels[each] for each in (study.arms.treated, study.arms.reference))
    methods = {row["method"]: _tested(study, row) for _, row in tests[tests["method"] != ""].iterrows()}
    notes = [
        f"Values are {COUNTED}.",
        *_without(study, counts, whole),
        "Shares take no account of how long patients were followed; cumulative incidences do.",
        f"Difference: per cent with {treated} minus per cent with {reference} ({study.level} CI by Newcombe's hybrid "
        "score method).",
        *(f"P, {what}: {method}." for method, what in methods.items()),
        *(
            f"{study.variables[name].label}: {study.variables[name].note}"
            for name in dict.fromkeys(each for each in (asked.response, asked.first_site) if each)
            if study.variables[name].note
        ),
        *[INDEPENDENT] * study.is_matched(population),
        *reasons(tests, differences),
    ]
    title = f"{_titled(study)} by {notation.within(study.arms.label)}{study.of_population(population)}"
    heads = (f"{study.group_label(group)} (n\u00a0=\u00a0{n})" for group, n in whole.items())
    header = ("Outcome", *heads, f"Difference ({study.level} CI)", "P")
    return [finished(Table("progression", title, header, tuple(rows), tuple(notes)), study)]


def incidence(
    incidences: pd.DataFrame, *, tests: pd.DataFrame, specific: pd.DataFrame, events: pd.DataFrame, study: Study
) -> list[Table]:
    """Cumulative incidence of each cause at the study's months by arm; none without competing events.

    With Gray's test and the cause-specific hazard ratios.

    The cause of interest comes first. `events` says who has no usable time.
    """
    if incidences.empty:
        return []
    asked, population = study.progression.competing, incidences["population"].iloc[0]
    months = [at for at in dict.fromkeys(incidences["at"]) if at]
    causes = {name: label for name, label in cause_labels(study).items() if name in set(incidences["level"])}
    rows: list[Row] = []
    for cause, label in causes.items():
        rows.append(heading(label, len(months) + 4 + specific["model"].nunique()))
        p = notation.p_value(select(tests, level=cause)["p_gray"].iloc[0])
        ratio = _specific(specific, cause)
        for group in study.groups:
            n = select(incidences, level="", group=group)["n"].iloc[0]
            own = select(incidences, level=cause, group=group)
            sizes = [notation.count(each) for each in (n, select(own, at="")["n_event"].iloc[0])]
            cells = [_incidence(select(own, at=at).iloc[0]) for at in months]
            beside = (p, *ratio) if group == OVERALL else ("",) * (1 + len(ratio))
            rows.append(Row((study.group_label(group), *sizes, *cells, *beside), indent=True))
    shown = [f"Cause-specific HR{what}" for what in ("", ", as it begins")][: len(ratio)]
    header = ("Group", "Patients", "Events", *(notation.months(month) for month in months), "Gray's P", *shown)
    title = f"{asked.label}: cumulative incidence of each cause{study.of_population(population)}"
    notes = _notes(study, incidences, pd.concat([tests, specific]), events, UNRECORDED in causes)
    table = Table("cumulative_incidence", title, header, tuple(rows), tuple(notes))
    return [finished(table, study)]


def _specific(specific: pd.DataFrame, cause: str) -> list[str]:
    """The cause-specific hazard ratios, the arms as known at time zero and then as treatment begins."""
    return [
        notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]]) for _, row in select(specific, level=cause).iterrows()
    ]


def _variable(
    study: Study, name: str, counts: pd.DataFrame, differences: pd.DataFrame, test: pd.DataFrame
) -> list[Row]:
    p = notation.p_value(test["p_test"].iloc[0]) if len(test) else ""
    rows = [Row((study.label(name), *[""] * (len(study.groups) + 1), p))]
    for level, label in study.counted_labels(name).items():
        found = select(differences, variable=name, level=level)
        rows.append(Row((label, *_shares(counts, study, level), _difference(found), ""), indent=True))
    whole = [select(counts, group=group, level="").iloc[0] for group in study.groups]
    if any(each["n_missing"] for each in whole):
        cells = (notation.share(each["n_missing"], each["percent_missing"]) for each in whole)
        rows.append(Row(("Missing", *cells, "", ""), indent=True))
    return rows


def _sited(study: Study, counts: pd.DataFrame, test: pd.DataFrame) -> list[Row]:
    """The sites among the patients with one, whose number stands in the first row."""
    whole = [notation.count(select(counts, group=group, level="")["n"].iloc[0]) for group in study.groups]
    p = notation.p_value(test["p_test"].iloc[0])
    labels = study.level_labels(study.progression.first_site)
    rows = [Row((f"{study.label(study.progression.first_site)}, patients with a recorded site", *whole, "", p))]
    return rows + [Row((labels[site], *_shares(counts, study, site), "", ""), indent=True) for site in sites(study)]


def _shares(counts: pd.DataFrame, study: Study, level: str) -> list[str]:
    cells = [select(counts, group=group, level=level).iloc[0] for group in study.groups]
    return [notation.share(each["n"], each["percent"]) for each in cells]


def _difference(found: pd.DataFrame) -> str:
    names = ["risk_difference", "risk_difference_low", "risk_difference_high"]
    return notation.difference(*found.iloc[0][names]) if len(found) else ""


def _without(study: Study, counts: pd.DataFrame, whole: dict[str, int]) -> list[str]:
    """Who has no recorded site, by arm: each level that is none, and the missing."""
    name = study.progression.first_site
    if not name:
        return []
    labels, texts = study.level_labels(name), []
    for arm, label in study.arms.levels.items():
        own = select(counts, variable=name, group=arm)
        sited = int(select(own, model=SITES, level="")["n"].iloc[0])
        parts = {labels[each]: select(own, model="", level=each)["n"].iloc[0] for each in study.progression.no_site}
        parts["missing"] = select(own, model="", level="")["n_missing"].iloc[0]
        told = ", ".join(f"{notation.within(part)} {int(n)}" for part, n in parts.items() if n)
        without = whole[arm] - sited
        texts.append(f"{label} {without} of {whole[arm]}" + (f" ({told})" if told else ""))
    return [f"Without a recorded site: {'; '.join(texts)}. The last rows are of the others alone."]


def _tested(study: Study, row: pd.Series) -> str:
    label = notation.within(study.variables[row["variable"]].label)
    return f"{label} among patients with a recorded site" if row["model"] == SITES else label


def _titled(study: Study) -> str:
    named = [study.variables[each].label for each in (study.progression.response, study.progression.first_site) if each]
    return " and ".join([named[0], *map(notation.within, named[1:])])


def _incidence(row: pd.Series) -> str:
    """The incidence with its limits, alone where it has none."""
    if row["incidence"] == row["incidence"] and row[LIMITS].isna().all():
        return notation.number(row["incidence"], 1)
    return notation.estimate(row["incidence"], *row[LIMITS], 1)


HIDDEN = "Some of them may be of another cause, whose incidence is then higher than shown, at most by theirs."


def _notes(
    study: Study, incidences: pd.DataFrame, tests: pd.DataFrame, events: pd.DataFrame, unrecorded: bool
) -> list[str]:
    asked, population = study.progression.competing, incidences["population"].iloc[0]
    endpoint = study.endpoints[asked.endpoint]
    bare = incidences[incidences["incidence"].notna() & incidences["incidence_low"].isna()]
    why = sorted({reason for each in bare["not_estimable"] for reason in each.values()})
    lost = int(select(events, endpoint=asked.endpoint, group=OVERALL)["n_missing"].iloc[0])
    return [
        f"Per cent in whom this event has come first ({study.level} CI), months since {endpoint.origin}: "
        "Aalen-Johansen estimate, intervals on the log(−log) scale. An event of another cause precludes "
        "this one and is no censoring. Gray's P compares these incidences; the cause-specific hazard ratio the rates "
        "among those still free of every event.",
        *([AS_KNOWN] if study.exposure else []),
        *([f"{asked.unrecorded}: {_meant(study)}. {HIDDEN}"] if unrecorded else []),
        *([f"Without brackets, no interval: {'; '.join(why)}."] if why else []),
        *([f"Not counted: {lost} patients without a usable time."] if lost else []),
        *[INDEPENDENT] * study.is_matched(population),
        *reasons(incidences[incidences["incidence"].isna()], tests),
    ]


def _meant(study: Study) -> str:
    label = notation.within(study.label(study.progression.competing.variable))
    return f"patients with an event whose {label} is missing or stands for no cause"
