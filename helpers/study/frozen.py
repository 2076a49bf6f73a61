"""A study as its file tells it: every decision, and the words that go with it."""

import hashlib
import importlib.resources
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from helpers.study.analyses import Model
from helpers.study.schema import (
    ALWAYS,
    ANY_EVENT,
    ANY_GRADE,
    LIBRARY,
    OVERALL,
    SEVERE,
    Condition,
    Population,
    StudyFile,
)
from helpers.study.variants import COMPANIONS, UNADJUSTED, WITHOUT, split

LONGEST = 200


class Study(StudyFile):
    """A study file that agrees with itself, and the folder it came from."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, which names the report."""
        return self.folder.name

    @property
    def file(self) -> Path:
        """The study file."""
        return self.folder / "study.toml"

    @property
    def cohort_path(self) -> Path:
        """The patients' table: in the study's folder, or a data set that lifelines carries."""
        if self.cohort.source in LIBRARY:
            return Path(str(importlib.resources.files("lifelines.datasets"))) / LIBRARY[self.cohort.source]
        return self.folder / self.cohort.source

    @property
    def source_name(self) -> str:
        """What the patients' table is called, not where it lies."""
        return self.cohort.source if self.cohort.source in LIBRARY else self.cohort_path.name

    @property
    def events_path(self) -> Path | None:
        """The table of adverse events, where they have one of their own."""
        table = self.adverse_events.table if self.adverse_events else None
        return self.folder / table.source if table else None

    @property
    def published_path(self) -> Path:
        """The numbers a paper printed about this cohort, where there is one."""
        return self.folder / "published.csv"

    @property
    def simulation_path(self) -> Path:
        """The cohorts drawn by the command, where there are any."""
        return self.folder / "simulation.csv"

    @property
    def mark(self) -> str:
        """What every figure and table of a synthetic cohort says; empty for real patients."""
        return "Synthetic cohort: these are not real patients" if self.synthetic else ""

    @property
    def caution(self) -> str:
        """What stands over any comparison of a synthetic cohort with printed numbers; empty for real patients."""
        said = "The cohort is synthetic: its agreement with printed numbers says nothing about what the paper claims."
        return said if self.synthetic else ""

    def decisions(self) -> str:
        """What the study file decides, as JSON: the study as read without its place and what is only printed."""
        return self.model_dump_json(exclude={"folder"}, context={"printed": lambda _: ""})

    @property
    def level(self) -> str:
        """The confidence level as a reader meets it, `95%`."""
        return f"{100 * self.confidence:g}%"

    @property
    def ratio_label(self) -> str:
        """What stands over hazard ratios with their intervals."""
        return f"HR ({self.level} CI)"

    @property
    def groups(self) -> list[str]:
        """`overall` and the two arms in display order."""
        return [OVERALL, *self.arms.levels]

    @cached_property
    def all_populations(self) -> dict[str, Population]:
        """The populations named in the file after the two every study has."""
        always = {
            "screened": Population(label=ALWAYS["screened"]),
            "primary": Population(label=ALWAYS["primary"], of="screened", steps=list(self.eligibility)),
        }
        return {**always, **self.populations}

    def model(self, name: str, endpoint: str, population: str) -> Model:
        """The specification of that name for an endpoint: the population's own, else the first there is."""
        own = [each for each in self.within_arm if each.name == name and each.population == population]
        if own and endpoint in own[0].endpoints:
            covariates = [own[0].variable, *own[0].covariates]
            return Model(label=own[0].label, endpoints=own[0].endpoints, population=population, covariates=covariates)
        fitting = [each for each in self.models[name] if endpoint in each.endpoints]
        return next((each for each in fitting if each.population == population), fitting[0])

    def model_label(self, name: str, endpoint: str, population: str) -> str:
        """What a model or its companion is called."""
        base, what = split(name)
        label = "Unadjusted" if base == UNADJUSTED else self.model(base, endpoint, population).label
        return f"{label}, {self.companion_label(what)}" if what else label

    def companion_label(self, what: str) -> str:
        """How a companion differs from its model."""
        return f"without {self.label(what.removeprefix(WITHOUT))}" if what.startswith(WITHOUT) else COMPANIONS[what]

    def share_label(self, endpoint: str) -> str:
        """What the share of patients without an endpoint's event is called."""
        entry = self.endpoints[endpoint]
        said = entry.label if "survival" in entry.label.casefold() else f"Free of {entry.event_label}"
        return entry.share_label or said

    def label(self, variable: str) -> str:
        """A variable's label with its unit, the label of the arms or that of an adverse event."""
        if variable == self.arms.column:
            return self.arms.label
        if variable not in self.variables:
            return {**self.adverse_events.counted, ANY_EVENT: "Any adverse event"}[variable]
        entry = self.variables[variable]
        return f"{entry.label} ({entry.unit})" if entry.unit else entry.label

    def level_labels(self, variable: str) -> dict[str, str]:
        """Level to label of a categorical variable, of the arms or of an adverse event (its grade groups)."""
        if variable == self.arms.column:
            return self.arms.levels
        if variable not in self.variables:
            groups = {name: group.label for name, group in self.adverse_events.groups.items()}
            return {**groups, ANY_GRADE: "Any grade", SEVERE: self.adverse_events.severe_label}
        return self.variables[variable].levels or {}

    def counted_labels(self, variable: str) -> dict[str, str]:
        """`level_labels` and after them the levels that are counted together."""
        entry = self.variables.get(variable)
        unions = {name: union.label for name, union in entry.unions.items()} if entry else {}
        return self.level_labels(variable) | unions

    def group_label(self, group: str) -> str:
        """An arm's label, that of a level where the group is `variable=level`, or `Overall`."""
        variable, _, level = group.partition("=")
        return self.level_labels(variable)[level] if level else self.arms.levels.get(group, "Overall")

    def spelt(self, texts: list[str]) -> tuple[str, ...]:
        """The abbreviations that texts use, spelt out in one note; none where they use none."""
        words = {word for text in texts for word in re.findall(r"[\w.]+", text)}
        used = [name for name in sorted(self.abbreviations, key=str.casefold) if name in words]
        return ("; ".join(f"{name}, {self.abbreviations[name]}" for name in used) + ".",) if used else ()

    def reasons(self, population: str) -> dict[str, str]:
        """Step to the reason for which it excludes from a population."""
        return {step.name: step.reason for step in self.all_populations[population].steps}

    @property
    def randomised(self) -> bool:
        """Whether patients were allocated to the arms at random."""
        return self.design == "randomised"

    @property
    def primary_key(self) -> dict[str, str]:
        """Where the ledger has the primary analysis: population, endpoint, analysis, model and, where it needs one, at.

        `at` is left out of a strategy with a grace period, which the analysis itself may be told.
        """
        asked = self.primary_analysis
        fixed = "cox_univariable" if asked.model == UNADJUSTED else "cox_multivariable"
        analysis = {"fixed": fixed, "time_dependent": "cox_time_dependent"}.get(asked.time, asked.time)
        model = "weighted" if asked.time == "clone_censor_weight" else asked.model
        at = {"at": f"{asked.month:g}"} if asked.month is not None else {}
        key = {"population": asked.population, "endpoint": asked.endpoint, "analysis": analysis, "model": model}
        return key | at

    def is_primary(self, row: Mapping[str, object]) -> bool:
        """Whether a row of the effect of treatment is the primary analysis."""
        return all(row[name] == value for name, value in self.primary_key.items())

    def adjusted(self, method: str, covariates: list[str]) -> str:
        """An analysis's method, the covariates by their labels instead of their names."""
        labels = ", ".join(self.variables[each].label for each in covariates)
        return f"{method.partition(', adjusted for')[0]}{f', adjusted for {labels}' if labels else ''}"

    def lineage(self, population: str) -> list[str]:
        """The populations a patient passes from screening to this one, screening left out."""
        line = []
        while population != "screened":
            line.insert(0, population)
            population = self.all_populations[population].of
        return line

    @property
    def paired(self) -> list[str]:
        """The matched populations."""
        return [name for name, population in self.populations.items() if population.matching]

    def is_matched(self, population: str) -> bool:
        """Whether a population is matched, or made of a matched one."""
        return any(self.all_populations[each].matching for each in self.lineage(population))

    @cached_property
    def conditioned(self) -> list[str]:
        """Populations that leave patients out by what happened after treatment began, and those made of them."""
        exclusions = set(self.exposure.exclusions if self.exposure else [])
        return [name for name in self.populations if exclusions & set(self.lineage(name))]

    def mark_of(self, variable: str) -> str:
        """A dagger for what is known only after time zero."""
        return "†" if variable in self.variables and self.variables[variable].post_baseline else ""

    def of_population(self, population: str) -> str:
        """What a title adds where it does not speak of the analysis cohort."""
        return "" if population == "primary" else f" ({self.all_populations[population].label})"

    def beyond_primary(self, population: str) -> str:
        """What an exhibit's name adds where it does not speak of the analysis cohort."""
        return "" if population == "primary" else population

    def reference(self, variable: str) -> str | None:
        """The level the others are compared with."""
        return self.arms.reference if variable == self.arms.column else self.variables[variable].reference

    def applies_when(self, variable: str) -> Condition | None:
        """Where a variable can have a value; a cut applies where the variable it cuts does."""
        entry = self.variables.get(variable)
        if entry is None or entry.cut is None:
            return entry.applies_when if entry else None
        return self.variables[entry.cut.variable].applies_when

    def digests(self) -> dict[str, tuple[str, str]]:
        """Name and SHA-256 of each file there is, by what it is: study, cohort, events, published, simulation."""
        paths = {"study": self.file, "cohort": self.cohort_path, "events": self.events_path}
        paths |= {"published": self.published_path, "simulation": self.simulation_path}
        names = {"cohort": self.source_name}
        return {
            what: (names.get(what, path.name), hashlib.sha256(path.read_bytes()).hexdigest())
            for what, path in paths.items()
            if path is not None and path.is_file()
        }

    def checksums(self) -> dict[str, str]:
        """SHA-256 of each file there is by its name, or by what it is too where two have one name."""
        told = self.digests()
        names = [name for name, _ in told.values()]
        return {name if names.count(name) == 1 else f"{name} ({what})": each for what, (name, each) in told.items()}
