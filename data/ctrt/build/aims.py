"""What a search of covariates aims at: the printed ratios, limits and P values, and what the text says without number.

Every aim is a window for one quantity of one Cox model, in units of which one is far; a number that is printed in
several places weighs as often.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import inf, log
from typing import NamedTuple

import numpy as np
import pandas as pd
from kernels import PRODUCT
from patients import AT, columns_of
from scipy import stats
from targets import PUBLISHED, Targets

from helpers.study import Study

BETA, LOW, HIGH, SIZE, RATIO, SUM, ROOT = range(7)
ENDPOINTS = ("OS", "PFS")
CLEAR = float(stats.norm.ppf(0.975)) - 0.02
UNPRINTED = 0.5
DIRECTION = 0.3
WIDEST = 10


class Models(NamedTuple):
    """Cox models: endpoint, population, columns and their number; coefficients, errors and log likelihood as fitted."""

    endpoint: np.ndarray
    population: np.ndarray
    cols: np.ndarray
    size: np.ndarray
    beta: np.ndarray
    error: np.ndarray
    value: np.ndarray


class Aims(NamedTuple):
    """Windows: kind, model, place of the coefficient, other model or place, ends, unit, weight, loss; sorted by model.

    `owned` has where the aims of each model begin.
    """

    kind: np.ndarray
    model: np.ndarray
    place: np.ndarray
    other: np.ndarray
    low: np.ndarray
    high: np.ndarray
    unit: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    owned: np.ndarray


@dataclass
class Plan:
    """Models and aims while they are gathered."""

    study: Study
    populations: tuple[str, ...]
    models: dict[tuple, tuple[int, int, list[int]]] = field(default_factory=dict)
    aims: list[tuple] = field(default_factory=list)

    def model(self, key: tuple, endpoint: str, population: str, columns: list[int]) -> int:
        """The place of a model, which is added where it is new."""
        if key not in self.models:
            self.models[key] = ENDPOINTS.index(endpoint), self.populations.index(population), columns
        return list(self.models).index(key)

    def aim(self, kind: int, model: int, window: tuple[float, float], unit: float, weight: float, **at: int) -> None:
        """A window for a quantity of a model."""
        self.aims.append((kind, model, at.get("place", 0), at.get("other", 0), *window, unit, weight))

    def arrays(self) -> tuple[Models, Aims]:
        """What the search works on."""
        n = len(self.models)
        endpoint, population, columns = zip(*self.models.values(), strict=True)
        cols = np.zeros((n, WIDEST), np.int64)
        for row, each in zip(cols, columns, strict=True):
            row[: len(each)] = each
        size = np.array([len(each) for each in columns])
        blank = [np.zeros((n, WIDEST)) for _ in range(2)]
        rows = sorted(self.aims, key=lambda aim: aim[1])
        whole = [np.array([aim[k] for aim in rows], np.int64) for k in range(4)]
        real = [np.array([aim[k] for aim in rows], float) for k in range(4, 8)]
        owned = np.searchsorted(whole[1], np.arange(n + 1))
        return (
            Models(np.array(endpoint), np.array(population), cols, size, *blank, np.zeros(n)),
            Aims(*whole, *real, np.zeros(len(rows)), owned),
        )


def plan(study: Study, targets: Targets, populations: tuple[str, ...]) -> Plan:
    """All models in which a printed number, or something the text says, stands."""
    made = Plan(study, populations)
    printed_ratios(made, targets, ("cox_univariable", "cox_multivariable"))
    for population in ("primary", "matched"):
        for endpoint in ENDPOINTS:
            asked = [e for e in study.univariable if e.population == population and endpoint in e.endpoints]
            not_shown(made, population, endpoint, [variable for each in asked for variable in each.variables])
    for endpoint in ENDPOINTS:
        for variable in study.subgroups.variables:
            _interaction(made, targets, endpoint, variable)
    return made


def printed_ratios(made: Plan, targets: Targets, analyses: tuple[str, ...]) -> None:
    """Ratios, limits, P values and E-values of Cox models that are printed."""
    rows = pd.read_csv(PUBLISHED, dtype=str, keep_default_na=False)
    inside = rows["population"].isin([*made.populations, *(["treated"] if "primary" in made.populations else [])])
    rows = rows[rows["analysis"].isin(analyses) & inside]
    key = ["population", "endpoint", "analysis", "model", "variable", "level"]
    times = Counter(map(tuple, rows[[*key, "statistic"]].to_numpy()))
    for (*place, statistic), weight in times.items():
        named = dict(zip(key, place, strict=True))
        window = targets.window(named.pop("analysis"), statistic, **named)
        model, at = _of(made, *place)
        error = _printed_error(targets, place)
        if statistic == "p_wald":
            ends = tuple(float(stats.norm.isf(max(p, 1e-12) / 2)) for p in reversed(window))
            made.aim(SIZE, model, ends, 1.0, weight, place=at)
        elif statistic == "e_value_rare":
            made.aim(BETA, model, tuple(-log(_ratio_of(e)) for e in reversed(window)), error, weight, place=at)
        else:
            kind = {"hr": BETA, "hr_low": LOW, "hr_high": HIGH}[statistic]
            made.aim(kind, model, tuple(log(max(end, 1e-3)) for end in window), error, weight, place=at)


def _ratio_of(e_value: float) -> float:
    """The protective ratio's inverse behind an E-value, VanderWeele & Ding's formula turned round."""
    return e_value**2 / (2 * e_value - 1)


def _printed_error(targets: Targets, place: list[str]) -> float:
    """The standard error that printed limits imply."""
    population, endpoint, analysis, model, variable, level = place
    named = {"population": population, "endpoint": endpoint, "model": model, "variable": variable, "level": level}
    low, high = (sum(targets.window(analysis, name, **named)) / 2 for name in ("hr_low", "hr_high"))
    return log(high / max(low, 1e-3)) / (2 * CLEAR)


def _of(made: Plan, population: str, endpoint: str, analysis: str, model: str, variable: str, level: str) -> tuple:
    """The model a printed ratio stands in, and the place of its coefficient."""
    study, alone = made.study, analysis == "cox_univariable"
    names = [variable] if alone else list(study.model(model, endpoint, population).covariates)
    columns = [c for name in dict.fromkeys([*names, variable]) for c in columns_of(study, name)]
    at = AT[f"{variable}={level}"] if f"{variable}={level}" in AT else AT[variable]
    key = (population, endpoint, analysis, model, variable if alone else "")
    where = "primary" if population == "treated" else population
    return made.model(key, endpoint, where, columns), columns.index(at)


def not_shown(made: Plan, population: str, endpoint: str, variables: list[str]) -> None:
    """Factors that Table 2 leaves out are not significant alone."""
    for name in variables:
        key = (population, endpoint, "cox_univariable", "unadjusted", name)
        if key in made.models:
            continue
        columns = columns_of(made.study, name)
        model = made.model(key, endpoint, population, columns)
        for at in range(len(columns)):
            made.aim(SIZE, model, (-inf, CLEAR), 1.0, UNPRINTED, place=at)


def _interaction(made: Plan, targets: Targets, endpoint: str, variable: str) -> None:
    """The likelihood-ratio test of a subgroup's interaction, and the side of 1 of its ratios.

    Where a P is printed, so that treatment does more in the reference level: all that are printed are told so.
    """
    columns = columns_of(made.study, variable)
    alone = made.model((endpoint, variable, "main"), endpoint, "primary", [AT["arm"], *columns])
    whole = [AT["arm"], *columns, *(PRODUCT + each for each in columns)]
    full = made.model((endpoint, variable, "product"), endpoint, "primary", whole)
    try:
        window = targets.window("interaction", "p_lrt", endpoint=endpoint, model="unadjusted", variable=variable)
    except KeyError:
        window = None
    at = [1 + len(columns) + k for k in range(len(columns))]
    if window is None:
        low = float(stats.chi2.isf(0.055, len(columns)))
        made.aim(RATIO, full, (-inf, low), 1.0, UNPRINTED, other=alone)
    else:
        ends = tuple(float(stats.norm.isf(max(p, 1e-9) / 2)) for p in reversed(window))
        made.aim(ROOT, full, ends, 1.0, 1.0, place=at[0], other=alone)
    made.aim(BETA, full, (-inf, 0.0), 1.0, DIRECTION, place=0)
    for each in at:
        made.aim(SUM, full, (-inf, 0.0), 1.0, DIRECTION, place=0, other=each)
