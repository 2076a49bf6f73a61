"""The primary analysis: its number, whom it rests on, what selected them, and the same question asked otherwise."""

from collections.abc import Iterator

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.designs import ANALYSES, BEGINS, FIXED, LANDMARK, NAMES
from helpers.study import Study
from helpers.study.schema import Condition
from helpers.study.variants import UNADJUSTED, WITHOUT, split
from helpers.thresholds import FEW_EVENTS
from helpers.wording.changing import over_time
from helpers.wording.clock import began, share
from helpers.wording.phrases import arms_in_order, quoted

RATIO = ["hr", "hr_low", "hr_high"]
LATER = ", which is known only after time zero: they were selected by what happened later"


def primary(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """The primary analysis of the study file in sentences, from ledger rows; none where it was not computed."""
    effect = _effect(rows, study, **study.primary_key)
    if effect is None:
        return Sentences(())
    said = [_number(rows, study, effect), *_selected(rows, study), *_few(rows, study), *_beside(rows, study, effect)]
    return Sentences((*said, *_clock(rows, study, effect)))


def _effect(rows: pd.DataFrame, study: Study, **key: str) -> pd.Series | None:
    """The effect of treatment under a key."""
    arms = study.arms
    found = pivot(select(rows, variable=arms.column, level=arms.treated, group="", **key))
    found = found[found["hr"].notna() | found["not_estimable"].astype(bool)] if len(found) else found
    return found.iloc[0] if len(found) else None


def _ratio(row: pd.Series) -> str:
    return notation.hazard_ratio(*row[RATIO])


def _number(rows: pd.DataFrame, study: Study, effect: pd.Series) -> str:
    """The number first: of what, by which model, how time is counted, with the patients and events of each arm."""
    endpoint = study.endpoints[effect["endpoint"]].label
    model = "" if effect["model"] == "weighted" else f", {_model(study, effect)}"
    kind = ANALYSES[effect["analysis"]]
    way = f", {NAMES[kind]}" + (f" at month {effect['at']}" if kind == LANDMARK else "")
    way = "" if kind == FIXED and study.exposure is None else way
    name = f"Primary analysis ({notation.within(endpoint)}{model}{way}{study.of_population(effect['population'])})"
    rests = _rests(rows, study, effect)
    if effect["hr"] != effect["hr"]:
        return f"{name}: not estimable ({next(iter(effect['not_estimable'].values()), '')}; {rests})."
    text = notation.hazard_ratio_said(*effect[RATIO], study.level)
    changing = over_time(rows, study, effect)
    averaged = f"{changing}; averaged over time, " if changing else ""
    return f"{name}: {averaged}{text}, {notation.p_equals(effect['p_wald'])}; {rests}."


def _model(study: Study, row: pd.Series) -> str:
    return notation.within(study.model_label(row["model"], row["endpoint"], row["population"]))


def _rests(rows: pd.DataFrame, study: Study, effect: pd.Series) -> str:
    """Patients and events of each arm, as the model has them."""
    same = {name: effect[name] for name in ("population", "endpoint", "analysis", "model", "at")}
    wide = pivot(select(rows, **same))
    if effect["analysis"] in {"landmark", "clone_censor_weight"}:
        alone = same | ({"model": UNADJUSTED} if effect["analysis"] == "landmark" else {})
        wide = pivot(select(rows, **alone)).assign(level=lambda frame: frame["group"])
        wide = wide[wide["n"].notna() & (wide["group"] != "")]
    else:
        wide = select(wide, variable=study.arms.column)
    sizes = wide.set_index("level")
    texts = [
        f"{quoted(label)} {notation.counted(sizes['n'][arm], 'patient')}, "
        f"{notation.counted(sizes['n_event'][arm], 'event')}"
        for arm, label in arms_in_order(study)
        if arm in sizes.index
    ]
    twice = ", who was treated later counting in both" if effect["analysis"] == "cox_time_dependent" else ""
    return "; ".join(texts) + twice


def _selected(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """Whom the model leaves out, and that a fact known only later chose those it keeps."""
    key = study.primary_key
    if key["model"] == UNADJUSTED or key["analysis"] == "clone_censor_weight":
        return
    wide = pivot(select(rows, **key, level="", group=""))
    whole = select(wide, variable="").iloc[0]
    lost = int(whole[["n_missing", "n_not_applicable", "n_no_time"]].sum())
    if not lost:
        return
    everybody = select(
        rows, analysis="count", variable="", endpoint="", model="", group="overall", population=key["population"]
    )
    total = int(select(everybody, statistic="n")["value"].iloc[0]) if len(everybody) else int(whole["n"]) + lost
    covariates = wide[~wide["variable"].isin(["", study.arms.column])].set_index("variable")
    absent = covariates[covariates["n_not_applicable"] > 0]["n_not_applicable"]
    said = f"It rests on {int(whole['n'])} of the {total}"
    for name, n in absent.items():
        condition = study.applies_when(name)
        late = study.mark_of(condition.column) or condition.column == study.arms.column
        where = f"{study.label(name)} can exist only {_where(study, condition)} ({int(n)} are left out)"
        said += f"; {notation.within(where)}{LATER if late else ''}"
    missing = covariates[covariates["n_missing"] > 0]["n_missing"]
    if len(missing):
        named = ", ".join(f"{notation.within(study.label(name))} {int(n)}" for name, n in missing.items())
        said += f"; without a value: {named}"
    yield f"{said}."


def _few(rows: pd.DataFrame, study: Study) -> Iterator[str]:
    """That a model has few events for its parameters."""
    ratio = select(rows, **study.primary_key, statistic="events_per_parameter", variable="", group="")["value"]
    if len(ratio) and ratio.iloc[0] < FEW_EVENTS:
        events = notation.number(ratio.iloc[0], 1)
        yield f"It has {events} events per parameter, fewer than {FEW_EVENTS}: it is unstable."


def _where(study: Study, condition: Condition) -> str:
    """The patients a condition is true of."""
    labels = study.level_labels(condition.column)
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    told = " or ".join(labels.get(str(value), f"{value}") for value in values if value is not None)
    what = study.arms.label if condition.column == study.arms.column else study.variables[condition.column].label
    is_not = "" if condition.op in {"==", "in"} else f" {condition.op}"
    return f"in patients with {notation.within(what)}{is_not} {quoted(told)}"


def _beside(rows: pd.DataFrame, study: Study, effect: pd.Series) -> Iterator[str]:
    """Treatment alone in all, and the same model without the covariate that costs most."""
    key, texts = study.primary_key, []
    where = {"population": key["population"], "endpoint": key["endpoint"]}
    if key["model"] != UNADJUSTED:
        at = {"at": key["at"]} if "at" in key else {}
        analysis = "cox_univariable" if key["analysis"] == "cox_multivariable" else key["analysis"]
        alone = _effect(rows, study, **where, analysis=analysis, model=UNADJUSTED, **at)
        if alone is not None and analysis != "clone_censor_weight":
            texts.append(f"unadjusted, {_ratio(alone)} in {_size(rows, study, alone)}")
    own = select(rows, **where, analysis="cox_multivariable", variable=study.arms.column, level=study.arms.treated)
    for model in dict.fromkeys(own["model"]):
        base, what = split(model)
        if base == key["model"] and what.startswith(WITHOUT):
            found = _effect(rows, study, **where, analysis="cox_multivariable", model=model)
            texts.append(
                f"the same model {study.companion_label(what)}, {_ratio(found)} in {_size(rows, study, found)}"
            )
    if texts:
        yield f"Beside it: {'; '.join(texts)}."


def _size(rows: pd.DataFrame, study: Study, effect: pd.Series) -> str:
    same = {name: effect[name] for name in ("population", "endpoint", "analysis", "model", "at")}
    variable = "" if effect["analysis"] == "cox_multivariable" else study.arms.column
    found = select(rows, **same, level="", group="", statistic="n")
    own = select(found, variable=variable) if len(select(found, variable=variable)) else found
    return notation.counted(own["value"].iloc[0], "patient")


def _clock(rows: pd.DataFrame, study: Study, effect: pd.Series) -> Iterator[str]:
    """What is left when treatment counts from its beginning, same covariates and patients; when it began."""
    if study.exposure is None or effect["endpoint"] not in study.exposure.endpoints:
        return
    yield from began(rows, study, effect["endpoint"])
    if ANALYSES[effect["analysis"]] != FIXED or effect["population"] != study.exposure.population:
        return
    where = {"population": effect["population"], "endpoint": effect["endpoint"], "model": effect["model"]}
    counted = _effect(rows, study, **where, analysis="cox_time_dependent")
    if counted is not None:
        changing = over_time(rows, study, counted)
        averaged = f"{changing}; averaged over time, " if changing else ""
        told = share(rows, study, effect["endpoint"], effect["model"])
        what = f"With the same covariates and patients, treatment counted from its beginning ({NAMES[BEGINS]})"
        yield f"{what}: {averaged}{_ratio(counted)}{f'; {told}' if told else ''}."
