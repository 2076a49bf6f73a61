"""The cohort: one row a patient, typed and checked, and the count of everybody who left on the way."""

from dataclasses import dataclass, field

import pandas as pd

from helpers.cohort.checks import Finding, Typed, applies, meets, type_columns
from helpers.cohort.outcomes import outcome
from helpers.cohort.pairing import UNMATCHED, caliper_width, pairs, propensity_score, unmatched
from helpers.cohort.table import Table, read_table
from helpers.cohort.timing import start_months, timing
from helpers.cohort.toxicity import worst_grades
from helpers.errors import CohortError, ParameterError, listed, nearest
from helpers.study import Study, relative
from helpers.study.schema import OVERALL, EarlyEvent, Step


@dataclass(frozen=True)
class Cohort:
    """Patients of one study.

    `data` holds the arms and every variable for all screened patients, indexed by row of the file; `flow` one row an
    eligibility or population step (`population, name, reason, group, n_before, n_excluded, n`); `outcomes` a frame
    `time` (months) and `event` an endpoint; `members` the rows of each population; `pairs` a number a pair, by row, of
    each matched population; `extended` the rows of each endpoint made from dates whose last contact does not reach the
    cut-off, but of whom a later date tells that they were at risk until it; `potential` the months from an endpoint's
    index date to the cut-off, NaN where it has no dates.
    """

    study: Study
    data: pd.DataFrame
    flow: pd.DataFrame
    outcomes: dict[str, pd.DataFrame]
    members: dict[str, pd.Index]
    pairs: dict[str, pd.Series] = field(default_factory=dict)
    extended: dict[str, pd.Index] = field(default_factory=dict)
    potential: dict[str, pd.Series] = field(default_factory=dict)

    def rows(self, population: str = "primary") -> pd.DataFrame:
        """The patients of a population. Raises ParameterError for a population the study does not name."""
        return self.data.loc[self._members(population)]

    def _members(self, population: str) -> pd.Index:
        if population not in self.members:
            hint = nearest(population, self.members)
            raise ParameterError(f"there is no population '{population}'{hint} (populations: {listed(self.members)})")
        return self.members[population]

    def clusters(self, population: str) -> pd.Series | None:
        """The pairs' numbers by row where a population is matched or made of a matched one."""
        line = (
            [name for name in self.study.lineage(population) if name in self.pairs]
            if population in self.members
            else []
        )
        return self.pairs[line[-1]].loc[self.members[population]] if line else None

    def groups(self, population: str = "primary") -> dict[str, pd.DataFrame]:
        """The patients of a population overall and by arm."""
        rows, column = self.rows(population), self.study.arms.column
        return {group: rows if group == OVERALL else rows[rows[column] == group] for group in self.study.groups}

    def groups_by(self, variable: str, population: str = "primary") -> dict[str, pd.DataFrame]:
        """The patients of a population by level of a variable, keyed `variable=level`."""
        rows = self.rows(population)
        return {f"{variable}={level}": rows[rows[variable] == level] for level in self.study.level_labels(variable)}

    def with_outcome(
        self, endpoint: str, population: str = "primary", *, variables: list[str] | None = None
    ) -> pd.DataFrame:
        """The arms, all variables or those named, `time` (NaN where not known) and `event` of a population.

        Of variables named, also what says where they apply. Raises ParameterError for the screened, whose outcomes are
        not read before eligibility.
        """
        if population == "screened":
            raise ParameterError("population 'screened' has no outcomes: they are read once patients are eligible")
        data, members = self.data, self._members(population)
        if variables is not None:
            conditions = [self.study.applies_when(name) for name in variables]
            beside = [each.column for each in conditions if each is not None]
            data = data[list(dict.fromkeys([self.study.arms.column, *variables, *beside]))]
        return data.loc[members].join(self.outcomes[endpoint])

    def outcome(self, endpoint: str, population: str = "primary") -> pd.DataFrame:
        """`with_outcome` for the patients whose time is known."""
        rows = self.with_outcome(endpoint, population)
        return rows[rows["time"].notna()]

    def start(self, rows: pd.DataFrame) -> pd.Series:
        """The month in which each patient's treatment began, NaN in the reference arm and where it is not known."""
        return start_months(self.study, self.data.loc[rows.index])

    def applies(self, variable: str, rows: pd.DataFrame) -> pd.Series:
        """Whether each patient can have a value of the variable; True where that is not known."""
        return applies(self.study, variable, rows)


def read_cohort(study: Study) -> Cohort:
    """Read, check and build the cohort.

    Raises CohortError with the first thing that does not fit, naming file, column and row, and how many more there are.
    """
    table = read_table(study)
    cohort, findings = _build(study, table)
    problems = [finding.problem for finding in findings if finding.problem]
    if problems or cohort is None:
        more = f" ({len(problems) - 1} more; `python -m helpers check` lists them)" if len(problems) > 1 else ""
        raise CohortError(f"{problems[0]}{more}")
    return cohort


def examine(study: Study) -> list[Finding]:
    """Every entry of the study file against the table, fitting or not. Raises CohortError where there is no table."""
    return _build(study, read_table(study))[1]


def _build(study: Study, table: Table) -> tuple[Cohort | None, list[Finding]]:
    typed = type_columns(study, table)
    worst_grades(study, table, typed)
    findings = list(typed.findings)
    if any(finding.problem for finding in findings):
        return None, findings
    members: dict[str, pd.Index] = {"screened": typed.data.index}
    paired: dict[str, pd.Series] = {}
    flow: list[dict] = []
    for name, population in study.all_populations.items():
        if name == "screened":
            continue
        where = "eligibility" if name == "primary" else f"populations.{name}.steps"
        if population.matching:
            where, expected = f"populations.{name}.matching", "pairs"
            paired[name], problem = _match(study, typed, members[population.of], name, flow)
            members[name] = paired[name].index
        else:
            members[name], problem = _apply(study, table, typed, members[population.of], name, population.steps, flow)
            expected = "patients in both arms" if name == "primary" else "patients"
        findings.append(Finding(where, "", expected, f"{len(members[name])} patients", problem))
        if problem:
            return None, findings
    outcomes, extended, later, potential = {}, {}, {}, {}
    analysed = typed.data.index[
        typed.data.index.isin([row for name, rows in members.items() if name != "screened" for row in rows])
    ]
    for name, endpoint in study.endpoints.items():
        found, problems = outcome(study, table, typed, name, analysed)
        outcomes[name], later[name] = found[["time", "event"]], found["later"]
        potential[name] = found["potential"]
        told = f"{int(found['event'].sum())} events, {int(found['time'].isna().sum())} without a time"
        if endpoint.time is None:
            extended[name] = found.index[found["extended"]]
            told += f", {len(extended[name])} at risk to the cut-off by a later date" if len(extended[name]) else ""
        for problem in problems or [None]:
            findings.append(Finding(f"endpoints.{name}", "", "time and event", told, problem))
    findings += timing(study, table, typed.data, outcomes, members, later)
    made = Cohort(study, typed.data, pd.DataFrame(flow, columns=FLOW), outcomes, members, paired, extended, potential)
    return made, findings


FLOW = ["population", "name", "reason", "group", "n_before", "n_excluded", "n"]
WITHOUT_SCORE = "Without a covariate of the propensity score"


def _match(
    study: Study, typed: Typed, rows: pd.Index, population: str, flow: list[dict]
) -> tuple[pd.Series, str | None]:
    """The pairs' numbers by row, in the order of the table, and the sentence on why there are no pairs."""
    asked, none = study.all_populations[population].matching, pd.Series(dtype=int)
    propensity = propensity_score(study, typed.data.loc[rows])
    if propensity.problem:
        return none, f"{relative(study.file)}, entry 'propensity.covariates': {propensity.problem}"
    width = caliper_width(propensity, asked.caliper, asked.scale, asked.caliper_sd)
    made = pairs(propensity, scale=asked.scale, width=width, order=asked.order, seed=study.seed)
    numbers = pd.concat([pd.Series(range(len(made)), index=made[side]) for side in ("treated", "reference")]) + 1
    reasons = unmatched(propensity, made, scale=asked.scale, width=width)
    left, out = rows[rows.isin(propensity.score.index)], [("missing_covariate", WITHOUT_SCORE, rows)]
    for name, reason in UNMATCHED.items():
        out.append((name, reason, left))
        left = left[~left.isin(reasons.index[reasons == name])]
    after = [*(before for _, _, before in out[1:]), left]
    for (name, reason, before), remaining in zip(out, after, strict=True):
        flow += _leaving(
            study, typed.data, before, remaining, {"population": population, "name": name, "reason": reason}
        )
    problem = None
    if made.empty:
        problem = (
            f"{relative(study.file)}, entry 'populations.{population}.matching': no pair is found; "
            f"no two patients of different arms are within the caliper of {asked.caliper} standard deviations"
        )
    return numbers.loc[left], problem


def _leaving(study: Study, data: pd.DataFrame, before: pd.Index, after: pd.Index, step: dict) -> list[dict]:
    """Rows of the flow for one step, overall and by arm."""
    records = []
    for group in study.groups:
        sizes = [
            len(rows) if group == OVERALL else int((data.loc[rows, study.arms.column] == group).sum())
            for rows in (before, after)
        ]
        counts = {"n_before": sizes[0], "n_excluded": sizes[0] - sizes[1], "n": sizes[1]}
        records.append({**step, "group": group, **counts})
    return records


def _apply(
    study: Study, table: Table, typed: Typed, rows: pd.Index, population: str, steps: list[Step], flow: list[dict]
) -> tuple[pd.Index, str | None]:
    """Take the steps one after the other; the rows left, and the sentence on what makes that impossible."""
    arms = study.arms
    for step in steps:
        met, problem = _met(study, table, typed, rows, step)
        if problem:
            return rows, problem
        left = rows[~met.astype(bool)]
        flow += _leaving(
            study, typed.data, rows, left, {"population": population, "name": step.name, "reason": step.name}
        )
        rows = left
    arm = typed.data.loc[rows, arms.column]
    unknown = table.problem(arms.column, arm.isna(), lambda _: "the arm is missing in a patient no step excludes")
    if unknown:
        return rows, unknown
    if arm.empty:
        return rows, f"{relative(study.file)}: no patient is in population '{population}'"
    for level, label in arms.levels.items() if population == "primary" else ():
        if not (arm == level).any():
            return (
                rows,
                f"{relative(study.file)}: no patient of population '{population}' is in the arm '{level}' ({label})",
            )
    return rows, None


def _met(study: Study, table: Table, typed: Typed, rows: pd.Index, step: Step) -> tuple[pd.Series, str | None]:
    """Which of the rows a step excludes, and the sentence on why that cannot be said of one.

    Nobody is excluded by a variable that cannot apply to them, nor by an event without a usable time.
    """
    if step.exclude_event:
        return _early(study, table, typed, rows, step.exclude_event)
    data, column = typed.data.loc[rows], step.exclude.column
    met = meets(step.exclude, data)
    if step.exclude.op != "missing":
        met = met.mask(~applies(study, column, data), False)
    if met.isna().any():
        return met, (
            f"{table.name}, column '{column}', row {met.index[met.isna()][0]}: the cell is empty, so "
            f"step '{step.name}' cannot be decided; exclude such patients by a step before it with op 'missing'"
        )
    return met.astype(bool), None


def _early(study: Study, table: Table, typed: Typed, rows: pd.Index, early: EarlyEvent) -> tuple[pd.Series, str | None]:
    found, problems = outcome(study, table, typed, early.endpoint, rows)
    if problems:
        return found["event"], problems[0]
    known = found["event"] & found["time"].notna()
    if early.after is None:
        return known & (found["time"] < early.before_months), None
    data = typed.data.loc[rows]
    start = data[early.after]
    problem = table.problem(
        study.variables[early.after].column or early.after,
        known & applies(study, early.after, data) & start.isna(),
        lambda _: f"the cell is empty, so it cannot be said whether {early.endpoint} ended soon after",
    )
    since = found["time"] - start
    return known & (since >= 0) & (since < early.before_months), problem
