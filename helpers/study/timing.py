"""What a study file may ask about time and safety: exposure that begins, progression, adverse events, simulation."""

from typing import Annotated, Literal

from pydantic import Field

from helpers.study.analyses import Named
from helpers.study.entry import Codes, Entry, Label, Months, Name, Scalar, Text, Words


class Exposure(Entry):
    """When the treated began, for analyses in which treatment is an exposure that begins.

    `start` is the variable that holds it, counted from the endpoints' origin; nobody can begin after the time of the
    endpoint `before`. A start at the very time of an event is taken half a day earlier, or as never having begun.
    Beside the `population`, in which the proper analyses are made, `exclusions` are populations that leave patients out
    by what happened later. `covariates` explain who begins when, for the weights of the clones; the strategies compared
    are beginning within `grace` months and not beginning within them. `models` are shown beside the unadjusted ones.
    """

    start: str
    before: str
    missing_start: Literal["error", "exclude"]
    same_time: Literal["half_day_earlier", "unexposed"]
    endpoints: Named
    population: str = "primary"
    exclusions: list[str] = []
    models: list[str] = []
    landmarks: Annotated[list[Months], Field(min_length=1)]
    grace: Months
    covariates: Named
    draws: Annotated[int, Field(ge=0, le=100_000)]


class Simulation(Entry):
    """Cohorts like this one with a known effect on an endpoint, drawn to see how each way of analysing it errs.

    `rows` of each, as many as analysed where not said; how many are drawn the command is told.
    """

    endpoints: Named
    hazard_ratios: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]
    rows: Annotated[int, Field(ge=20, le=1_000_000)] | None = None


class Cause(Entry):
    """An event that precludes the others: the levels of the variable that stand for it."""

    label: Label
    levels: Named


class Competing(Entry):
    """Which of several events comes first: the endpoint that holds its time, the variable that names it.

    An event of a patient whose level is in no cause, or missing, counts as a cause of its own, labelled `unrecorded`.
    `interest` is the cause that is drawn and compared first; cumulative incidence is tabulated at `months`.
    """

    label: Label
    endpoint: str
    variable: str
    causes: Annotated[dict[Name, Cause], Field(min_length=2)]
    interest: str
    unrecorded: Label
    months: Annotated[list[Months], Field(min_length=1)]


class Progression(Entry):
    """Response, the first site of progression, and competing events.

    `no_site` are the levels of `first_site` that are no site, such as free of events and lost to follow-up; who is
    censored may have them though a cause among the competing events names them.
    """

    response: str | None = None
    first_site: str | None = None
    no_site: list[str] = []
    competing: Competing | None = None


class Reporting(Entry):
    """What a report must say of a study and no table of patients knows, each a sentence or two; see STROBE."""

    background: Words = ""
    objective: Words = ""
    setting: Words = ""
    assessment: Words = ""
    sample_size: Words = ""
    limitations: Words = ""
    interpretation: Words = ""
    generalisability: Words = ""
    ethics: Words = ""
    funding: Words = ""


class GradeGroup(Entry):
    """Grades of severity shown as one; the group of grade 0 holds the patients without the event."""

    label: Label
    grades: Annotated[list[Annotated[int, Field(ge=0, le=5)]], Field(min_length=1)]


class EventUnion(Entry):
    """Adverse events counted together as well as apart: a patient's worst grade of any of them."""

    label: Label
    terms: Annotated[list[str], Field(min_length=2)]


class EventsBy(Entry):
    """Some adverse events by another variable than the arms, in a population."""

    variable: str
    population: str = "primary"
    terms: Named


class EventKind(Entry):
    """Adverse events of one kind, such as those of the blood, for who looks for them in the report."""

    label: Label
    terms: Named


class EventTable(Entry):
    """A table of its own with a row an event: columns of patient, event and grade.

    A patient without a row of an event did not have it. Where a row's grade is `unknown`, the word that says so, the
    patient's worst grade of that event is not known. `elsewhere` as in [cohort].
    """

    source: Text
    elsewhere: Words = ""
    id: Text
    term: Text
    grade: Text
    unknown: Scalar | None = None


class AdverseEvents(Entry):
    """Adverse events by the patient's worst grade, 0 where the event did not happen.

    They are columns of the patients' table, one an event, or rows of a `table`. Grades of `severe` and higher are
    counted together. `unions` are events that belong together. `cannot_have` says, by arm, which events its patients
    cannot have, such as the toxicity of a treatment they were not given. `missing` are codes that mean that a grade is
    not known, beside those of the whole table.
    """

    grading: Label
    severe: Annotated[int, Field(ge=1, le=5)]
    table: EventTable | None = None
    missing: Codes = []
    kinds: dict[Name, EventKind] = {}
    groups: Annotated[dict[Name, GradeGroup], Field(min_length=2)]
    terms: Annotated[dict[Name, Label], Field(min_length=1)]
    unions: dict[Name, EventUnion] = {}
    cannot_have: dict[str, list[str]] = {}
    by: list[EventsBy] = []

    @property
    def counted(self) -> dict[str, str]:
        """The events and their unions, by label."""
        return self.terms | {name: union.label for name, union in self.unions.items()}

    def parts(self, name: str) -> list[str]:
        """The events that an event or a union of them is made of."""
        return list(self.unions[name].terms) if name in self.unions else [name]

    def possible(self, name: str, arm: str) -> bool:
        """Whether patients of an arm can have an event, or any of a union's."""
        return not set(self.parts(name)) <= set(self.cannot_have.get(arm, []))

    @property
    def grades(self) -> list[int]:
        """Every grade that a group holds."""
        return sorted(grade for group in self.groups.values() for grade in group.grades)

    @property
    def severe_group(self) -> str | None:
        """The grade group that holds the severe grades and no others, if one does."""
        severe = [grade for grade in self.grades if grade >= self.severe]
        return next((name for name, group in self.groups.items() if sorted(group.grades) == severe), None)

    @property
    def severe_label(self) -> str:
        """What the severe grades are called: as the group that holds them, else by the lowest of them."""
        return self.groups[self.severe_group].label if self.severe_group else f"Grade {self.severe} or higher"
