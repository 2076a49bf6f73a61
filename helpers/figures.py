"""Estimates as figures for print: vector, told apart without colour, nothing fitted and nothing saved here."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from helpers import notation
from helpers.errors import ParameterError, listed, nearest
from helpers.exhibits import Figure
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import INTERVALS, OVERALL

COLOURS = (0, 1)
LINES = ("-", (0, (5, 2)))
WIDTH = 7.0
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "savefig.facecolor": "white",
}
ASSUMED = "* Assumed: how many patients left at this criterion is not published."
HAZARD_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


@contextmanager
def _print_style() -> Iterator[list]:
    """Style of every figure; gives the colours of the arms, apart in lightness as well as in hue."""
    with mpl.rc_context(STYLE):
        palette = sns.color_palette("colorblind")
        yield [palette[position] for position in COLOURS]


def kaplan_meier(
    curves: pd.DataFrame, *, at_risk: pd.DataFrame, log_rank: pd.DataFrame, events: pd.DataFrame, study: Study
) -> list[Figure]:
    """One figure an endpoint: curves with bands and censoring ticks, log-rank P, and the risk table under its axis."""
    frames = (curves, at_risk, log_rank, events)
    return [
        _kaplan_meier(*(select(each, endpoint=endpoint) for each in frames), study, endpoint)
        for endpoint in dict.fromkeys(curves["endpoint"])
    ]


def _kaplan_meier(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame,
    log_rank: pd.DataFrame,
    events: pd.DataFrame,
    study: Study,
    endpoint: str,
) -> Figure:
    arms = list(study.arms.levels)
    ticks = [float(at) for at in dict.fromkeys(at_risk["at"])]
    p = notation.p_equals(select(log_rank, group="")["p_log_rank"].iloc[0])
    with _print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, 5.7))
        axes, table = drawing.subplots(2, 1, sharex=True, height_ratios=[4.2, 1])
        for arm, colour, line in zip(arms, colours, LINES, strict=True):
            frame = select(curves, group=arm)
            _curve(axes, frame, colour, line, study.arms.levels[arm])
        axes.set_ylim(0, 102)
        axes.set_yticks(range(0, 101, 20))
        axes.set_xlim(0, max(ticks[-1], curves["at"].astype(float).max()) * 1.02)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.tick_params(labelbottom=True)
        label = textwrap.fill(f"{study.endpoints[endpoint].label} (%)", 40)
        axes.set_ylabel(label)
        axes.set_xlabel(f"Months since {study.endpoints[endpoint].origin}")
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "frameon": False, "alignment": "left"}
        axes.legend(title=f"Log-rank {p}", borderaxespad=0.2, handlelength=2.6, **place)
        _risk_table(table, at_risk, study, ticks, colours)
        _mark(drawing, study)
        margin = 0.11 + 0.025 * label.count("\n")
        drawing.subplots_adjust(left=margin, right=0.97, top=0.84, bottom=0.03, hspace=0.3)
        axes.yaxis.set_label_coords(-0.065, 0.5)
    label = study.endpoints[endpoint].label
    said = []
    for arm in arms:
        frame = select(at_risk, group=arm)
        counts = ", ".join(f"{int(row['n_risk'])} at {row['at']}" for _, row in frame.iterrows())
        said.append(f"{study.arms.levels[arm]}: at risk {counts} months.")
    scale = INTERVALS[curves["model"].iloc[0]]
    shaded = f"Shaded: pointwise {study.level} confidence bands ({scale} scale)."
    lost = int(select(events, group=OVERALL)["n_missing"].iloc[0])
    notes = (f"{shaded} Ticks: censored patients. Under the axis: number at risk (censored so far).",)
    notes += (f"Not shown: {lost} patients without a usable time.",) if lost else ()
    return Figure(
        f"kaplan_meier_{endpoint}",
        f"{label} by arm{study.of_population(curves['population'].iloc[0])}",
        drawing,
        f"Kaplan-Meier curves of {notation.within(label)}, log-rank {p}. {' '.join(said)}",
        (*notes, *study.spelt([label, *study.arms.levels.values()])),
        study.mark,
    )


def _curve(axes: Axes, frame: pd.DataFrame, colour: tuple, line: object, label: str) -> None:
    x = frame["at"].astype(float)
    axes.step(x, frame["rate"], where="post", color=colour, linestyle=line, linewidth=1.6, label=label)
    low, high = (frame[name].ffill() for name in ("rate_low", "rate_high"))
    axes.fill_between(x, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
    censored = frame[frame["n_censored"] > 0]
    at = censored["at"].astype(float)
    axes.plot(at, censored["rate"], linestyle="", marker="|", markersize=5, markeredgewidth=0.7, color=colour)


def _risk_table(axes: Axes, at_risk: pd.DataFrame, study: Study, ticks: list[float], colours: list) -> None:
    axes.axis("off")
    axes.set_ylim(0, 2 * len(study.arms.levels) + 1)
    top = 2 * len(study.arms.levels) + 0.5
    axes.text(0, top, "Number at risk (censored)", va="center", fontsize=8, fontweight="bold")
    for position, (arm, label) in enumerate(study.arms.levels.items()):
        line = top - 1 - 2 * position
        axes.text(0, line, label, color=_darker(colours[position]), va="center", fontsize=8)
        frame = select(at_risk, group=arm)
        for tick, (_, row) in zip(ticks, frame.iterrows(), strict=True):
            text = f"{int(row['n_risk'])} ({int(row['n_censored'])})"
            axes.text(tick, line - 0.95, text, ha="left" if tick == 0 else "center", va="center", fontsize=8)


def flow(flow: pd.DataFrame, *, study: Study, population: str = "primary") -> Figure:
    """The flow diagram: screened, excluded by reason, analysed, and the two arms."""
    if population not in study.all_populations:
        raise ParameterError(f"there is no population '{population}'{nearest(population, study.all_populations)}")
    where = study.all_populations[population]
    steps = select(flow, population=population, group=OVERALL)
    steps = steps[steps["variable"] != ""]
    first = select(flow, population=where.of, variable="", group=OVERALL)["n"].iloc[0]
    last = select(flow, population=population, variable="").set_index("group")["n"]
    start = f"{study.all_populations[where.of].label}\nn = {int(first)}"
    assumed = {step.name for step in where.steps if step.assumed}
    sizes = [f"{int(row['n_excluded'])}{'*' if row['variable'] in assumed else ''}" for _, row in steps.iterrows()]
    excluded = [f"{reason}\nn = {size}" for reason, size in zip(steps["method"], sizes, strict=True)]
    end = f"{where.label}\nn = {int(last[OVERALL])}"
    arms = [f"{label}\nn = {int(last[arm])}" for arm, label in study.arms.levels.items()]
    with _print_style():
        heights = [0.32 + 0.15 * _wrapped(text).count("\n") for text in excluded]
        below = np.cumsum(heights) - np.array(heights) / 2 + 0.55
        height = 2.9 + 0.2 * bool(excluded) + sum(heights)
        middle = 3.6 if excluded else 5.0
        drawing = Drawing(figsize=(WIDTH, height))
        axes = drawing.add_axes((0.02, 0.02, 0.96, 0.94))
        axes.set(xlim=(0, 10), ylim=(0, height))
        axes.axis("off")
        first_box = _box(axes, middle, height - 0.4, start)
        last_box = _box(axes, middle, 1.45, end)
        _arrow(axes, first_box, last_box)
        for down, text in zip(below, excluded, strict=True):
            y = height - 0.4 - down
            _arrow(axes, (middle, y), _box(axes, 7.8, y, text))
        for x, text in zip((middle - 1.85, middle + 1.85), arms, strict=True):
            _arrow(axes, last_box, _box(axes, x, 0.45, text, width=22))
        _mark(drawing, study)
    said = "; ".join(text.replace("\n", " ") for text in [start, *excluded, end, *arms])
    return Figure(
        f"flow_{population}",
        f"Flow of patients{study.of_population(population)}",
        drawing,
        f"Flow diagram. {said}.",
        ((ASSUMED,) if assumed else ()) + study.spelt([start, *excluded, end, *arms]),
        study.mark,
    )


def _wrapped(text: str, width: int = 34) -> str:
    return "\n".join(textwrap.fill(line, width) for line in text.split("\n"))


def _box(axes: Axes, x: float, y: float, text: str, *, width: int = 34) -> Text:
    wrapped = _wrapped(text, width)
    frame = {"boxstyle": "square,pad=0.45", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8}
    return axes.text(x, y, wrapped, ha="center", va="center", fontsize=8.5, bbox=frame, zorder=3)


def _arrow(axes: Axes, start: Text | tuple[float, float], end: Text) -> None:
    """An arrow from the edge of a box, or from a point, to a box; drawn after the boxes, once they have a size."""
    from_box = start.get_bbox_patch() if isinstance(start, Text) else None
    point = start.get_position() if isinstance(start, Text) else start
    shape = {"arrowstyle": "-|>", "color": "black", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    patches = {"patchA": from_box, "patchB": end.get_bbox_patch()}
    axes.annotate("", xy=end.get_position(), xytext=point, arrowprops=shape | patches, zorder=4)


def forest(multivariable: pd.DataFrame, *, study: Study, model: str | None = None) -> list[Figure]:
    """One figure an endpoint of a model (the study's first unless named): adjusted hazard ratios with intervals."""
    if model is not None and model not in study.models:
        raise ParameterError(
            f"there is no model '{model}'{nearest(model, study.models)} (models: {listed(study.models)})"
        )
    chosen = model or next(iter(dict.fromkeys(multivariable["model"])), None)
    frame = select(multivariable, model=chosen or "")
    return [_forest(select(frame, endpoint=each), study, each, chosen) for each in dict.fromkeys(frame["endpoint"])]


def _forest(frame: pd.DataFrame, study: Study, endpoint: str, model: str) -> Figure:
    lines = _forest_lines(frame, study)
    heights = [0.24 + 0.15 * label.count("\n") for label, _, _ in lines]
    places = np.cumsum(heights) - np.array(heights) / 2
    finite = [end for _, _, row in lines if row is not None for end in row[["hr_low", "hr_high"]] if 0 < end < np.inf]
    ends = max(0.02, min([0.5, *finite]) * 0.85), min(50, max([2, *finite]) * 1.15)
    height = 1.1 + sum(heights)
    with _print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        axes = drawing.add_axes((0.37, 0.55 / height, 0.36, 1 - 0.85 / height))
        axes.set(xscale="log", xlim=ends, ylim=(sum(heights), -0.25))
        axes.axvline(1, color="0.45", linewidth=0.8, zorder=0)
        side = axes.get_yaxis_transform()
        for place, (label, indent, row) in zip(places, lines, strict=True):
            axes.text(-1.0 + 0.04 * indent, place, label, transform=side, va="center", fontsize=8)
            if row is not None:
                _forest_row(axes, place, row, ends, colours[0])
        level = f"HR ({study.level} CI)"
        axes.text(1.04, -0.15, level, transform=side, va="center", fontsize=8, fontweight="bold")
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        ticks = [tick for tick in HAZARD_TICKS if ends[0] <= tick <= ends[1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("Hazard ratio (log scale)")
        _mark(drawing, study)
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
        f"forest_{endpoint}_{model}",
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


def _mark(drawing: Drawing, study: Study) -> None:
    """Say on the drawing itself that the patients are not real."""
    if study.mark:
        drawing.text(0.985, 0.985, study.mark, ha="right", va="top", fontsize=8, color="#a00000", fontweight="bold")


def _darker(colour: tuple) -> tuple:
    """The colour dark enough for small print."""
    return tuple(0.7 * part for part in colour)
