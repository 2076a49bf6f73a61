"""Kaplan-Meier curves with their risk tables."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.exhibits import Figure
from helpers.figures.style import LINES, WIDTH, darker, mark, print_style
from helpers.ledger import select
from helpers.study import Study
from helpers.study.schema import INTERVALS, OVERALL
from helpers.thresholds import MANY


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
    with print_style() as colours:
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
        label = textwrap.fill(f"{study.share_label(endpoint)} (%)", 40)
        axes.set_ylabel(label)
        axes.set_xlabel(f"Months since {study.endpoints[endpoint].origin}")
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "frameon": False, "alignment": "left"}
        axes.legend(title=f"Log-rank {p}", borderaxespad=0.2, handlelength=2.6, **place)
        risk_table(table, at_risk, study, ticks, colours)
        mark(drawing, study)
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
    notes += (f"Not shown: {notation.counted(lost, 'patient')} without a usable time.",) if lost else ()
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
    marks = {"marker": "|", "markersize": 5, "markeredgewidth": 0.7, "rasterized": len(at) > MANY}
    axes.plot(at, censored["rate"], linestyle="", color=colour, **marks)


def risk_table(axes: Axes, at_risk: pd.DataFrame, study: Study, ticks: list[float], colours: list) -> None:
    """Patients at risk and censored so far, by arm, each under its tick."""
    axes.axis("off")
    axes.set_ylim(0, 2 * len(study.arms.levels) + 1)
    top = 2 * len(study.arms.levels) + 0.5
    axes.text(0, top, "Number at risk (censored)", va="center", fontsize=8, fontweight="bold")
    for position, (arm, label) in enumerate(study.arms.levels.items()):
        line = top - 1 - 2 * position
        axes.text(0, line, label, color=darker(colours[position]), va="center", fontsize=8)
        frame = select(at_risk, group=arm)
        for tick, (_, row) in zip(ticks, frame.iterrows(), strict=True):
            text = f"{int(row['n_risk'])} ({int(row['n_censored'])})"
            axes.text(tick, line - 0.95, text, ha="left" if tick == 0 else "center", va="center", fontsize=8)
