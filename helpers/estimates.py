"""A section's estimates by name, each computed when it is first asked for and once, and what each is computed from."""

from __future__ import annotations

import contextlib
import importlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from helpers import sources
from helpers.errors import nearest
from helpers.sections import BY_NAME, SECTIONS, left_out
from helpers.standing import identity
from helpers.store import Store, key_of, store
from helpers.study import Study
from helpers.versions import versions

if TYPE_CHECKING:
    import pandas as pd

    from helpers.cohort import Cohort


@dataclass(frozen=True)
class Estimate:
    """A function of `helpers`, `room.function`, of the cohort or the study alone, and what it is called with.

    `parameters` are a notebook's, by the function's keyword; one that is None is left to the function, a population
    `otherwise`. `inputs` are other estimates, one or several for a keyword. One that is not `kept` is only a step
    towards others.
    """

    function: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    otherwise: str | None = None
    of_study: bool = False
    kept: bool = True

    @property
    def room(self) -> str:
        """The package or module that holds the function."""
        return f"helpers.{self.function.partition('.')[0]}"

    def needed(self) -> Iterator[str]:
        """The estimates it is made from."""
        for names in self.inputs.values():
            yield from (names,) if isinstance(names, str) else names

    def called(self, given: Mapping[str, object]) -> dict[str, object]:
        """The parameters it is called with, of those given to a notebook."""
        values = {key: given.get(own) for key, own in self.parameters.items()}
        if self.otherwise and values.get("population") is None:
            values["population"] = self.otherwise
        return {key: value for key, value in values.items() if value is not None}


PRIMARY = "primary"
WHERE = {"population": "population"}
FITTED = {"models": "models"}
TIMED = ("fixed", "landmarks", "time_dependent", "clones")
CURVED = {"fits": "fitted_splines"}
ESTIMATES = {
    "flow": Estimate("describe.flow"),
    "missing": Estimate("describe.missing", WHERE, otherwise=PRIMARY),
    "counts": Estimate("describe.counts", WHERE, otherwise=PRIMARY),
    "summaries": Estimate("describe.summaries", WHERE, otherwise=PRIMARY),
    "comparisons": Estimate("describe.comparisons", WHERE, otherwise=PRIMARY),
    "balance": Estimate("describe.balance", WHERE, otherwise=PRIMARY),
    "events": Estimate("describe.events", WHERE, otherwise=PRIMARY),
    "course": Estimate("describe.course", WHERE, otherwise=PRIMARY),
    "follow_up": Estimate("survival.follow_up", WHERE, otherwise=PRIMARY),
    "loss": Estimate("loss.loss", WHERE, otherwise=PRIMARY),
    "medians": Estimate("survival.medians", WHERE, otherwise=PRIMARY),
    "rates": Estimate("survival.rates", WHERE, otherwise=PRIMARY),
    "at_risk": Estimate("survival.at_risk", WHERE, otherwise=PRIMARY),
    "log_rank": Estimate("survival.log_rank", WHERE, otherwise=PRIMARY),
    "restricted_means": Estimate("survival.restricted_means", {**WHERE, "tau_months": "tau_months"}, otherwise=PRIMARY),
    "curves": Estimate("survival.curves", {**WHERE, "interval": "interval"}, otherwise=PRIMARY),
    "baselines": Estimate("matching.baselines", WHERE),
    "scores": Estimate("matching.scores", WHERE),
    "positivity": Estimate("matching.positivity", WHERE),
    "stability": Estimate("matching.stability", WHERE),
    "overlap": Estimate("matching.overlap", WHERE),
    "weighted": Estimate("weighting.weighted", WHERE),
    "weighted_balance": Estimate("weighting.weighted_balance", WHERE),
    "weighted_proportionality": Estimate("weighting.weighted_proportionality", WHERE),
    "models": Estimate("cox.fitted_models", WHERE, kept=False),
    "univariable": Estimate("cox.univariable", WHERE),
    "multivariable": Estimate("cox.multivariable", inputs=FITTED),
    "companions": Estimate("cox.companions", inputs={**FITTED, "univariable": "univariable"}),
    "proportionality": Estimate("cox.proportionality", inputs=FITTED),
    "mean_differences": Estimate("cox.mean_differences", inputs=FITTED),
    "periods": Estimate("cox.periods", inputs=FITTED),
    "scaled_residuals": Estimate("cox.scaled_residuals", inputs=FITTED),
    "fitted_splines": Estimate("splines.fitted_splines", {**WHERE, "knots": "knots"}, kept=False),
    "splines": Estimate("splines.splines", {"draws": "draws"}, CURVED),
    "spline_curves": Estimate("splines.curves", inputs=CURVED),
    "histogram": Estimate("splines.histogram", inputs=CURVED),
    "subgroups": Estimate("subgroups.subgroups", WHERE),
    "interactions": Estimate("subgroups.interactions", WHERE),
    "arm_events": Estimate("within_arm.events"),
    "arm_medians": Estimate("within_arm.medians"),
    "arm_univariable": Estimate("within_arm.univariable"),
    "arm_multivariable": Estimate("within_arm.multivariable"),
    "arm_trends": Estimate("within_arm.trends"),
    "fixed": Estimate("sensitivity.fixed", WHERE, {"known": ("univariable", "multivariable", "conditioned")}),
    "fitted_landmarks": Estimate("sensitivity.fitted_landmarks", {**WHERE, "months": "landmark_months"}, kept=False),
    "fitted_exposures": Estimate("sensitivity.fitted_exposures", WHERE, kept=False),
    "landmarks": Estimate("sensitivity.landmarks", inputs={"fits": "fitted_landmarks"}),
    "time_dependent": Estimate("sensitivity.time_dependent", inputs={"fits": "fitted_exposures"}),
    "changing": Estimate(
        "sensitivity.changing",
        {**WHERE, "grace": "grace_months"},
        {"landmarks": "fitted_landmarks", "exposures": "fitted_exposures"},
    ),
    "clones": Estimate("sensitivity.clone_censor_weight", {**WHERE, "grace": "grace_months", "draws": "clone_draws"}),
    "clock": Estimate("sensitivity.clock", {**WHERE, "draws": "clone_draws"}),
    "e_values": Estimate("sensitivity.e_values", inputs={"frames": TIMED}, of_study=True),
    "effects": Estimate("sensitivity.effects", inputs={"frames": TIMED, "e_values": "e_values"}, of_study=True),
    "conditioned": Estimate("sensitivity.conditioned"),
    "simulation": Estimate("simulate.stored"),
    "progression": Estimate("describe.progression", WHERE, otherwise=PRIMARY),
    "progression_tests": Estimate("describe.progression_tests", WHERE, otherwise=PRIMARY),
    "progression_differences": Estimate("describe.progression_differences", WHERE, otherwise=PRIMARY),
    "incidences": Estimate("incidence.incidences", WHERE, otherwise=PRIMARY),
    "gray_tests": Estimate("incidence.gray_tests", WHERE, otherwise=PRIMARY),
    "cause_specific": Estimate("incidence.cause_specific", WHERE, otherwise=PRIMARY),
    "incidence_curves": Estimate("incidence.curves", WHERE, otherwise=PRIMARY),
    "adverse_events": Estimate("describe.adverse_events", WHERE, otherwise=PRIMARY),
    "toxicity_trends": Estimate("describe.toxicity_trends"),
    "risk_differences": Estimate("describe.risk_differences", WHERE, otherwise=PRIMARY),
}
UNREAD = ("study", "published")
ROOMS = sorted({each.room for each in ESTIMATES.values()})


_READ: dict[str, Cohort] = {}


def read_once(study: Study) -> Cohort:
    """The patients of a study, those this process has read last where the files are the same; raises CohortError."""
    from helpers.cohort import read_cohort

    key = key_of(study.model_dump_json(), study.digests())
    if key not in _READ:
        made = read_cohort(study)
        _READ.clear()
        _READ[key] = made
    return _READ[key]


class Source:
    """A study and its patients, read when an estimate is first computed from them, and where estimates are kept.

    With a `cohort` in the place of the patients the study file names nothing is kept.
    """

    def __init__(self, study: Study, cohort: Cohort | None = None) -> None:
        self.study = study
        self.made: dict[str, Any] = {}
        self.store: Store | None = None
        if cohort is not None:
            self.cohort = cohort
        else:
            self.store = store()
            self._seen = self._state()

    @cached_property
    def cohort(self) -> Cohort:
        """The patients; raises CohortError where they do not fit the study file."""
        return read_once(self.study)

    def value(self, name: str, given: Mapping[str, object]) -> Any:
        """An estimate under a notebook's parameters: made before in this process, kept, or made now."""
        estimate, key = ESTIMATES[name], self.key(name, given)
        if key not in self.made:
            self.made[key] = self._kept(key, estimate, given) if self.store and estimate.kept else None
            if self.made[key] is None:
                self.made[key] = self._computed(estimate, given)
        return self.made[key]

    def key(self, name: str, given: Mapping[str, object]) -> str:
        """What an estimate is kept under: everything it is made from, as one checksum."""
        estimate = ESTIMATES[name]
        inputs = [self.key(each, given) for each in estimate.needed()]
        code = sources.checksum(estimate.room) if self.store else ""
        return key_of(estimate.function, estimate.called(given), inputs, code, self._made_from)

    def holds(self, name: str, given: Mapping[str, object]) -> bool:
        """Whether an estimate is kept."""
        return self.store is not None and self.store.read(self.key(name, given)) is not None

    @cached_property
    def _made_from(self) -> list:
        """The study's decisions, the patients and the versions."""
        if self.store is None:
            return []
        files = {what: told for what, (_, told) in self.study.digests().items() if what not in UNREAD}
        return [self.study.decisions(), identity(self.study), files, platform.python_version(), versions()]

    def _state(self) -> list[tuple[int, int]]:
        """The data that keys speak of, to be told from what they are later."""
        read = (self.study.cohort_path, self.study.events_path, self.study.simulation_path)
        return sources.state(tuple(path for path in read if path))

    def _kept(self, key: str, estimate: Estimate, given: Mapping[str, object]) -> Any:
        """The estimate from the store, or computed and kept, unless a file has changed since its key was made."""
        from helpers.frames import decoded, encoded

        for wait in (False, True):
            with self.store.alone(key) if wait else contextlib.nullcontext():
                content = self.store.read(key)
                if content is not None:
                    with contextlib.suppress(ValueError):
                        return decoded(content)
                if wait:
                    value = self._computed(estimate, given)
                    if self._state() == self._seen and sources.loaded(sources.files(estimate.room)):
                        self.store.write(key, encoded(value))
                    return value
        return None

    def _computed(self, estimate: Estimate, given: Mapping[str, object]) -> Any:
        called: dict[str, Any] = estimate.called(given)
        for key, names in estimate.inputs.items():
            if isinstance(names, str):
                called[key] = self.value(names, given)
            else:
                called[key] = [frame for each in names for frame in frames_of(self.value(each, given))]
        function = getattr(importlib.import_module(estimate.room), estimate.function.partition(".")[2])
        if estimate.of_study:
            return function(study=self.study, **called)
        return function(self.cohort, **called)


class Estimates:
    """What a section computes, each estimate an attribute by its name in `ESTIMATES`.

    `parameters` are the notebook's; one that is None is left to the study file. Nothing is computed before it is asked
    for, nor what has been computed before and kept.
    """

    def __init__(self, section: str, study: Study, source: Source | None = None, **parameters: object) -> None:
        self.section = BY_NAME[section]
        self.source = source or Source(study)
        self.parameters = parameters

    def __getattr__(self, name: str) -> Any:
        known = (*self.section.rows, *self.section.drawings)
        if name not in known:
            raise AttributeError(f"section {self.section.name} has no estimate '{name}'{nearest(name, known)}")
        return self.source.value(name, self.parameters)

    def __dir__(self) -> list[str]:
        return [*self.section.rows, *self.section.drawings, "rows"]

    def rows(self, results_dir: str | None = None) -> pd.DataFrame:
        """The section's part of the ledger; where the runner gave a `results_dir` it is left there too."""
        from helpers.ledger import leave

        frames = [frame for name in self.section.rows for frame in frames_of(getattr(self, name))]
        return leave(frames, self.section.name, results_dir)


def frames_of(value: Any) -> list[pd.DataFrame]:
    """The frames of an estimate, which is one or has several by name."""
    return list(value.values()) if isinstance(value, dict) else [value]


def awaited(study: Study, given: Mapping[str, object], only: list[str] | None = None) -> list[str]:
    """The estimates of a study's sections, or of some alone, that are not kept under a notebook's parameters.

    A section that reads rows reads those of all.
    """
    source, without = Source(study), left_out(study)
    every = only is None or any(BY_NAME[name].reads_rows for name in only)
    wanted = [each for each in SECTIONS if each.name not in without and (every or each.name in only)]
    names = [name for each in wanted for name in (*each.rows, *each.drawings)]
    return [name for name in dict.fromkeys(names) if not source.holds(name, given)]
