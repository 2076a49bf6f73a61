"""What a study file asks for that its variables, endpoints and populations cannot give, each as one sentence."""

from collections.abc import Iterator

from helpers.errors import listed, nearest
from helpers.study.analyses import Model
from helpers.study.schema import StudyFile


def requests(study: StudyFile) -> Iterator[str]:
    """Sentences on every analysis that cannot be meant."""
    yield from _lists(study)
    for name, each in study.models.items():
        yield from _models(study, name, each)
    yield from _univariable(study)
    yield from _propensity(study)
    yield from _splines(study)
    yield from _subgroups(study)
    yield from _within_arm(study)
    if study.imputation:
        yield from known_variables(study, "entry 'imputation.auxiliary'", study.imputation.auxiliary)


def _lists(study: StudyFile) -> Iterator[str]:
    yield from known_variables(study, "entry 'table_one.variables'", study.table_one.variables)
    yield from known_variables(study, "entry 'survival.course'", study.survival.course)
    for name in study.survival.course:
        if name in study.variables and study.variables[name].type != "categorical":
            yield f"entry 'survival.course': '{name}' is not categorical"
        if name in study.table_one.variables:
            yield f"entry 'survival.course': '{name}' is in Table 1 already"
    yield from known_endpoints(study, "entry 'survival.tau'", list(study.survival.tau))
    for name in study.endpoints:
        if name not in study.survival.tau:
            yield f"entry 'survival.tau.{name}' is missing: the horizon of the restricted mean, in months"
    for entry in ("months", "risk_table_months"):
        months = getattr(study.survival, entry)
        if sorted(set(months)) != months:
            yield f"entry 'survival.{entry}': times must increase"


def _models(study: StudyFile, name: str, models: list[Model]) -> Iterator[str]:
    where = f"entry 'models.{name}"
    if name == "unadjusted":
        yield f"{where}': 'unadjusted' names the univariable analysis"
    seen = set()
    for position, model in enumerate(models):
        yield from _model(study, f"{where}.{position}", model)
        for each in [(endpoint, model.population) for endpoint in dict.fromkeys(model.endpoints)]:
            if each in seen:
                yield f"{where}.{position}': endpoint '{each[0]}' in population '{each[1]}' is given twice"
            seen.add(each)


def _model(study: StudyFile, where: str, model: Model) -> Iterator[str]:
    if (model.covariates is None) == (model.candidates is None):
        yield f"{where}': give either covariates (a fixed list) or candidates with a selection"
    if (model.candidates is None) != (model.selection is None):
        yield f"{where}.selection' belongs to candidates, and candidates need one"
    covariates = [*(model.covariates or []), *(model.candidates or [])]
    yield from known_variables(study, f"{where}.covariates'", covariates, arms=True)
    yield from known_variables(study, f"{where}.strata'", model.strata)
    yield from known_endpoints(study, f"{where}.endpoints'", model.endpoints)
    if model.selection:
        yield from known_variables(study, f"{where}.selection.always'", model.selection.always, arms=True)
    if model.population not in {"primary", *study.populations}:
        yield f"{where}.population': no population '{model.population}'{nearest(model.population, study.populations)}"
    for stratum in model.strata:
        if stratum in covariates:
            yield f"{where}.strata': '{stratum}' cannot be stratum and covariate at once"
        if stratum in study.variables and study.variables[stratum].type != "categorical":
            yield f"{where}.strata': '{stratum}' is not categorical"


def known_variables(study: StudyFile, where: str, names: list[str], *, arms: bool = False) -> Iterator[str]:
    """Names that are no variable, or given twice."""
    known = [study.arms.column, *study.variables] if arms else list(study.variables)
    for position, name in enumerate(names):
        if name not in known:
            yield f"{where}: no variable '{name}'{nearest(name, known)}"
        if name in names[:position]:
            yield f"{where}: '{name}' is given twice"


def known_endpoints(study: StudyFile, where: str, names: list[str]) -> Iterator[str]:
    """Names that are no endpoint."""
    for name in names:
        if name not in study.endpoints:
            near = nearest(name, study.endpoints)
            yield f"{where}: no endpoint '{name}'{near} (endpoints: {listed(study.endpoints)})"
    if len(set(names)) < len(names):
        yield f"{where}: an endpoint is given twice"


def _univariable(study: StudyFile) -> Iterator[str]:
    seen = set()
    for position, each in enumerate(study.univariable):
        where = f"entry 'univariable.{position}"
        yield from known_variables(study, f"{where}.variables'", each.variables, arms=True)
        yield from known_endpoints(study, f"{where}.endpoints'", each.endpoints)
        yield from known_populations(study, f"{where}.population'", [each.population])
        for endpoint in dict.fromkeys(each.endpoints):
            if (endpoint, each.population) in seen:
                yield f"{where}': endpoint '{endpoint}' in population '{each.population}' is given twice"
            seen.add((endpoint, each.population))


def _propensity(study: StudyFile) -> Iterator[str]:
    asked = study.propensity
    if asked is None:
        return
    where, arm = "entry 'propensity", study.arms.column
    if arm in asked.covariates:
        yield f"{where}.covariates': '{arm}' is the treatment itself, which the score predicts"
    yield from known_variables(study, f"{where}.covariates'", [each for each in asked.covariates if each != arm])
    for name in asked.covariates:
        variable = study.variables.get(name)
        source = study.variables.get(variable.cut.variable) if variable and variable.cut else variable
        if source and source.applies_when:
            yield f"{where}.covariates': '{name}' cannot exist in every patient, and who lacks it would have no score"
    yield from known_endpoints(study, f"{where}.endpoints'", asked.endpoints)
    yield from known_populations(study, f"{where}.populations'", asked.populations)
    for name in asked.populations:
        if name in study.populations and study.populations[name].matching:
            yield f"{where}.populations': '{name}' is matched already; name the population it is matched out of"
    for entry in ("orders", "calipers"):
        if len(set(getattr(asked, entry))) < len(getattr(asked, entry)):
            yield f"{where}.{entry}': an entry is given twice"
    if bool(asked.orders) != bool(asked.calipers):
        yield f"{where}': orders and calipers belong together"


def _splines(study: StudyFile) -> Iterator[str]:
    asked = study.splines
    if asked is None:
        return
    where = "entry 'splines"
    yield from known_variables(study, f"{where}.variables'", asked.variables)
    yield from known_variables(study, f"{where}.covariates'", asked.covariates, arms=True)
    yield from known_endpoints(study, f"{where}.endpoints'", asked.endpoints)
    yield from known_populations(study, f"{where}.populations'", asked.populations)
    for name in asked.variables:
        if name in study.variables and study.variables[name].type != "continuous":
            yield f"{where}.variables': '{name}' is not continuous"
        if name in asked.covariates:
            yield f"{where}.covariates': '{name}' is a spline already"
    for name in asked.references:
        if name not in asked.variables:
            yield f"{where}.references': '{name}' is none of the splines' variables{nearest(name, asked.variables)}"


def _subgroups(study: StudyFile) -> Iterator[str]:
    asked = study.subgroups
    if asked is None:
        return
    where, arm = "entry 'subgroups", study.arms.column
    if arm in asked.variables:
        yield f"{where}.variables': '{arm}' is the treatment itself; a subgroup is made by another variable"
    if arm in asked.covariates:
        yield f"{where}.covariates': '{arm}' is in every model already"
    yield from known_variables(study, f"{where}.variables'", [each for each in asked.variables if each != arm])
    yield from known_variables(study, f"{where}.covariates'", [each for each in asked.covariates if each != arm])
    yield from known_endpoints(study, f"{where}.endpoints'", asked.endpoints)
    yield from known_populations(study, f"{where}.populations'", asked.populations)
    for name in asked.variables:
        if name in study.variables and study.variables[name].type != "categorical":
            yield f"{where}.variables': '{name}' is not categorical; cut it first"


def _within_arm(study: StudyFile) -> Iterator[str]:
    for position, asked in enumerate(study.within_arm):
        where = f"entry 'within_arm.{position}"
        yield from known_variables(study, f"{where}.variable'", [asked.variable])
        yield from known_variables(study, f"{where}.covariates'", asked.covariates)
        yield from known_endpoints(study, f"{where}.endpoints'", asked.endpoints)
        yield from known_populations(study, f"{where}.population'", [asked.population])
        if asked.variable in study.variables and study.variables[asked.variable].type != "categorical":
            yield f"{where}.variable': '{asked.variable}' is not categorical"
        if asked.variable in asked.covariates:
            yield f"{where}.covariates': '{asked.variable}' is the variable that is compared"
        if (asked.name, asked.population) in [(each.name, each.population) for each in study.within_arm[:position]]:
            yield f"{where}.name': '{asked.name}' in population '{asked.population}' is given twice"
        others = [each for each in study.within_arm[:position] if each.population == asked.population]
        if any(each.variable == asked.variable and each.pairwise != asked.pairwise for each in others):
            yield f"{where}.pairwise': '{asked.variable}' is compared the other way in '{asked.population}' already"
        for each in study.univariable:
            if asked.pairwise and each.population == asked.population and asked.variable in each.variables:
                yield f"{where}.pairwise': '{asked.variable}' is in [[univariable]] in this population already"
        for model in study.models.get(asked.name, []):
            if model.population == asked.population:
                yield f"{where}.name': model '{asked.name}' is given in population '{asked.population}' already"


def known_populations(study: StudyFile, where: str, names: list[str]) -> Iterator[str]:
    known = ["primary", *study.populations]
    for name in names:
        if name not in known:
            yield f"{where}: no population '{name}' to analyse{nearest(name, known)} (populations: {listed(known)})"
    if len(set(names)) < len(names):
        yield f"{where}: a population is given twice"
