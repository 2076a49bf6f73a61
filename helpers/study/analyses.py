"""What a study file may ask of the cohort at its beginning: tables, horizons, models, matching, splines, subgroups."""

from typing import Annotated, Literal

from pydantic import Field

from helpers.study.entry import Entry, Label, Months, Name, Share

Named = Annotated[list[str], Field(min_length=1)]
Order = Literal["largest", "smallest", "data", "closest", "random"]
ORDERS = {
    "largest": "Largest score first",
    "smallest": "Smallest first",
    "data": "As in the table",
    "closest": "Nearest pair first",
    "random": "Random order",
}
Caliper = Annotated[float, Field(gt=0)] | Literal["none"]


class RowTests(Entry):
    """Which test a Table 1 row gets; `small_expected` replaces chi-square where an expected count is below five."""

    two_by_two: Literal["yates", "pearson", "fisher"]
    larger: Literal["pearson", "fisher"]
    small_expected: Literal["fisher", "none"]
    continuous: Literal["student", "welch", "rank_sum"]


class TableOne(Entry):
    """The rows of Table 1 in their order."""

    variables: Named
    summary: Literal["mean_sd", "median_iqr"]
    tests: RowTests


class Survival(Entry):
    """Horizons of the survival section, all in months; `course` names what else is counted of the disease's course."""

    months: Annotated[list[Months], Field(min_length=1)]
    risk_table_months: Annotated[list[Annotated[float, Field(ge=0, le=1200)]], Field(min_length=2)]
    tau: dict[str, Months]
    interval: Literal["log", "log_log"]
    course: list[str] = []


class PrimaryAnalysis(Entry):
    """The one analysis a report puts first: of which endpoint, in whom, by which model, time counted how.

    `model` is `unadjusted` (treatment alone) or a name of [models]. `time` is `fixed` (the arm as known at time zero),
    `time_dependent` (an exposure that begins), `landmark` (from `month` on) or `clone_censor_weight`.
    """

    endpoint: str
    population: str
    model: str
    time: Literal["fixed", "time_dependent", "landmark", "clone_censor_weight"]
    month: Months | None = None


class Univariable(Entry):
    """Variables examined one at a time, for the endpoints named, in a population."""

    endpoints: Named
    population: str = "primary"
    variables: Named


class Selection(Entry):
    """Step two of the two-step approach: which univariable P lets a variable enter, and below what."""

    by: Literal["likelihood_ratio", "wald", "any_level"]
    p_below: Share
    always: list[str] = []


class Model(Entry):
    """A Cox specification: a fixed list of covariates, or candidates and the rule that selects among them.

    A name holds one or more of them, each for endpoints and a population of its own.
    """

    label: Label
    endpoints: Named
    population: str = "primary"
    covariates: Annotated[list[str], Field(min_length=1)] | None = None
    candidates: Annotated[list[str], Field(min_length=1)] | None = None
    selection: Selection | None = None
    strata: list[str] = []


class Imputation(Entry):
    """Multiple imputation of what is missing and can exist: completed copies, rounds, further predictors."""

    draws: Annotated[int, Field(ge=2, le=1000)]
    iterations: Annotated[int, Field(ge=1, le=200)]
    auxiliary: list[str] = []


class Matching(Entry):
    """Pairs of one treated and one reference patient, nearest in the propensity score, each patient used once.

    The caliper is in standard deviations of the score or of its logit, over the whole sample or pooled within the arms;
    `order` says which treated patient chooses first (`closest`: the pair that is nearest of all).
    """

    caliper: Caliper
    scale: Literal["score", "logit"]
    caliper_sd: Literal["whole", "pooled"]
    order: Order


class Propensity(Entry):
    """The model of who is treated: its covariates, where the arms are weighted by it, and which pairings are tried.

    `orders` and `calipers` are the grid over which the stability of a matched hazard ratio is shown.
    """

    covariates: Named
    endpoints: Named
    populations: Named
    orders: list[Order] = []
    calipers: list[Caliper] = []


class Splines(Entry):
    """Continuous variables as restricted cubic splines, one at a time, beside `covariates`.

    `reference` is the value at which the hazard ratio is one: the median of the patients analysed, or a number for
    each variable in `references`. `draws` bootstrap samples give the intervals of crossings and extrema.
    """

    endpoints: Named
    populations: Named
    variables: Named
    knots: Annotated[int, Field(ge=3, le=5)]
    reference: Literal["median"]
    references: dict[str, float] = {}
    covariates: list[str] = []
    draws: Annotated[int, Field(ge=0, le=100_000)]


class Subgroups(Entry):
    """The effect of treatment in each level of each variable, beside `covariates`."""

    endpoints: Named
    populations: Named
    variables: Named
    covariates: list[str] = []


class WithinArm(Entry):
    """Levels of a variable compared within a population, such as doses among the treated: alone, and adjusted.

    `pairwise` compares each level with the reference among the patients of these two, else one model holds all levels.
    """

    name: Name
    label: Label
    variable: str
    population: str
    pairwise: bool
    endpoints: Named
    covariates: Named
