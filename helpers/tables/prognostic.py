"""Tables of the prognostic factors and of the models behind them."""

from dataclasses import replace
from itertools import pairwise

import pandas as pd

from helpers import notation
from helpers.exhibits import Row, Table
from helpers.ledger import select
from helpers.names.designs import LOG_TIME, tested
from helpers.study import Study
from helpers.study.variants import FIRTH, IMPUTED, OTHERWISE, UNADJUSTED, split
from helpers.tables.layout import cautions, finished, marks, reasons

OTHERWISE_LOST = {
    "lost because a covariate cannot exist in them": "n_not_applicable",
    "without a usable time": "n_no_time",
}
BLANK = (notation.DASH, notation.DASH)


def prognostic(univariable: pd.DataFrame, *, multivariable: pd.DataFrame, study: Study) -> list[Table]:
    """One table an endpoint, population and model: every factor alone and adjusted, on how many patients it rests.

    An endpoint and population that no model names has its univariable results alone.
    """
    tables = []
    both = pd.concat([univariable, multivariable])[["population", "endpoint"]].drop_duplicates()
    for _, which in both.iterrows():
        alone, adjusted = (select(each, **which) for each in (univariable, multivariable))
        for model in dict.fromkeys(adjusted["model"]) or [""]:
            tables.append(_prognostic(study, *which, model, alone, select(adjusted, model=model)))
    return tables


def models(multivariable: pd.DataFrame, *, companions: pd.DataFrame, study: Study) -> list[Table]:
    """Every model followed by its companions: what it rests on, and its hazard ratio for treatment; none of none."""
    arms, rows = study.arms, []
    beside = select(companions, analysis="cox_multivariable")
    for _, fitted in select(multivariable, variable="").iterrows():
        which = fitted[["endpoint", "population"]]
        own = select(multivariable, **which, model=fitted["model"])
        rows.append(_rests(study, fitted, select(own, variable=arms.column, level=arms.treated)))
        others = select(beside, **which)
        for name in [each for each in dict.fromkeys(others["model"]) if split(each)[0] == fitted["model"]]:
            own = select(others, model=name)
            effect = select(own, variable=arms.column, level=arms.treated)
            if split(name)[1] != FIRTH or len(effect):
                rows.append(_rests(study, select(own, variable="").iloc[0], effect))
    sizes = ("Patients", "Events", "Patients lost", "Parameters", "Events per parameter")
    header = ("Model", *sizes, f"HR for treatment ({study.level} CI)", "P")
    contrast = f"Hazard ratio of {arms.levels[arms.treated]} against {arms.levels[arms.reference]}."
    note = f"{contrast} Patients lost: a covariate is missing or cannot exist in them, or they have no usable time."
    notes = (note, *_stated(study, beside), *reasons(multivariable))
    title = "What each multivariable model rests on"
    return [finished(Table("models", title, header, tuple(rows), notes), study)] if rows else []


def penalised(companions: pd.DataFrame, *, study: Study) -> list[Table]:
    """Effects without a finite estimate by Firth's penalised likelihood; no table where every effect has one."""
    rows, shown = [], []
    for _, row in companions[companions["model"].map(lambda name: split(name)[1] == FIRTH)].iterrows():
        if row["variable"] and (row["hr"] == row["hr"] or row["not_estimable"]):
            name = notation.within(study.model_label(row["model"], row["endpoint"], row["population"]))
            label = f"{study.endpoints[row['endpoint']].label}: {name}{study.of_population(row['population'])}"
            levels, what = study.level_labels(row["variable"]), study.label(row["variable"])
            pair = [levels.get(row[each], "") for each in ("level", "reference")]
            what += f": {pair[0]} against {notation.within(pair[1])}" if row["level"] else f", {row['reference']}"
            effect = notation.hazard_ratio(row["hr"], row["hr_low"], row["hr_high"])
            rows.append(Row((label, what, effect, notation.p_value(row["p_lrt"]))))
            shown.append(row)
    if not rows:
        return []
    header = ("Model", "Effect", study.ratio_label, "P")
    note = "Firth's penalised likelihood; limits and P by its profile. Without it the effect is not finite, or another "
    note += "level's of its variable is not."
    title = "Effects without a finite estimate"
    return [finished(Table("penalised", title, header, tuple(rows), (note, *reasons(pd.DataFrame(shown)))), study)]


def _rests(study: Study, fitted: pd.Series, effect: pd.DataFrame) -> Row:
    """A model's row: what it is called, what it rests on, its hazard ratio for treatment."""
    cells = _effect(effect.iloc[0]) if len(effect) else ("not in the model", "")
    lost = fitted[["n_missing", "n_not_applicable", "n_no_time"]].sum()
    sizes = [notation.count(each) for each in (fitted["n"], fitted["n_event"], lost, fitted["n_parameter"])]
    name = study.model_label(fitted["model"], fitted["endpoint"], fitted["population"])
    what = split(fitted["model"])[1]
    label = f"{study.endpoints[fitted['endpoint']].label}: {notation.within(name)}"
    label = study.companion_label(what) if what else label + study.of_population(fitted["population"])
    return Row((label, *sizes, _ratio(fitted["events_per_parameter"]), *cells), indent=bool(what))


def _stated(study: Study, companions: pd.DataFrame) -> list[str]:
    """Which value a variable takes where it cannot exist, if a companion uses one."""
    if not companions["model"].map(lambda name: split(name)[1] in {OTHERWISE, IMPUTED}).any():
        return []
    used = [name for name in dict.fromkeys(companions["variable"]) if name in study.variables]
    given = [name for name in used if study.variables[name].otherwise is not None]
    said = [f"{study.label(name)} {study.variables[name].otherwise:g}" for name in given]
    draws = study.imputation.draws if study.imputation else 0
    texts = [f"Stated values where a variable cannot exist: {', '.join(said)}."] if said else []
    return texts + ([f"Imputed: {draws} copies by chained equations, pooled by Rubin's rules."] if draws else [])


def proportionality(tests: pd.DataFrame, *, weighted: pd.DataFrame, means: pd.DataFrame, study: Study) -> list[Table]:
    """Every model's test of proportional hazards: for treatment, for the whole, and the variables that fail it.

    `weighted` are the tests of weighted patients. Beside it the difference of restricted means, which needs no
    proportional hazards.
    """
    rows = []
    fitted = tests[["model", "endpoint", "population"]].drop_duplicates()
    for _, which in fitted.iterrows():
        frame = select(tests, **which).set_index("variable")["p_proportional"]
        treatment = notation.p_value(frame[study.arms.column]) if study.arms.column in frame else notation.DASH
        failing = frame[(frame < 1 - study.confidence) & ~frame.index.isin(["", study.arms.column])]
        named = ", ".join(f"{study.variables[name].label} ({notation.p_value(p)})" for name, p in failing.items())
        label = notation.within(study.model_label(*which)) + study.of_population(which["population"])
        whole = notation.DASH if which["model"] == UNADJUSTED else notation.p_value(frame[""])
        cells = (f"{study.endpoints[which['endpoint']].label}: {label}", treatment, whole)
        rows.append(Row((*cells, named or notation.DASH, _mean_difference(select(means, **which)))))
    for _, row in weighted[weighted["at"] == ""].iterrows():
        label = notation.within(tested(study, row["model"], row["endpoint"], row["population"]))
        named = f"{study.endpoints[row['endpoint']].label}: {label}{study.of_population(row['population'])} ¶"
        rows.append(Row((named, notation.p_value(row["p_proportional"]), *[notation.DASH] * 3)))
    if not rows:
        return []
    what = f"Restricted mean difference, months ({study.level} CI)"
    header = ("Model", "P, treatment", "P, whole model", "Other variables that fail (P)", what)
    horizons = dict.fromkeys(f"{notation.months(row['at'])} ({row['endpoint']})" for _, row in means.iterrows())
    notes = [
        "Score test of an effect that changes with one minus the Kaplan-Meier estimate; fails: P below "
        f"{1 - study.confidence:.2g}.",
        f"Restricted means of the model's own patients without covariates, up to {', '.join(horizons)}.",
        *([f"¶ {LOG_TIME}."] if len(weighted) else []),
        *reasons(tests, weighted, means),
    ]
    title = "Are the hazards proportional?"
    return [finished(Table("proportionality", title, header, tuple(rows), tuple(notes)), study)]


def _mean_difference(means: pd.DataFrame) -> str:
    if means.empty:
        return notation.DASH
    named = (means.iloc[0][f"rmst_difference{end}"] for end in ("", "_low", "_high"))
    return notation.difference(*named)


def periods(periods: pd.DataFrame, *, study: Study) -> list[Table]:
    """Every model's hazard ratio for treatment by period of follow-up, with the events each rests on."""
    rows = []
    for _, which in periods[["model", "endpoint", "population"]].drop_duplicates().iterrows():
        frame = select(periods, **which)
        texts = [notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]]) for _, row in frame.iterrows()]
        cells = [f"{text}; {int(n)}" for text, n in zip(texts, frame["n_event"], strict=True)]
        label = notation.within(tested(study, *which)) + study.of_population(which["population"])
        rows.append(Row((f"{study.endpoints[which['endpoint']].label}: {label}", *cells)))
    if not rows:
        return []
    starts = list(dict.fromkeys(periods["at"]))
    ends = [notation.month(each) for each in starts]
    spans = [f"{begin}–{end} months" for begin, end in pairwise(ends)] + [f"After {notation.months(starts[-1])}"]
    note = f"Hazard ratio for treatment ({study.level} CI); events. The same model on the events of each period alone."
    title = "Hazard ratio for treatment by period"
    return [finished(Table("periods", title, ("Model", *spans), tuple(rows), (note, *reasons(periods))), study)]


def _prognostic(
    study: Study, population: str, endpoint: str, model: str, alone: pd.DataFrame, adjusted: pd.DataFrame
) -> Table:
    rows: list[Row] = []
    for variable in [each for each in dict.fromkeys([*alone["variable"], *adjusted["variable"]]) if each]:
        rows += _factor(study, variable, *(select(each, variable=variable) for each in (alone, adjusted)))
    notes = [_foundation(study, model, adjusted)] if model else []
    notes += [
        "Cox regression, Efron's method for ties. P beside a factor of more than two levels: Wald test of all of them.",
        *(["Patients and events: of the univariable model, or of the multivariable one without it."] if model else []),
        *_lost(study, alone),
        *reasons(alone, adjusted),
    ]
    notes += marks(study, rows, population)
    if model and study.model(model, endpoint, population).selection:
        notes.append("Covariates were selected on the same patients: intervals and P values do not allow for that.")
    named = f": {notation.within(study.model(model, endpoint, population).label)}" if model else ""
    where = study.of_population(population)
    title = f"Prognostic factors for {notation.within(study.endpoints[endpoint].label)}{named}{where}"
    ratio = study.ratio_label
    spanners = (("", 2), ("Univariable", 2), ("Multivariable", 2))
    header = ("Factor", "Patients / events", ratio, "P", ratio, "P")
    name = "_".join(part for part in ("prognostic", endpoint, model, study.beyond_primary(population)) if part)
    if not model:
        rows = [replace(row, cells=row.cells[:4]) for row in rows]
        return finished(Table(name, title, header[:4], tuple(rows), tuple(notes)), study)
    key = {"population": population, "endpoint": endpoint, "analysis": "cox_multivariable", "model": model, "at": ""}
    lead = " ".join(filter(None, ["The primary analysis." if study.is_primary(key) else "", cautions(study, adjusted)]))
    table = Table(name, title, header, tuple(rows), tuple(notes), spanners, lead=lead)
    return finished(table, study)


def _factor(study: Study, variable: str, alone: pd.DataFrame, adjusted: pd.DataFrame) -> list[Row]:
    """The rows of one factor: its own, and one a level."""
    pairs, either = (alone, adjusted), alone if len(alone) else adjusted
    levels = study.level_labels(variable)
    mark = study.mark_of(variable)
    if not levels:
        label = f"{study.variables[variable].label} ({either['reference'].iloc[0]}){mark}"
        cells = _pair([each.iloc[0] if len(each) else None for each in pairs])
        return [Row((label, _size(either.iloc[0]), *cells[0], *cells[1]))]
    overall = [notation.p_value(each["p_overall"].iloc[0]) if len(each) and len(levels) > 2 else "" for each in pairs]
    rows = [Row((study.label(variable) + mark, "", "", overall[0], "", overall[1]))]
    for name, label in levels.items():
        reference = name == study.reference(variable)
        inside = [select(each, level=name) for each in pairs]
        shown = ("1 (reference)", "")
        cells = [shown if len(each) else BLANK for each in inside]
        cells = cells if reference else _pair([each.iloc[0] if len(each) else None for each in inside])
        rows.append(Row((label, _size(select(either, level=name).iloc[0]), *cells[0], *cells[1]), indent=True))
    return rows


def _foundation(study: Study, model: str, adjusted: pd.DataFrame) -> str:
    """What a model rests on, in a sentence."""
    fitted = select(adjusted, variable="").iloc[0]
    spec = study.model(model, fitted["endpoint"], fitted["population"])
    strata = ", ".join(study.label(each) for each in spec.strata)
    population = study.all_populations[fitted["population"]].label
    sizes = {"patients": "n", "events": "n_event", "lost to missing values": "n_missing", "parameters": "n_parameter"}
    sizes |= {label: name for label, name in OTHERWISE_LOST.items() if fitted[name] > 0}
    counts = ", ".join(f"{label} {int(fitted[name])}" for label, name in sizes.items())
    ratio, p = _ratio(fitted["events_per_parameter"]), notation.p_equals(fitted["p_lrt"])
    return (
        f"Multivariable model ({population}): {counts}, events per parameter {ratio}; global likelihood-ratio test {p}."
        + (f" Baseline hazards stratified by {strata}." if strata else "")
    )


def _effect(row: pd.Series, digits: int = 2) -> tuple[str, str]:
    return notation.hazard_ratio(*row[["hr", "hr_low", "hr_high"]], digits), notation.p_value(row["p_wald"])


def _pair(rows: list[pd.Series | None]) -> list[tuple[str, str]]:
    """Effects that stand in one row, with as many decimals each; a dash where there is none."""
    known = [row for row in rows if row is not None]
    digits = notation.alike(*(tuple(row[["hr_low", "hr_high"]]) for row in known)) if known else 2
    return [BLANK if row is None else _effect(row, digits) for row in rows]


def _size(row: pd.Series) -> str:
    return f"{int(row['n'])} / {int(row['n_event'])}" if row["n"] == row["n"] else ""


def _lost(study: Study, alone: pd.DataFrame) -> list[str]:
    notes = []
    for name, text in (("n_missing", "without a value"), ("n_not_applicable", "in whom the factor cannot exist")):
        lost = alone[(alone["level"] == "") & (alone[name] > 0)]
        counts = ", ".join(f"{study.label(row['variable'])} {int(row[name])}" for _, row in lost.iterrows())
        notes += [f"Patients {text}, left out of the univariable model: {counts}."] if counts else []
    return notes


def _ratio(value: float) -> str:
    return notation.NOT_ESTIMABLE if value != value else notation.number(value, 1)
