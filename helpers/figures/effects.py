"""Hazard ratios: the forest plot, and the effect of treatment over time."""

import textwrap
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.errors import ParameterError, listed, nearest
from helpers.exhibits import Figure
from helpers.figures.style import HAZARD_TICKS, LINES, WIDTH, darker, mark, print_style, ratio_axis
from helpers.ledger import select
from helpers.study import Study
from helpers.thresholds import MANY


def forest(multivariable: pd.DataFrame, *, study: Study, model: str | None = None) -> list[Figure]:
    """One figure an endpoint and population of a model (the study's first unless named): adjusted hazard ratios."""
    chosen = _chosen(study, model, multivariable)
    frame = select(multivariable, model=chosen or "")
    return [_forest(select(frame, **which), study, which["endpoint"], chosen) for which in _each(frame)]


def _forest(frame: pd.DataFrame, study: Study, endpoint: str, model: str) -> Figure:
    lines = _forest_lines(frame, study)
    heights = [0.24 + 0.15 * label.count("\n") for label, _, _ in lines]
    places = np.cumsum(heights) - np.array(heights) / 2
    finite = [end for _, _, row in lines if row is not None for end in row[["hr_low", "hr_high"]] if 0 < end < np.inf]
    ends = max(0.02, min([0.5, *finite]) * 0.85), min(50, max([2, *finite]) * 1.15)
    height = 1.1 + sum(heights)
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        axes = drawing.add_axes((0.37, 0.55 / height, 0.36, 1 - 0.85 / height))
        axes.set(xscale="log", xlim=ends, ylim=(sum(heights), -0.25))
        axes.axvline(1, color="0.45", linewidth=0.8, zorder=0)
        side = axes.get_yaxis_transform()
        for place, (label, indent, row) in zip(places, lines, strict=True):
            axes.text(-1.0 + 0.04 * indent, place, label, transform=side, va="center", fontsize=8)
            if row is not None:
                _forest_row(axes, place, row, ends, colours[0])
        level = study.ratio_label
        axes.text(1.04, -0.15, level, transform=side, va="center", fontsize=8, fontweight="bold")
        ratio_axis(axes, ends)
        mark(drawing, study)
    population = frame["population"].iloc[0]
    label, spec = study.endpoints[endpoint].label, study.model(model, endpoint, population)
    said = [
        f"{' '.join(label.split())} {notation.hazard_ratio(row['hr'], row['hr_low'], row['hr_high'])}"
        for label, _, row in lines
        if row is not None
    ]
    missing = (
        f" {notation.NOT_ESTIMABLE}, not estimable." if any(notation.NOT_ESTIMABLE in each for each in said) else ""
    )
    level = f"HR, hazard ratio; CI, {study.level} confidence interval."
    notes = (f"{spec.label}. Below 1: lower hazard than in the reference, or per unit more. {level}{missing}",)
    return Figure(
        "_".join(part for part in ("forest", endpoint, model, study.beyond_primary(population)) if part),
        f"Adjusted hazard ratios for {notation.within(label)}{study.of_population(population)}",
        drawing,
        f"Forest plot, hazard ratios: {'; '.join(said)}.",
        (*notes, *study.spelt([label for label, _, _ in lines])),
        study.mark,
    )


def _forest_lines(frame: pd.DataFrame, study: Study) -> list[tuple[str, int, pd.Series | None]]:
    lines: list[tuple[str, int, pd.Series | None]] = []
    for variable in [each for each in dict.fromkeys(frame["variable"]) if each]:
        rows = select(frame, variable=variable)
        levels = study.level_labels(variable)
        if not levels:
            row = rows.iloc[0]
            lines.append((textwrap.fill(f"{study.variables[variable].label}, {row['reference']}", 42), 0, row))
            continue
        reference = levels[study.reference(variable)]
        heading = study.arms.label if variable == study.arms.column else study.variables[variable].label
        lines.append((textwrap.fill(f"{heading} (against {notation.within(reference)})", 42), 0, None))
        for level, label in levels.items():
            if level != study.reference(variable):
                lines.append((textwrap.fill(label, 40), 1, select(rows, level=level).iloc[0]))
    return lines


def _forest_row(axes: Axes, place: float, row: pd.Series, ends: tuple[float, float], colour: tuple) -> None:
    text = notation.hazard_ratio(row["hr"], row["hr_low"], row["hr_high"])
    axes.text(1.04, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    if np.isnan(row["hr"]):
        return
    low, high = max(row["hr_low"], ends[0]), min(row["hr_high"], ends[1])
    axes.plot([low, high], [place, place], color=colour, linewidth=1.3, solid_capstyle="butt")
    for limit, shown, marker in ((row["hr_low"], low, "<"), (row["hr_high"], high, ">")):
        if limit != shown:
            axes.plot(shown, place, marker=marker, color=colour, markersize=5, clip_on=False)
    if ends[0] <= row["hr"] <= ends[1]:
        axes.plot(row["hr"], place, marker="s", color=colour, markersize=5)


def changing_effect(
    residuals: pd.DataFrame,
    *,
    periods: pd.DataFrame,
    effects: pd.DataFrame,
    tests: pd.DataFrame,
    study: Study,
    model: str | None = None,
) -> list[Figure]:
    """One figure for every model in which the effect of treatment is shown to change with time, else for one model.

    What each event says of the hazard ratio, and the ratio by period. `effects` are the whole follow-up's. The one is
    `model`, or that of the primary analysis; a `model` named is the only one drawn, in every endpoint and population.
    """
    key, arm = ["population", "endpoint", "model"], study.arms.column
    if model is not None:
        shown = select(residuals, model=_chosen(study, model, residuals))[key]
    else:
        failing = tests[(tests["variable"] == arm) & (tests["p_proportional"] < 1 - study.confidence)]
        own = {name: study.primary_key[name] for name in key}
        shown = failing[key] if len(failing) else select(residuals, **own)[key]
    wanted = shown.drop_duplicates().to_dict("records")
    found = [[select(frame, **which) for frame in (residuals, periods, effects)] for which in wanted]
    return [
        _changing_effect(*frames, study, which["endpoint"], which["model"])
        for frames, which in zip(found, wanted, strict=True)
        if len(frames[0])
    ]


def _changing_effect(
    residuals: pd.DataFrame, periods: pd.DataFrame, adjusted: pd.DataFrame, study: Study, endpoint: str, model: str
) -> Figure:
    overall = select(adjusted, variable=study.arms.column, level=study.arms.treated).iloc[0]
    months, population = residuals["at"].astype(float), residuals["population"].iloc[0]
    last = months.max() * 1.02
    edges = [*periods["at"].astype(float), last]
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, 3.8))
        axes = drawing.subplots()
        axes.set(yscale="log", xlim=(0, last), ylim=(1 / 60, 60))
        axes.axhline(1, color="0.45", linewidth=0.8, zorder=0)
        points = {"color": "0.6", "markersize": 2.5, "zorder": 1, "rasterized": len(months) > MANY}
        axes.plot(months, np.exp(residuals["log_hr"].clip(-4, 4)), "o", **points)
        axes.axhline(overall["hr"], color=colours[0], linewidth=1.2, linestyle=LINES[1], label="Whole follow-up")
        for (begin, end), (_, row) in zip(pairwise(edges), periods.iterrows(), strict=True):
            if begin < end and not np.isnan(row["hr"]):
                band = [row["hr_low"]] * 2, [row["hr_high"]] * 2
                axes.fill_between([begin, end], *band, color=colours[1], alpha=0.2, linewidth=0)
                axes.plot([begin, end], [row["hr"]] * 2, color=darker(colours[1]), linewidth=1.8)
        axes.plot([], [], color=darker(colours[1]), linewidth=1.8, label=f"By period, with {study.level} CI")
        ticks = [tick for tick in HAZARD_TICKS if 1 / 60 <= tick <= 60]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xticks([edge for edge in edges[:-1] if edge < last])
        axes.set_ylabel("Hazard ratio (log scale)")
        axes.set_xlabel(f"Months since {study.endpoints[endpoint].origin}")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, ncols=2, borderaxespad=0.2)
        mark(drawing, study)
        drawing.subplots_adjust(left=0.1, right=0.97, top=0.85, bottom=0.13)
    label = study.endpoints[endpoint].label
    said = [
        f"from month {row['at']} {notation.hazard_ratio(row['hr'], row['hr_low'], row['hr_high'])}"
        for _, row in periods.iterrows()
    ]
    notes = (
        f"{study.model_label(model, endpoint, population)}. Dots: scaled Schoenfeld residuals, what each event says of "
        "the hazard ratio at its time; were hazards proportional they would scatter evenly around the dashed line. A "
        "period without line has no estimate.",
    )
    return Figure(
        "_".join(part for part in ("changing_effect", endpoint, model, study.beyond_primary(population)) if part),
        f"Effect of treatment on {notation.within(label)} over time{study.of_population(population)}",
        drawing,
        f"Hazard ratio for treatment by period of follow-up: {'; '.join(said)}.",
        notes,
        study.mark,
    )


def _each(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Endpoint and population of each model of a frame, in their order."""
    return frame[["population", "endpoint"]].drop_duplicates().to_dict("records")


def _chosen(study: Study, model: str | None, frame: pd.DataFrame) -> str | None:
    """The model named, or the first of a frame."""
    if model is not None and model not in study.models:
        raise ParameterError(
            f"there is no model '{model}'{nearest(model, study.models)} (models: {listed(study.models)})"
        )
    return model or next(iter(dict.fromkeys(frame["model"])), None)
