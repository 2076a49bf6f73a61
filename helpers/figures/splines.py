"""Hazard ratios along continuous variables: a panel a variable."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.exhibits import Figure
from helpers.figures.style import HAZARD_TICKS, WIDTH, darker, mark, print_style
from helpers.ledger import at_label, select
from helpers.study import Study

COLUMNS = 2
PANEL = 1.5
ALONE = 2.8
BELOW = 0.32
LEFT = 0.7
LINE = 0.16
STRIP = 0.16
WIDEST = (1 / 8, 8.0)


def splines(curves: pd.DataFrame, *, histogram: pd.DataFrame, estimates: pd.DataFrame, study: Study) -> list[Figure]:
    """One figure an endpoint and population: each variable's hazard ratio with limits, and where its patients are."""
    drawn = curves[["population", "endpoint", "model"]].drop_duplicates()
    return [
        _splines(*(select(frame, **which) for frame in (curves, histogram, estimates)), study)
        for _, which in drawn.iterrows()
    ]


def _splines(curves: pd.DataFrame, histogram: pd.DataFrame, estimates: pd.DataFrame, study: Study) -> Figure:
    variables, ends = list(dict.fromkeys(curves["variable"])), _ends(curves)
    titles = {each: _title(select(estimates, variable=each), study.label(each)) for each in variables}
    columns, tall = min(COLUMNS, len(variables)), PANEL if len(variables) > 1 else ALONE
    above = 0.12 + LINE * max(title.count("\n") + 1 for title in titles.values())
    wide, step = (WIDTH - LEFT - 0.12) / columns, above + tall + BELOW
    height = -(-len(variables) // columns) * step + 0.25
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        for position, variable in enumerate(variables):
            row, column = divmod(position, columns)
            bottom = height - 0.2 - row * step - above - tall
            place = (LEFT + column * wide) / WIDTH, bottom / height, (wide - 0.22) / WIDTH, tall / height
            axes = drawing.add_axes(place)
            parts = (select(frame, variable=variable) for frame in (curves, histogram, estimates))
            _panel(axes, *parts, ends, colours[0])
            axes.set_title(titles[variable], loc="left", fontsize=8, pad=4)
            axes.tick_params(labelleft=column == 0, labelsize=8)
        drawing.text(0.12 / WIDTH, 0.5, "Hazard ratio (log scale)", rotation=90, va="center", fontsize=9)
        mark(drawing, study)
    which = curves[["population", "endpoint", "model"]].iloc[0]
    label = study.endpoints[which["endpoint"]].label
    notes = _notes(curves, estimates, variables, study)
    return Figure(
        "_".join(["splines", which["endpoint"], which["population"], which["model"].replace(":", "_")]),
        f"Continuous variables and {notation.within(label)}{study.of_population(which['population'])}",
        drawing,
        " ".join(["Curves of the hazard ratio.", *_said(curves, estimates, variables, study)]),
        (*notes, *study.spelt([label, *titles.values(), *notes])),
        study.mark,
    )


def _ends(curves: pd.DataFrame) -> tuple[float, float]:
    """The hazard ratios that all panels span: every curve, and limits as far as they can be read."""
    low, high = max(WIDEST[0], min(0.5, curves["hr_low"].min())), min(WIDEST[1], max(2, curves["hr_high"].max()))
    return max(0.01, min(low, curves["hr"].min())), min(100, max(high, curves["hr"].max()))


def _title(estimates: pd.DataFrame, label: str) -> str:
    return f"{textwrap.fill(label, 40)}\n{_p_values(estimates)}"


def _p_values(estimates: pd.DataFrame) -> str:
    tests = estimates[estimates["n"].notna()].iloc[0]
    overall, nonlinear = (notation.p_equals(tests[name]).removeprefix("P ") for name in ("p_overall", "p_nonlinear"))
    return f"P overall {overall}, P nonlinear {nonlinear}"


def _panel(
    axes: Axes,
    curve: pd.DataFrame,
    histogram: pd.DataFrame,
    estimates: pd.DataFrame,
    ends: tuple[float, float],
    colour: tuple,
) -> None:
    x, (low, high) = curve["at"].astype(float), ends
    floor = low * (low / high) ** (STRIP / (1 - STRIP))
    axes.set(yscale="log", ylim=(floor, high), xlim=(x.min(), x.max()))
    axes.axhline(1, color="0.45", linewidth=0.8, zorder=1)
    reference = estimates["turning_point"].max()
    axes.axvline(reference, color="0.3", linewidth=1, linestyle=":", zorder=1)
    axes.fill_between(x, curve["hr_low"].clip(low), curve["hr_high"].clip(low), color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, curve["hr"], color=darker(colour), linewidth=1.6)
    crossings = estimates["crossing"].dropna()
    axes.plot(crossings, np.ones(len(crossings)), "o", color=darker(colour), markerfacecolor="white", markersize=4.5)
    edges = histogram["at"].astype(float).to_numpy()
    heights = 0.9 * STRIP * histogram["n"] / histogram["n"].max()
    strip = {"fill": True, "color": "0.7", "linewidth": 0, "zorder": 0}
    axes.stairs(heights, [*edges, x.max()], transform=axes.get_xaxis_transform(), **strip)
    ticks = [tick for tick in HAZARD_TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])


def _notes(curves: pd.DataFrame, estimates: pd.DataFrame, variables: list[str], study: Study) -> list[str]:
    beside = study.splines.covariates if curves["model"].iloc[0].endswith(":adjusted") else []
    adjusted = f", adjusted for {', '.join(notation.within(study.label(each)) for each in beside)}" if beside else ""
    knots = "; ".join(
        f"{study.label(each)} {_written(found['turning_point'].max())}, knots "
        f"{', '.join(_written(knot) for knot in found['knot'].dropna())}"
        for each in variables
        for found in [select(estimates, variable=each)]
    )
    notes = [
        f"Restricted cubic splines in Cox models{adjusted}, from the 1st to the 99th percentile. Shaded: pointwise "
        f"{study.level} limits, cut where they leave the frame. Dotted line: the reference, where the hazard ratio is "
        "1 by construction; open circles: other values at which it is 1. Bars: how the patients' values are spread.",
        f"Reference: {knots}.",
    ]
    absent = [
        f"{study.label(row['variable'])} ({row['not_estimable']['p_overall']})"
        for _, row in estimates.iterrows()
        if "p_overall" in row["not_estimable"]
    ]
    return notes + ([f"Not estimable: {'; '.join(absent)}."] if absent else [])


def _said(curves: pd.DataFrame, estimates: pd.DataFrame, variables: list[str], study: Study) -> list[str]:
    """Each panel in words: the hazard ratio at either end, and its tests."""
    said = []
    for variable in variables:
        curve, found = (select(frame, variable=variable) for frame in (curves, estimates))
        low, high = (
            f"{notation.hazard_ratio(*row[['hr', 'hr_low', 'hr_high']])} at {_written(float(row['at']))}"
            for _, row in curve.iloc[[0, -1]].iterrows()
        )
        middle = f"1 at the reference {_written(found['turning_point'].max())}"
        said.append(f"{study.label(variable)}: {low}, {middle}, {high}; {_p_values(found)}.")
    return said


def _written(value: float) -> str:
    """A value of a variable to four significant digits."""
    return at_label(float(f"{value:.4g}")).replace("-", "−")
