"""Sentences on hazard ratios: for treatment, for other factors, and whether they last."""

import pandas as pd

from helpers import notation
from helpers.exhibits import Sentences
from helpers.ledger import pivot, select
from helpers.names.designs import tested as tested_model
from helpers.study import Study
from helpers.study.variants import SEPARATOR, UNADJUSTED, split
from helpers.thresholds import COSTLY
from helpers.wording.changing import failing, over_time
from helpers.wording.phrases import direction, quoted

NO_CONTRAST = ("no patients in the reference level", "no patients in this level")


def treatment(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """The hazard ratio for treatment, unadjusted and in every model with its companions, from ledger rows."""
    analyses = ["cox_univariable", "cox_multivariable"]
    wide = pivot(select(rows, analysis=analyses))
    effects = _treatment_rows(study, wide)
    own = [row for row in effects if SEPARATOR not in row["model"]]
    if own and all(row["not_estimable"].get("hr") in NO_CONTRAST for row in own):
        return Sentences(("The effect of treatment cannot be estimated: one arm has no patients here.",))
    said = [part for row in own for part in (_hazard(rows, study, wide, row), _beside(study, wide, row, effects))]
    return Sentences(tuple(filter(None, said)))


def _beside(study: Study, wide: pd.DataFrame, row: pd.Series, effects: list[pd.Series]) -> str:
    """The hazard ratios of a model's companions in one sentence."""
    same = ("analysis", "endpoint", "population")
    others = [each for each in effects if all(each[name] == row[name] for name in same)]
    texts = []
    for each in others:
        base, what = split(each["model"])
        if base != row["model"] or not what:
            continue
        size = select(wide, level="", **each[["analysis", "model", "endpoint", "population"]]).iloc[0]
        ratio = notation.hazard_ratio(each["hr"], each["hr_low"], each["hr_high"])
        texts.append(f"{study.companion_label(what)} {ratio} in {int(size['n'])} patients")
    return f"Beside it, by another method or in other patients: {'; '.join(texts)}." if texts else ""


def factors(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Which other factors carry an adjusted interval that leaves out one, model by model, from ledger rows."""
    wide = pivot(select(rows, analysis="cox_multivariable", model=list(study.models)))
    within = {(each.name, each.population) for each in study.within_arm}
    sentences = []
    fitted = wide[["model", "endpoint", "population"]].drop_duplicates()
    for model, endpoint, population in fitted.itertuples(index=False):
        if (model, population) in within:
            continue
        frame = select(wide, model=model, endpoint=endpoint, population=population)
        effects = frame[(frame["variable"] != study.arms.column) & (frame["variable"] != "")]
        found = _found(study, effects)
        label = study.endpoints[endpoint].label
        sentences.append(f"{label}, {_model_named(study, frame.iloc[0])}: {found}.")
    return Sentences(tuple(sentences), bullets=True)


def proportionality(rows: pd.DataFrame, *, study: Study) -> Sentences:
    """Where hazards are not proportional, for treatment first and then for whole models, from ledger rows."""
    tested = select(rows, analysis="diagnostics", statistic="p_proportional", level="")
    if tested.empty:
        return Sentences(())
    tests = pivot(tested)
    treatment, whole = (select(tests, variable=name) for name in (study.arms.column, ""))
    changing, said = failing(rows, study), []
    if changing:
        said = [f"Hazards are not proportional between the arms: {'; '.join(changing)}."]
        said.append("There one hazard ratio is an average over time; the ratios by period come first.")
    elif treatment["p_proportional"].notna().any():
        n = notation.counted(int(treatment["p_proportional"].notna().sum()), "hazard ratio")
        said.append(f"Tested in {n}, no effect of treatment is shown to change with time.")
    untested = treatment[treatment["p_proportional"].isna()]
    if len(untested):
        said.append(
            f"Whether the effect of treatment changes with time could not be tested: {_named(study, untested)}."
        )
    others = whole[(whole["p_proportional"] < 1 - study.confidence) & (whole["model"] != UNADJUSTED)]
    if len(others):
        said.append(f"Some effect changes with time, by the test of the whole model: {_named(study, others)}.")
    return Sentences(tuple(said))


def _named(study: Study, tests: pd.DataFrame) -> str:
    """Models by endpoint and name, with their P where there is one."""
    texts = []
    for _, row in tests.iterrows():
        p = row["p_proportional"]
        label = notation.within(tested_model(study, row["model"], row["endpoint"], row["population"]))
        texts.append(
            f"{study.endpoints[row['endpoint']].label}, {label}{study.of_population(row['population'])}"
            + (f" ({notation.p_equals(p)})" if p == p else "")
        )
    return "; ".join(texts)


def _model_named(study: Study, row: pd.Series) -> str:
    label = study.model(row["model"], row["endpoint"], row["population"]).label
    return notation.within(label) + study.of_population(row["population"])


def _treatment_rows(study: Study, wide: pd.DataFrame) -> list[pd.Series]:
    frame = select(wide, variable=study.arms.column, level=study.arms.treated)
    return [row for _, row in frame.iterrows()]


def _hazard(rows: pd.DataFrame, study: Study, wide: pd.DataFrame, row: pd.Series) -> str:
    endpoint = study.endpoints[row["endpoint"]]
    which = row["model"], row["endpoint"], row["population"]
    model = study.model_label(*which) + study.of_population(row["population"])
    same = select(wide, level="", **row[["analysis", "model", "endpoint", "population"]])
    size = select(same, variable="" if row["analysis"] == "cox_multivariable" else row["variable"]).iloc[0]
    rests = f"{int(size['n'])} patients, {int(size['n_event'])} events"
    lost = int(size[["n_missing", "n_not_applicable"]].sum())
    rests += f", {lost} patients left out for want of a covariate" if lost > COSTLY * (lost + size["n"]) else ""
    treated = quoted(study.arms.levels[study.arms.treated])
    text = notation.hazard_ratio_said(row["hr"], row["hr_low"], row["hr_high"], study.level)
    if row["hr"] != row["hr"]:
        reason = next(iter(row["not_estimable"].values()), "")
        quantity = f"the hazard ratio for {notation.within(endpoint.label)}"
        return f"{model}: {quantity} could not be estimated ({reason}; {rests})."
    verdict = {
        "lower": f"{treated} was associated with a lower hazard of {endpoint.event_label}",
        "higher": f"{treated} was associated with a higher hazard of {endpoint.event_label}",
        "unclear": f"no association of {treated} with the hazard of {endpoint.event_label} was shown",
    }[direction(row["hr_low"], row["hr_high"], 1)]
    changing = over_time(rows, study, row)
    averaged = f"hazard ratio for {notation.within(endpoint.label)} {changing}; averaged over time " if changing else ""
    return f"{model}: {averaged}{verdict} ({text}, {notation.p_equals(row['p_wald'])}; {rests})."


def _found(study: Study, effects: pd.DataFrame) -> str:
    """What a model says of the factors beside treatment, those it cannot estimate named.

    A level of a factor with more than two is mentioned only where the test of all its levels is significant: Wald's,
    or the likelihood-ratio test where a level without events leaves no Wald test.
    """
    if effects.empty:
        return "the model holds no other factor"
    whole = effects[effects["level"] == ""].set_index("variable")
    overall = whole["p_overall"].fillna(whole["p_lrt"])
    estimated = effects[effects["hr"].notna()]
    clear = [
        _factor(study, row)
        for _, row in estimated.iterrows()
        if direction(row["hr_low"], row["hr_high"], 1) != "unclear"
        and (len(study.level_labels(row["variable"])) < 3 or overall[row["variable"]] < 1 - study.confidence)
    ]
    lost = effects[effects["not_estimable"].map(lambda reasons: "hr" in reasons).astype(bool) & (effects["n"] != 0)]
    reasons = dict.fromkeys(
        f"{study.variables[row['variable']].label} ({row['not_estimable']['hr']})" for _, row in lost.iterrows()
    )
    parts = [f"independently associated: {'; '.join(clear)}"] if clear else []
    if not clear and len(estimated):
        parts.append("no other factor had an effect whose interval leaves out 1")
    parts += [f"not estimable: {'; '.join(reasons)}"] if reasons else []
    return "; ".join(parts)


def _factor(study: Study, row: pd.Series) -> str:
    levels = study.level_labels(row["variable"])
    against = f"{levels[row['level']]} against {levels[row['reference']]}" if row["level"] else row["reference"]
    said = notation.hazard_ratio_said(row["hr"], row["hr_low"], row["hr_high"], study.level)
    late = ", known only after time zero" if study.mark_of(row["variable"]) else ""
    return f"{study.variables[row['variable']].label} ({against}: {said}{late})"
