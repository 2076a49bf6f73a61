"""Methods: Cox models, missing values, proportional hazards, splines, subgroups, comparisons within an arm."""

from helpers import notation
from helpers.exhibits import refer
from helpers.names.designs import ANALYSES as TIME_KINDS
from helpers.names.designs import NAMES
from helpers.notation import counted
from helpers.study import Study
from helpers.study.analyses import Model
from helpers.study.hindsight import late
from helpers.thresholds import COSTLY, FEW_EVENTS
from helpers.wording.methods.names import FEW, among, endpoints, months, populations, sentence, series, variables
from helpers.wording.methods.works import cite
from helpers.wording.phrases import quoted

RULES = {
    "likelihood_ratio": "by the likelihood-ratio test",
    "wald": "by Wald's test of the variable",
    "any_level": "by Wald's test of any of its levels",
}


def regression(study: Study) -> str:
    """Univariable and multivariable Cox models, their covariates, selection and strata; none where none is asked."""
    if not (study.univariable or study.models):
        return ""
    said = [f"Hazard ratios are from Cox models{cite('cox')} with Efron's method for ties{cite('efron')}."]
    said.append(_primary(study))
    if study.univariable:
        names = dict.fromkeys(name for each in study.univariable for name in each.variables)
        ends = endpoints(study, [name for each in study.univariable for name in each.endpoints])
        where = among(study, [each.population for each in study.univariable])
        named = refer("Table", "variables", "the table of variables")
        said.append(f"{counted(len(names), 'variable')} (see {named}) entered univariable models for {ends}{where}.")
    said += [_model(study, models) for models in study.models.values()]
    used = [
        name for models in study.models.values() for each in models for name in [*(each.covariates or []), *each.strata]
    ]
    known_later = late(study, used)
    if known_later:
        said.append(
            "Covariates known only after time zero may have been changed by treatment "
            f"({variables(study, known_later)}); a hazard ratio for treatment that is adjusted for them is not "
            "its whole effect."
        )
    if study.models:
        said.append(
            "P values of single coefficients and of all levels of a factor are from Wald tests, those of leaving a "
            "variable out and of whole models from likelihood-ratio tests. A model with fewer than "
            f"{FEW_EVENTS} events per parameter is marked as unstable."
        )
    said.append(
        "An effect without a finite estimate in these models is given by Firth's penalised likelihood with profile "
        f"limits{cite('firth', 'heinze')}."
    )
    return " ".join(said)


def _names(model: Model) -> list[str]:
    return [*(model.covariates or []), *(model.candidates or []), *model.strata]


def _model(study: Study, models: list[Model]) -> str:
    """One sentence on the models of a name: their covariates, how they were chosen, their strata."""
    ends = endpoints(study, [name for each in models for name in each.endpoints])
    where = among(study, [each.population for each in models])
    head = f"The model {quoted(models[0].label)}, for {ends}{where}, "
    lists = list(dict.fromkeys((tuple(_covariates(each)), tuple(each.strata)) for each in models))
    if len(lists) > FEW:
        shown = refer("Table", "models", "the table of models")
        return f"{head}has a list of covariates for each endpoint and population; see {shown}."
    if len(lists) == 1:
        return f"{head}{_content(study, models[0])}."
    each = (f"for {endpoints(study, model.endpoints)} {_content(study, model)}" for model in models)
    return f"{head.removesuffix(', ')}: {'; '.join(each)}."


def _covariates(model: Model) -> list[str]:
    return model.covariates or model.candidates or []


def _content(study: Study, model: Model) -> str:
    if model.selection:
        rule = model.selection
        text = (
            f"holds, of {counted(len(model.candidates), 'candidate')}, those whose univariable P {RULES[rule.by]} was "
            f"below {rule.p_below:g}"
        )
        text += f", and always {variables(study, rule.always)}" if rule.always else ""
        text += "; its intervals and P values do not allow for the selection"
    else:
        text = f"holds {variables(study, model.covariates)}"
    return text + (f", with baseline hazards stratified by {variables(study, model.strata)}" if model.strata else "")


def missing(study: Study) -> str:
    """Complete cases, what stands beside them, imputation."""
    said = [
        "A value that cannot exist in a patient is not counted as missing.",
    ]
    if not (study.univariable or study.models):
        return " ".join([*said, "Nothing was imputed."])
    beside = ["without the covariate that costs most"]
    stated = [name for name, entry in study.variables.items() if entry.otherwise is not None]
    if stated:
        values = series(f"{variables(study, [name])} {study.variables[name].otherwise:g}" for name in stated)
        beside.append(f"with a stated value where a covariate cannot exist ({values})")
    beside += ["with missing values imputed"] if study.imputation else []
    said.append(
        "Models were fitted to the patients with a value of every covariate (complete cases). A multivariable model "
        f"that left out more than {100 * COSTLY:g}% of the patients is shown also {series(beside)}."
    )
    return " ".join([*said, *_imputation(study)])


def _imputation(study: Study) -> list[str]:
    asked = study.imputation
    if asked is None:
        return ["No value was imputed."]
    others = [variables(study, [name]) for name in asked.auxiliary]
    known = series(["all others of the model", "the event indicator", f"the cumulative hazard{cite('white')}", *others])
    return [
        f"Imputation was by chained equations{cite('buuren')}: {asked.draws} completed copies after {asked.iterations} "
        "rounds each, by predictive mean matching for numbers and multinomial logistic regression for categories, each "
        f"variable predicted by {known}. Estimates were pooled by Rubin's rules{cite('rubin')}; they hold if values "
        "are missing at random given these predictors."
    ]


def _primary(study: Study) -> str:
    """The analysis that the study file puts first."""
    key, asked = study.primary_key, study.primary_analysis
    model = "" if asked.time == "clone_censor_weight" else f" by the model {quoted(_label(study, key))}"
    way = f", {NAMES[TIME_KINDS[key['analysis']]]}" if study.exposure else ""
    way += f" at month {notation.month(asked.month)}" if asked.month else ""
    where = populations(study, [asked.population])
    return f"The primary analysis is of {endpoints(study, [asked.endpoint])} in {where}{model}{way}."


def _label(study: Study, key: dict[str, str]) -> str:
    return study.model_label(key["model"], key["endpoint"], key["population"])


def proportionality(study: Study) -> str:
    """The tests of proportional hazards and what stands beside them; none where no effect of treatment is modelled."""
    if not (study.univariable or study.models):
        return ""
    others = " Weighted patients" if study.propensity else ""
    others += f"{', ' if others else ' '}clones and exposures that begin" if study.exposure else ""
    text = (
        f"{sentence(others.strip())} were tested by the product of treatment and the logarithm of time with robust "
        "errors. "
        if others
        else ""
    )
    return (
        "Whether hazards are proportional was tested for the hazard ratios for treatment, in the univariable and "
        f"multivariable models{' and from landmarks' * bool(study.exposure)} by the score test for an effect that "
        f"changes with the Kaplan-Meier estimate, each variable alone and all together{cite('grambsch')}. {text}Beside "
        f"it stand the hazard ratio for treatment in the periods divided at {months(study.survival.months)}, and the "
        "difference of restricted means in the patients of the model, which needs no proportional hazards but is not "
        "adjusted."
    )


def splines(study: Study) -> str:
    """Restricted cubic splines; none where none are asked."""
    asked = study.splines
    if asked is None:
        return ""
    beside = f", beside {variables(study, asked.covariates)}," if asked.covariates else ""
    other = [name for name in asked.variables if name in asked.references]
    values = series(f"{asked.references[name]:g} for {variables(study, [name])}" for name in other) if other else ""
    reference = "at the median of the patients analysed" if len(other) < len(asked.variables) else ""
    reference = " and ".join(each for each in (reference, f"at {values}" if values else "") if each)
    many = len(asked.variables) > 1
    how = "were examined one at a time" if many else "was examined"
    said = [
        f"{sentence(variables(study, asked.variables))} {how} as restricted cubic splines"
        f"{beside} for {endpoints(study, asked.endpoints)}{among(study, asked.populations)}, with "
        f"{asked.knots} knots at Harrell's quantiles{cite('harrell')}. The hazard ratio is 1 {reference}.",
        "The whole effect and its departure from a straight line were tested by Wald's test.",
    ]
    if asked.draws:
        pairs = [name for name in asked.populations if study.is_matched(name)]
        drawn = f" (in {populations(study, pairs)} of pairs{cite('austin_bootstrap')})" if pairs else ""
        said.append(
            "Where a curve crosses 1 again or turns is given with percentile intervals from "
            f"{asked.draws} bootstrap samples of patients{drawn}, knots and reference kept."
        )
    return " ".join(said)


def subgroups(study: Study) -> str:
    """Effects in subgroups and tests of interaction; none where none are asked."""
    asked = study.subgroups
    if asked is None:
        return ""
    beside = f", adjusted for {variables(study, asked.covariates)}" if asked.covariates else ""
    n = len(asked.variables) * len(asked.endpoints)
    return (
        f"The effect of treatment on {endpoints(study, asked.endpoints)} was estimated in each level of "
        f"{variables(study, asked.variables)}{among(study, asked.populations)}, by one Cox model a variable whose "
        f"baseline hazard is free in each level{beside}. Whether it differs between the levels is told by the "
        f"likelihood-ratio test of that model, not by comparing their P values{cite('altman')}, where an effect is "
        f"infinite with Firth's penalty{cite('firth')}; it is given as it is and adjusted by Holm's method"
        f"{cite('holm')} for all {counted(n, 'test')}, and beside it stands the test with one baseline hazard for all "
        "levels. Subgroups are exploratory."
    )


def within_arm(study: Study) -> str:
    """Levels of a variable compared within a population; none where none are asked."""
    said = []
    for asked in study.within_arm:
        how = "each level with the reference in a model of these two" if asked.pairwise else "all in one model"
        reference = study.level_labels(asked.variable)[study.reference(asked.variable)]
        said.append(
            f"In {populations(study, [asked.population])}, levels of {variables(study, [asked.variable])} were "
            f"compared with {quoted(reference)} for {endpoints(study, asked.endpoints)}, {how}, alone and adjusted "
            f"for {variables(study, asked.covariates)}."
        )
    return " ".join([*said, "These are associations: which level a patient had was not randomised."]) if said else ""
