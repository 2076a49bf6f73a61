"""What a study file may say: every entry, its type and its allowed values.

No clinical decision has a default: event coding, time origin, reference levels, tests and horizons must be said.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from helpers.study.analyses import (
    Imputation,
    Matching,
    Model,
    PrimaryAnalysis,
    Propensity,
    Splines,
    Subgroups,
    Survival,
    TableOne,
    Univariable,
    WithinArm,
)
from helpers.study.entry import Codes, Entry, Label, Levels, Months, Name, Scalar, Share, Text, Words
from helpers.study.timing import AdverseEvents, Exposure, Progression, Reporting, Simulation

DAYS_PER_MONTH = 30.4375
UNIT_DAYS = {"days": 1.0, "weeks": 7.0, "months": DAYS_PER_MONTH, "years": 365.25}
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2200, 1, 1)
LIBRARY = {"lifelines:gbsg2": "gbsg2.csv"}
RESERVED = ("time", "event", "entry")
OVERALL = "overall"
ALWAYS = {"screened": "All patients screened", "primary": "Analysis cohort"}
ANY_GRADE = "any"
SEVERE = "severe"
ANY_EVENT = "any event"
UNRECORDED = "unrecorded"
INTERVALS = {"log": "log", "log_log": "complementary log-log"}


class Condition(Entry):
    """A comparison of one variable with a value; data, never an expression that runs."""

    column: str
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "missing"]
    value: Scalar | list[Scalar] | None = None


class CohortFile(Entry):
    """Where the patients' table is, and which codes mean in the whole of it that a cell is empty.

    A `source` that leaves the study's folder is read only where `elsewhere` says in words where it is kept.
    """

    source: Text
    elsewhere: Words = ""
    id: str | None = None
    missing: Codes = [""]
    data_cut_off: Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)] | None = None


class Arms(Entry):
    """The two treatments: the column, its two levels in display order, and which one is the reference."""

    column: Text
    label: Label
    levels: Levels
    reference: str
    missing: Codes = []

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

    label: Label
    levels: Annotated[list[str], Field(min_length=2)]


class Variable(Entry):
    """A column of the patients' table: type, label, unit or levels, where it applies, and its footnote in Table 1.

    With `between` it is the time from the first to the second of two columns of dates, in its unit. `otherwise` is the
    value a model's companion takes where the variable cannot exist, such as no cycles. `order` are its levels from the
    lowest step to the highest, for a test of trend; a level it leaves out is no step. `missing` are codes that mean
    `empty` in this column, beside those of the whole table.
    """

    label: Label
    type: Literal["continuous", "categorical"]
    column: str | None = None
    between: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    unit: str = ""
    per: Annotated[float, Field(gt=0)] = 1
    levels: Levels | None = None
    reference: str | None = None
    unions: dict[Name, Union] = {}
    order: Annotated[list[str], Field(min_length=3)] = []
    cut: CutPoints | None = None
    missing: Codes = []
    applies_when: Condition | None = None
    otherwise: float | None = None
    post_baseline: bool = False
    digits: Annotated[int, Field(ge=0, le=8)] | None = None
    summary: Literal["mean_sd", "median_iqr"] | None = None
    test: Literal["yates", "pearson", "fisher", "student", "welch", "rank_sum"] | None = None
    note: Words = ""

    def pointed_at(self, name: str) -> str:
        """The column of the patients' table that holds the variable called `name`, or its last date."""
        return self.column or (self.between[1] if self.between else name)


class Endpoint(Entry):
    """A time to event, from a duration or from dates; months of 30.4375 days throughout.

    `share_label` is what the share without the event is called where `label` names a time. `missing` has, by the entry
    that names a column, the codes that mean `empty` there, beside those of the whole table.
    """

    label: Label
    event_label: Label
    share_label: Words = ""
    origin: Label
    missing_time: Literal["error", "exclude"] = "error"
    zero_time: Literal["error", "keep", "half_day", "exclude"] = "error"
    missing: dict[Literal["time", "event", "index_date", "event_dates", "last_contact"], Codes] = {}
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
    reason: Words
    exclude: Condition | None = None
    exclude_event: EarlyEvent | None = None
    assumed: bool = False


class Population(Entry):
    """An analysis set: the patients of another one less those its steps exclude, or the pairs matched out of it."""

    label: Label
    of: str = "primary"
    steps: list[Step] = []
    matching: Matching | None = None


class StudyFile(Entry):
    """The whole of `study.toml`."""

    title: Label
    description: Words
    citation: Words
    synthetic: bool
    synthetic_note: Words = ""
    matched_to: list[Label] = []
    assumptions: list[Label] = []
    seed: Annotated[int, Field(ge=0)]
    confidence: Share = 0.95
    cohort: CohortFile
    arms: Arms
    variables: dict[Name, Variable]
    endpoints: Annotated[dict[Name, Endpoint], Field(min_length=1)]
    eligibility: list[Step] = []
    populations: dict[Name, Population] = {}
    table_one: TableOne
    survival: Survival
    design: Literal["observational", "randomised"] = "observational"
    primary_analysis: PrimaryAnalysis
    univariable: list[Univariable] = []
    models: dict[Name, Annotated[list[Model], Field(min_length=1)]] = {}
    imputation: Imputation | None = None
    propensity: Propensity | None = None
    splines: Splines | None = None
    subgroups: Subgroups | None = None
    within_arm: list[WithinArm] = []
    exposure: Exposure | None = None
    simulation: Simulation | None = None
    progression: Progression | None = None
    adverse_events: AdverseEvents | None = None
    published_populations: list[Name] = []
    reporting: Reporting = Reporting()
    abbreviations: dict[str, Words] = {}
