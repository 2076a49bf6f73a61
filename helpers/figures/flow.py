"""The flow diagram."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from helpers.errors import ParameterError, nearest
from helpers.exhibits import Figure
from helpers.figures.style import WIDTH, mark, print_style
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import OVERALL

ASSUMED = "* Assumed: how many patients left at this criterion is not published."


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
    told = study.reasons(population)
    reasons = [told.get(row["variable"], row["method"]) for _, row in steps.iterrows()]
    excluded = [f"{reason}\nn = {size}" for reason, size in zip(reasons, sizes, strict=True)]
    end = f"{where.label}\nn = {int(last[OVERALL])}"
    arms = [f"{label}\nn = {int(last[arm])}" for arm, label in study.arms.levels.items()]
    with print_style():
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
        mark(drawing, study)
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
