"""The effect of treatment in subgroups: a forest plot with patients and events by arm and the tests of interaction."""

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Polygon, Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Transform, blended_transform_factory

from helpers import notation
from helpers.exhibits import Figure
from helpers.figures.style import HAZARD_TICKS, WIDTH, darker, mark, print_style
from helpers.ledger import select
from helpers.study import Study
from helpers.study.variants import STRATIFIED

POINTS = 7.5
LINE, ROW = 0.125, 0.158
LEFT, LABEL, INDENT, GAP, PLACES, RIGHT = 0.08, 1.9, 0.12, 0.1, 0.52, 6.93
NARROW, BROAD = 0.68, 1.05
LARGEST, SMALLEST = 8.0, 2.0
BOLD = {"fontweight": "bold"}


class Line(NamedTuple):
    """A row of the forest; a variable's own has no effect, all others have patients and events of both arms."""

    label: str
    level: bool = True
    sizes: tuple[str, ...] = ()
    effect: pd.Series | None = None
    p: str = ""
    shaded: bool = False

    @property
    def height(self) -> float:
        """In inches."""
        return ROW + LINE * self.label.count("\n")

    @property
    def ratio(self) -> str:
        """The hazard ratio with its interval."""
        return "" if self.effect is None else notation.hazard_ratio(*self.effect[["hr", "hr_low", "hr_high"]])


class Columns(NamedTuple):
    """Inches from the left: the middle of each arm's sizes, the ends of the plot, the hazard ratios; a size's width."""

    arms: tuple[float, float]
    plot: tuple[float, float]
    ratio: float
    size: float


def subgroups(subgroups: pd.DataFrame, *, interactions: pd.DataFrame, study: Study) -> list[Figure]:
    """One figure an endpoint and population: the effect of treatment in every subgroup, all patients on top.

    The area of a square is in proportion to what its level knows, one over the squared standard error; an interval ends
    in an arrow where the axis does not reach its limit.
    """
    tests = select(interactions[interactions["model"].str.endswith(STRATIFIED)], level="")
    return [
        _forest(*(select(each, **which) for each in (subgroups, tests)), study)
        for _, which in subgroups[["population", "endpoint"]].drop_duplicates().iterrows()
    ]


def _forest(frame: pd.DataFrame, tests: pd.DataFrame, study: Study) -> Figure:
    population, endpoint = frame[["population", "endpoint"]].iloc[0]
    with print_style() as colours:
        lines = list(_lines(frame, tests, study))
        drawing = _drawn(lines, study, colours[0])
    title = f"Effect of treatment on {notation.within(study.endpoints[endpoint].label)} in subgroups"
    texts = [title, *study.arms.levels.values(), *(line.label for line in lines)]
    labels = [" ".join(line.label.split()) for line in lines]
    said = [
        f"{label}, P for interaction {line.p}" if line.effect is None else f"{label} {line.ratio}"
        for label, line in zip(labels, lines, strict=True)
    ]
    return Figure(
        "_".join(part for part in ("subgroups", endpoint, study.beyond_primary(population)) if part),
        title + study.of_population(population),
        drawing,
        f"Forest plot, hazard ratios: {'; '.join(said)}.",
        (*_notes(frame, tests, study), *study.spelt(texts)),
        study.mark,
    )


def _lines(frame: pd.DataFrame, tests: pd.DataFrame, study: Study) -> Iterator[Line]:
    """The rows from top to bottom, their labels wrapped, every second variable's shaded."""
    p_values = tests.set_index("variable")["p_lrt"]
    for position, variable in enumerate(dict.fromkeys(frame["variable"])):
        rows, shaded = select(frame, variable=variable), position % 2 == 1
        if variable:
            dagger = "†" if study.variables[variable].post_baseline else ""
            label = _wrapped(study.label(variable) + dagger, LABEL, "bold")
            yield Line(label, level=False, p=notation.p_value(p_values[variable]), shaded=shaded)
        for level in dict.fromkeys(rows["level"]):
            inside = select(rows, level=level).set_index("group")
            counts = [inside.loc[arm, ["n", "n_event"]].astype(int) for arm in study.arms.levels]
            sizes = tuple(f"{n} / {n_event}" for n, n_event in counts)
            label = study.level_labels(variable)[level] if variable else "All patients"
            label = _wrapped(label, LABEL - INDENT, "normal" if variable else "bold")
            yield Line(label, bool(variable), sizes, inside.loc[""], shaded=shaded)


def _drawn(lines: list[Line], study: Study, colour: tuple) -> Drawing:
    """The rows on paper, as wide as the page and as high as they need."""
    effects = pd.DataFrame([line.effect for line in lines if line.effect is not None])
    arms, shown = [study.arms.levels[arm] for arm in _arms(study)], list(study.arms.levels.values())
    columns, ends = _columns(lines, shown), _ends(effects)
    (left, right), heads = columns.plot, [_wrapped(label, columns.size - GAP, "bold") for label in shown]
    one = left + (right - left) * np.log(1 / ends[0]) / np.log(ends[1] / ends[0])
    sides = [
        _wrapped(f"←\N{NO-BREAK SPACE}Lower hazard with {arms[0]}", one - LEFT - GAP, "normal"),
        _wrapped(f"Lower hazard with {arms[1]}\N{NO-BREAK SPACE}→", RIGHT - one - GAP, "normal"),
    ]
    above = LINE * (_most_lines(heads) + 2) + 0.1 + (0.22 if study.mark else 0)
    below = 0.45 + LINE * _most_lines(sides)
    rows = sum(line.height for line in lines)
    height = above + rows + below
    drawing = Drawing(figsize=(WIDTH, height))
    place = (left / WIDTH, below / height, (right - left) / WIDTH, rows / height)
    axes = drawing.add_axes(place, xscale="log", xlim=ends, ylim=(rows, 0))
    _axis(axes, effects.iloc[0]["hr"])
    least = effects["log_hr_se"].iloc[1:].min()
    top = 0.0
    for line in lines:
        _texts(axes, top, line, columns)
        _symbol(axes, top + line.height / 2, line, colour, least)
        top += line.height
    _headings(axes, heads, columns, study)
    for text, shift, align in zip(sides, (-0.05, 0.05), ("right", "left"), strict=True):
        _text(axes, one + shift, rows + 0.4, text, ha=align, va="top")
    mark(drawing, study)
    return drawing


def _columns(lines: list[Line], arms: list[str]) -> Columns:
    """Where the columns stand so that no text meets another and few words break; the plot has what is left."""
    words = max(_width(word, "bold") for label in arms for word in label.split())
    sizes = [_width(size, "normal") for line in lines for size in line.sizes]
    size = GAP + max(NARROW - GAP, min(words, BROAD - GAP), *sizes)
    ratio = RIGHT - PLACES - max(_width(line.ratio, "normal" if line.level else "bold") for line in lines)
    first = LEFT + LABEL + size / 2
    return Columns((first, first + size), (first + 1.5 * size + GAP, ratio - GAP), ratio, size)


def _ends(effects: pd.DataFrame) -> tuple[float, float]:
    """The ends of the axis: room for every hazard ratio, for every limit from 0.1 to 10, and for 0.5 to 2."""
    if effects["hr"].isna().all():
        return 0.5, 2
    low = min(0.5, max(0.1, 0.9 * effects["hr_low"].min()), 0.85 * effects["hr"].min())
    high = max(2, min(10, 1.1 * effects["hr_high"].max()), 1.15 * effects["hr"].max())
    return max(0.02, low), min(50, high)


def _texts(axes: Axes, top: float, line: Line, columns: Columns) -> None:
    """What a row says, on its shade."""
    middle, style = top + line.height / 2, {} if line.level else BOLD
    if line.shaded:
        place = {"transform": _across(axes), "zorder": -1}
        axes.figure.add_artist(Rectangle((0, top), WIDTH, line.height, color="0.95", linewidth=0, **place))
    _text(axes, LEFT + INDENT * line.level, middle, line.label, **style)
    for at, size in zip(columns.arms, line.sizes, strict=False):
        _text(axes, at, middle, size, ha="center")
    _text(axes, columns.ratio, middle, line.ratio, **style)
    _text(axes, RIGHT, middle, line.p, ha="right")


def _symbol(axes: Axes, middle: float, line: Line, colour: tuple, least: float) -> None:
    """A level's square and interval, or the diamond of all patients; `least` is the smallest standard error."""
    if line.effect is None or np.isnan(line.effect["hr"]):
        return
    hr, low, high = line.effect[["hr", "hr_low", "hr_high"]].astype(float)
    if not line.level:
        corners = [(low, middle), (hr, middle - ROW / 3), (high, middle), (hr, middle + ROW / 3)]
        axes.add_patch(Polygon(corners, color=darker(colour), linewidth=0))
        return
    whisker(axes, middle, (low, high), colour)
    size = max(SMALLEST, LARGEST * least / line.effect["log_hr_se"])
    axes.plot(hr, middle, marker="s", color=colour, markersize=size, markeredgewidth=0)


def whisker(axes: Axes, place: float, limits: tuple[float, float], colour: tuple) -> None:
    """An interval as a line, an arrow where it goes on beyond the ends of the axis."""
    ends = axes.get_xlim()
    low, high = max(limits[0], ends[0]), min(limits[1], ends[1])
    axes.plot([low, high], [place, place], color=colour, linewidth=1.2, solid_capstyle="butt")
    for limit, shown, marker in ((limits[0], low, "<"), (limits[1], high, ">")):
        if limit != shown:
            axes.plot(shown, place, marker=marker, color=colour, markersize=4, clip_on=False)


def _headings(axes: Axes, heads: list[str], columns: Columns, study: Study) -> None:
    """What stands over the columns, and the line under it."""
    style = {**BOLD, "va": "bottom"}
    over = -0.1 - LINE * _most_lines(heads)
    _text(axes, LEFT, -0.05, "Subgroup", **style)
    for at, label in zip(columns.arms, heads, strict=True):
        _text(axes, at, -0.05, label, ha="center", **style)
    _text(axes, sum(columns.arms) / 2, over, "Patients / events", ha="center", **style)
    _text(axes, columns.ratio, -0.05, study.ratio_label, **style)
    _text(axes, RIGHT, -0.05, "P for\ninteraction", ha="right", **style)
    spanned = [columns.arms[0] - columns.size / 2 + 0.05, columns.arms[1] + columns.size / 2 - 0.05]
    for ends, place, width in (([LEFT, RIGHT], 0, 0.8), (spanned, over + 0.02, 0.5)):
        axes.plot(ends, [place, place], color="0.3", linewidth=width, transform=_across(axes), clip_on=False)


def _axis(axes: Axes, overall: float) -> None:
    """As many ticks as their labels have room for, a line at no effect and one at the effect in all patients."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in HAZARD_TICKS if low <= tick <= high]
    if np.log10(high / low) > 1.1 * axes.get_position().width * WIDTH:
        ticks = [tick for tick in ticks if np.log10(tick) == round(np.log10(tick))]
    axes.patch.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=POINTS)
    axes.minorticks_off()
    axes.tick_params(axis="x", pad=2)
    axes.set_xlabel("Hazard ratio (log scale)", fontsize=POINTS, labelpad=2)
    axes.axvline(1, color="0.45", linewidth=0.8, zorder=0)
    if low < overall < high:
        axes.axvline(overall, color="0.65", linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)


def _notes(frame: pd.DataFrame, tests: pd.DataFrame, study: Study) -> list[str]:
    treated, reference = (study.arms.levels[arm] for arm in _arms(study))
    effects = frame[frame["group"] == ""]
    method = study.adjusted(effects["method"].iloc[0], study.subgroups.covariates)
    notes = [
        f"{method}: {treated} against {reference}. HR, hazard ratio; CI, {study.level} confidence "
        "interval. Dashed: all patients. Area of the squares: in proportion to the information, 1 / SE².",
        "Exploratory. P for interaction: likelihood-ratio test of the ratios shown, baseline hazards free in each "
        f"level, not adjusted for the number of tests ({int(tests['n_tested'].iloc[0])}).",
    ]
    late = any(study.variables[each].post_baseline for each in tests["variable"])
    notes += ["† Known only after time zero: treatment may have changed who is in the subgroup."] if late else []
    blank = effects["hr"].isna().any() or tests["p_lrt"].isna().any()
    why = dict.fromkeys(each["hr"] for each in effects["not_estimable"] if "hr" in each)
    said = f": {'; '.join(why)}" if why else ""
    return [*notes, f"{notation.NOT_ESTIMABLE}, not estimable{said}."] if blank else notes


def _arms(study: Study) -> tuple[str, str]:
    return study.arms.treated, study.arms.reference


def _most_lines(texts: list[str]) -> int:
    return 1 + max(text.count("\n") for text in texts)


def _across(axes: Axes) -> Transform:
    """Inches from the left of the page, inches from the top of the rows."""
    return blended_transform_factory(axes.figure.dpi_scale_trans, axes.transData)


def _text(axes: Axes, at: float, place: float, text: str, **style: str) -> None:
    if text:
        axes.text(at, place, text, transform=_across(axes), **{"fontsize": POINTS, "va": "center", **style})


def _width(text: str, weight: str) -> float:
    """The width of one line of text in inches."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(size=POINTS, weight=weight), False)[0] / 72


def _wrapped(text: str, inches: float, weight: str) -> str:
    """A text in as few lines as keep each within a width; a word longer than that is broken."""
    for letters in range(len(text), 1, -1):
        filled = textwrap.fill(text, letters, break_on_hyphens=False)
        if all(_width(line, weight) <= inches for line in filled.split("\n")):
            return filled
    return text
