"""The sections of a report, one record each: what order, links, Methods, STROBE and what is left out follow from."""

from collections.abc import Callable
from dataclasses import dataclass

from helpers.errors import ParameterError, listed, nearest
from helpers.study import Study


def _always(_: Study) -> str:
    return ""


@dataclass(frozen=True)
class Section:
    """A section: its notebook's name, its title, its estimates, and why a study has none.

    `rows` are the estimates that are its part of the ledger and `drawings` those that only its figures need, by their
    names in `estimates`; `methods` are the paragraphs of Methods that are about it and `strobe` the items it answers.
    `lacking` says what a study that has no such section does not hold. The exhibits of one that stands `before` the
    patients are numbered apart; one that reads the ledger `reads_rows` and runs last.
    """

    name: str
    title: str
    rows: tuple[str, ...] = ()
    drawings: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    strobe: tuple[str, ...] = ()
    lacking: Callable[[Study], str] = _always
    before: bool = False
    reads_rows: bool = False

    @property
    def words(self) -> str:
        """How a sentence names it where it cannot be a link."""
        return f"section {self.name.partition('_')[0]}"


KEY_FINDINGS = Section("00_key_findings", "Key findings", strobe=("1b", "18"), before=True, reads_rows=True)
METHODS = Section(
    "01_methods",
    "Methods",
    rows=("flow", "missing"),
    strobe=("6b", "7", "8", "9", "11", "13a", "14b", "16b", "19"),
    before=True,
)
COHORT = Section(
    "02_cohort",
    "Patients",
    rows=("flow", "counts", "summaries", "comparisons", "balance"),
    methods=("design", "outcomes", "description"),
    strobe=("6a", "13a", "13b", "13c", "14a", "14b"),
)
SURVIVAL = Section(
    "03_survival",
    "Survival",
    rows=("events", "course", "follow_up", "loss", "medians", "rates", "at_risk", "log_rank", "restricted_means"),
    drawings=("curves",),
    methods=("survival",),
    strobe=("14c", "15", "16c"),
)
FACTORS = Section(
    "04_prognostic_factors",
    "Prognostic factors",
    rows=(
        "flow",
        "baselines",
        "weighted_balance",
        "scores",
        "positivity",
        "stability",
        "weighted",
        "univariable",
        "multivariable",
        "companions",
        "proportionality",
        "weighted_proportionality",
        "mean_differences",
        "periods",
        "splines",
    ),
    drawings=("overlap", "scaled_residuals", "spline_curves", "histogram"),
    methods=("regression", "missing", "proportionality", "propensity", "splines"),
    strobe=("6b", "16a", "17"),
    lacking=lambda study: (
        ""
        if study.univariable or study.models or study.splines or study.propensity or study.paired
        else "the study file names no [[univariable]] analysis, no [models], no [splines] and no [propensity]"
    ),
)
SUBGROUPS = Section(
    "05_subgroups",
    "Subgroups",
    rows=(
        "subgroups",
        "interactions",
        "arm_events",
        "arm_medians",
        "arm_univariable",
        "arm_multivariable",
        "arm_trends",
    ),
    methods=("subgroups", "within_arm"),
    strobe=("7", "17"),
    lacking=lambda study: (
        ""
        if study.subgroups or study.within_arm
        else "the study file names no [subgroups] and no [[within_arm]] comparison"
    ),
)
SENSITIVITY = Section(
    "06_sensitivity",
    "Sensitivity",
    rows=(
        "fixed",
        "landmarks",
        "time_dependent",
        "clock",
        "changing",
        "clones",
        "e_values",
        "conditioned",
        "simulation",
    ),
    drawings=("effects",),
    methods=("exposure", "confounding", "simulation"),
    strobe=("17",),
    lacking=lambda study: (
        ""
        if study.univariable or study.models or study.exposure
        else "the study file names no [exposure] and no Cox model to examine"
    ),
)
PROGRESSION = Section(
    "07_progression",
    "Progression",
    rows=("progression", "progression_tests", "progression_differences", "incidences", "gray_tests", "cause_specific"),
    drawings=("incidence_curves", "at_risk", "events"),
    methods=("progression",),
    strobe=("17",),
    lacking=lambda study: "" if study.progression else "the study file names no [progression]",
)
TOXICITY = Section(
    "08_adverse_events",
    "Adverse events",
    rows=("adverse_events", "risk_differences", "toxicity_trends"),
    methods=("adverse_events",),
    strobe=("17",),
    lacking=lambda study: "" if study.adverse_events else "the study file names no [adverse_events]",
)
PUBLISHED = Section(
    "09_published_numbers",
    "Published numbers",
    lacking=lambda study: (
        "" if study.published_path.is_file() else f"the study's folder holds no {study.published_path.name}"
    ),
    reads_rows=True,
)
SECTIONS = (
    KEY_FINDINGS,
    METHODS,
    COHORT,
    SURVIVAL,
    FACTORS,
    SUBGROUPS,
    SENSITIVITY,
    PROGRESSION,
    TOXICITY,
    PUBLISHED,
)
BY_NAME = {each.name: each for each in SECTIONS}


def left_out(study: Study) -> dict[str, str]:
    """Sections this study has no data for, each with the reason the report gives."""
    return {each.name: each.lacking(study) for each in SECTIONS if each.lacking(study)}


def chosen(names: list[str]) -> list[str]:
    """The names of sections named by number, name or a part of it. Raises ParameterError for one there is not."""
    found = []
    for name in names:
        asked = name.strip().casefold().replace(" ", "_")
        fitting = [
            each.name
            for each in SECTIONS
            if asked in (each.name, each.name[:2], each.name[3:]) or (asked and asked.zfill(2) == each.name[:2])
        ]
        if not fitting:
            known = [each.name[3:] for each in SECTIONS]
            raise ParameterError(f"there is no section '{name}'{nearest(asked, known)} (sections: {listed(known)})")
        found += fitting
    return list(dict.fromkeys(found))
