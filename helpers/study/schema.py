"""What a study file may say: every entry, its type and its allowed values.

No clinical decision has a default: event coding, time origin, reference levels, tests and horizons must be said.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1)]
Scalar = str | int | float
Levels = Annotated[dict[str, Text], Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Months = Annotated[float, Field(gt=0, le=1200)]

DAYS_PER_MONTH = 30.4375
UNIT_DAYS = {"days": 1.0, "weeks": 7.0, "months": DAYS_PER_MONTH, "years": 365.25}
LIBRARY = {"lifelines:gbsg2": "gbsg2.csv"}
OVERALL = "overall"
ANY_GRADE = "any"
INTERVALS = {"log": "log", "log_log": "complementary log-log"}


class Entry(BaseModel):
    """A table of the study file; frozen, and unknown entries are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Condition(Entry):
    """A comparison of one variable with a value; data, never an expression that runs."""

    column: str
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "missing"]
    value: Scalar | list[Scalar] | None = None


class CohortFile(Entry):
    """Where the patients' table is, and which cells of it are empty."""

    source: Text
    id: str | None = None
    missing: list[str] = [""]
    data_cut_off: date | None = None


class Arms(Entry):
    """The two treatments: the column, its two levels in display order, and which one is the reference."""

    column: Text
    label: Text
    levels: Levels
    reference: str

    @property
    def treated(self) -> str:
        """The level that is not the reference."""
        return next(level for level in self.levels if level != self.reference)


class CutPoints(Entry):
    """Categories of a continuous variable: `right_closed` says whether a cut-point belongs below it."""

    variable: str
    at: Annotated[list[float], Field(min_length=1)]
    right_closed: bool


class Union(Entry):
    """Levels counted together as well as apart."""

    label: Text
    levels: Annotated[list[str], Field(min_length=2)]


class Variable(Entry):
    """A column of the patients' table: type, label, unit or levels, where it applies, and its footnote in Table 1."""

    label: Text
    type: Literal["continuous", "categorical"]
    column: str | None = None
    unit: str = ""
    per: Annotated[float, Field(gt=0)] = 1
    levels: Levels | None = None
    reference: str | None = None
    unions: dict[Name, Union] = {}
    cut: CutPoints | None = None
    applies_when: Condition | None = None
    post_baseline: bool = False
    digits: Annotated[int, Field(ge=0, le=8)] | None = None
    summary: Literal["mean_sd", "median_iqr"] | None = None
    test: Literal["yates", "pearson", "fisher", "student", "welch", "rank_sum"] | None = None
    note: str = ""


class Endpoint(Entry):
    """A time to event, from a duration or from dates; months of 30.4375 days throughout."""

    label: Text
    event_label: Text
    origin: Text
    missing_time: Literal["error", "exclude"] = "error"
    zero_time: Literal["error", "keep", "half_day", "exclude"] = "error"
    time: str | None = None
    unit: Literal["days", "weeks", "months", "years"] | None = None
    event: str | None = None
    event_values: list[Scalar] | None = None
    censored_values: list[Scalar] | None = None
    index_date: str | None = None
    event_dates: list[str] | None = None
    last_contact: str | None = None


class EarlyEvent(Entry):
    """An event before so many months, counted from the endpoint's origin or from the month a variable holds.

    An event before that month does not count, nor one without a usable time: such a patient stays.
    """

    endpoint: str
    before_months: Months
    after: str | None = None


class Step(Entry):
    """One reason for leaving a population: patients who meet a condition, or who have an event early, are excluded.

    `assumed` marks a step whose number is not published but invented for a synthetic cohort.
    """

    name: Name
    reason: str
    exclude: Condition | None = None
    exclude_event: EarlyEvent | None = None
    assumed: bool = False


class Population(Entry):
    """An analysis set: the patients of another one less those its steps exclude."""

    label: Text
    of: str = "primary"
    steps: list[Step] = []


class RowTests(Entry):
    """Which test a Table 1 row gets; `small_expected` replaces chi-square where an expected count is below five."""

    two_by_two: Literal["yates", "pearson", "fisher"]
    larger: Literal["pearson", "fisher"]
    small_expected: Literal["fisher", "none"]
    continuous: Literal["student", "welch", "rank_sum"]


class TableOne(Entry):
    """The rows of Table 1 in their order."""

    variables: Annotated[list[str], Field(min_length=1)]
    summary: Literal["mean_sd", "median_iqr"]
    tests: RowTests


class Survival(Entry):
    """Horizons of the survival section, all in months; `course` names what else is counted of the disease's course."""

    months: Annotated[list[Months], Field(min_length=1)]
    risk_table_months: Annotated[list[Annotated[float, Field(ge=0, le=1200)]], Field(min_length=2)]
    tau: dict[str, Months]
    interval: Literal["log", "log_log"]
    course: list[str] = []


class Univariable(Entry):
    """Variables examined one at a time, for the endpoints named."""

    endpoints: Annotated[list[str], Field(min_length=1)]
    variables: Annotated[list[str], Field(min_length=1)]


class Selection(Entry):
    """Step two of the two-step approach: which univariable P lets a variable enter, and below what."""

    by: Literal["likelihood_ratio", "wald", "any_level"]
    p_below: Share
    always: list[str] = []


class Model(Entry):
    """A Cox specification: a fixed list of covariates, or candidates and the rule that selects among them.

    A name holds one or more of them, each for endpoints and a population of its own.
    """

    label: Text
    endpoints: Annotated[list[str], Field(min_length=1)]
    population: str = "primary"
    covariates: Annotated[list[str], Field(min_length=1)] | None = None
    candidates: Annotated[list[str], Field(min_length=1)] | None = None
    selection: Selection | None = None
    strata: list[str] = []


class GradeGroup(Entry):
    """Grades of severity shown as one; the group of grade 0 holds the patients without the event."""

    label: Text
    grades: Annotated[list[Annotated[int, Field(ge=0, le=5)]], Field(min_length=1)]


class EventsBy(Entry):
    """Some adverse events by another variable than the arms, in a population."""

    variable: str
    population: str = "primary"
    terms: Annotated[list[str], Field(min_length=1)]


class AdverseEvents(Entry):
    """Adverse events: a column each holding the patient's worst grade, 0 where the event did not happen."""

    grading: Text
    groups: Annotated[dict[Name, GradeGroup], Field(min_length=2)]
    terms: Annotated[dict[Name, Text], Field(min_length=1)]
    by: list[EventsBy] = []


class StudyFile(Entry):
    """The whole of `study.toml`."""

    title: Text
    description: str
    citation: str
    synthetic: bool
    synthetic_note: str = ""
    assumptions: list[Text] = []
    seed: int
    confidence: Share = 0.95
    cohort: CohortFile
    arms: Arms
    variables: dict[Name, Variable]
    endpoints: Annotated[dict[Name, Endpoint], Field(min_length=1)]
    eligibility: list[Step] = []
    populations: dict[Name, Population] = {}
    table_one: TableOne
    survival: Survival
    univariable: Univariable | None = None
    models: dict[Name, Annotated[list[Model], Field(min_length=1)]] = {}
    adverse_events: AdverseEvents | None = None
    published_populations: list[Name] = []
    abbreviations: dict[str, str] = {}
