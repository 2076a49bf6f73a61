"""What every figure shares: its style, the arms' colours and lines, the warning on synthetic data."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing

from helpers.study import Study

COLOURS = ("#0173b2", "#de8f05")
LINES = ("-", (0, (5, 2)))
WIDTH = 7.0
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "savefig.facecolor": "white",
    "text.parse_math": False,
}
HAZARD_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


@contextmanager
def print_style() -> Iterator[list]:
    """Style of every figure; gives the colours of the arms, the first two of seaborn's palette `colorblind`."""
    with mpl.rc_context(STYLE):
        yield [to_rgb(colour) for colour in COLOURS]


def mark(drawing: Drawing, study: Study) -> None:
    """Say on the drawing itself that the patients are not real."""
    if study.mark:
        drawing.text(0.985, 0.985, study.mark, ha="right", va="top", fontsize=8, color="#a00000", fontweight="bold")


def darker(colour: tuple) -> tuple:
    """The colour dark enough for small print."""
    return tuple(0.7 * part for part in colour)


def ratio_axis(axes: Axes, ends: tuple[float, float]) -> None:
    """Hazard ratios along the bottom on a log scale between `ends`, nothing at the side."""
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    ticks = [tick for tick in HAZARD_TICKS if ends[0] <= tick <= ends[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Hazard ratio (log scale)")
