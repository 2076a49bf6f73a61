"""One panel of what the effect of treatment becomes when time is counted in different ways."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.errors import ParameterError, listed, nearest
from helpers.exhibits import Figure
from helpers.figures.style import WIDTH, mark, print_style, ratio_axis
from helpers.ledger import select
from helpers.names.designs import CLONES, FIXED, HEADINGS, conditioning, design, is_alone
from helpers.study import Study

LINE = 0.27


def sensitivity(effects: pd.DataFrame, *, study: Study, model: str | None = None) -> list[Figure]:
    """One panel an endpoint: each analysis of treatment alone and as `model` adjusts it, the study's first if None.

    Raises ParameterError for a model that none of the analyses of time has.
    """
    if study.exposure is None:
        return []
    if model is not None and model not in study.exposure.models:
        known = study.exposure.models
        raise ParameterError(
            f"exposure.models in the study file names no '{model}'{nearest(model, known)} ({listed(known)})"
        )
    chosen = model or next(iter(study.exposure.models), "")
    return [
        _panel(select(effects, endpoint=each), study, each, chosen)
        for each in study.exposure.endpoints
        if each in set(effects["endpoint"])
    ]


def _lines(
    effects: pd.DataFrame, study: Study, chosen: str
) -> list[tuple[str, str, pd.Series | None, pd.Series | None]]:
    """Kind, name, the row of treatment alone and the adjusted row of each analysis, in order."""
    lines: dict[tuple[str, str], list] = {}
    for _, row in effects.iterrows():
        known = design(study, row)
        alone = is_alone(row["model"])
        if alone or row["model"] == chosen or known.kind == CLONES:
            pair = lines.setdefault((known.kind, known.name), [None, None])
            pair[0 if alone else 1] = row
    return [(*key, *pair) for key, pair in lines.items()]


def _panel(effects: pd.DataFrame, study: Study, endpoint: str, chosen: str) -> Figure:
    lines = _lines(effects, study, chosen)
    kinds = list(dict.fromkeys(kind for kind, *_ in lines))
    height = 1.35 + LINE * (1.5 * len(lines) + len(kinds))
    finite = [end for *_, a, b in lines for row in (a, b) if row is not None for end in row[["hr_low", "hr_high"]]]
    finite = [each for each in finite if 0 < each < np.inf]
    ends = max(0.03, min([0.5, *finite]) * 0.85), min(30, max([2, *finite]) * 1.15)
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        axes = drawing.add_axes((0.41, 0.5 / height, 0.33, 1 - 1.15 / height))
        place, kind = 0.0, ""
        side = axes.get_yaxis_transform()
        for line in lines:
            if line[0] != kind:
                kind = line[0]
                place += LINE
                axes.text(-1.22, place, HEADINGS[kind], transform=side, va="center", fontsize=8, fontweight="bold")
                place += LINE * 0.25
            place += LINE
            name = textwrap.fill(line[1], 46)
            axes.text(-1.19, place + LINE * 0.2, name, transform=side, va="center", fontsize=8)
            for row, shift, filled in ((line[2], 0.0, False), (line[3], 0.5 * LINE, True)):
                if row is not None:
                    _mark(axes, place + shift, row, ends, colours[filled], filled)
            place += LINE * 0.5
        axes.axvline(1, color="0.45", linewidth=0.8, zorder=0)
        axes.set(xscale="log", xlim=ends, ylim=(place + LINE, 0))
        ratio_axis(axes, ends)
        axes.text(1.04, 0.35 * LINE, study.ratio_label, transform=side, va="center", fontsize=8, fontweight="bold")
        _legend(axes, study, endpoint, effects, chosen, colours)
        mark(drawing, study)
    return _figure(drawing, lines, study, endpoint, effects)


def _mark(axes: Axes, place: float, row: pd.Series, ends: tuple[float, float], colour: tuple, filled: bool) -> None:
    text = notation.hazard_ratio(row["hr"], row["hr_low"], row["hr_high"])
    axes.text(1.04, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=7.5)
    if np.isnan(row["hr"]):
        return
    low, high = np.clip([row["hr_low"], row["hr_high"]], *ends)
    axes.plot([low, high], [place, place], color=colour, linewidth=1.2, solid_capstyle="butt")
    if ends[0] <= row["hr"] <= ends[1]:
        axes.plot(row["hr"], place, "s", color=colour, markersize=4.5, markerfacecolor=colour if filled else "white")


def _legend(axes: Axes, study: Study, endpoint: str, effects: pd.DataFrame, chosen: str, colours: list) -> None:
    labels = ["Treatment alone; clones without weights"]
    if chosen in set(effects["model"]):
        label = study.model(chosen, endpoint, study.exposure.population).label
        labels.append(f"{label}; clones weighted")
    else:
        labels.append("Clones weighted")
    for label, filled in zip(labels, (False, True), strict=True):
        face = colours[filled] if filled else "white"
        axes.plot([], [], "s-", color=colours[filled], markerfacecolor=face, markersize=4.5, label=label)
    axes.legend(loc="lower left", bbox_to_anchor=(-1.24, 1.0), frameon=False, fontsize=8, borderaxespad=0.1)


def _figure(drawing: Drawing, lines: list, study: Study, endpoint: str, effects: pd.DataFrame) -> Figure:
    said = []
    for kind, name, alone, adjusted in lines:
        ratios = [
            f"{text} {notation.hazard_ratio(*row[['hr', 'hr_low', 'hr_high']])}"
            for row, text in ((alone, "alone"), (adjusted, "adjusted or weighted"))
            if row is not None
        ]
        said.append(f"{HEADINGS[kind]}, {name}: {', '.join(ratios)}")
    arms = study.arms
    notes = [
        f"Below 1: lower hazard with {arms.levels[arms.treated]} than with {arms.levels[arms.reference]}. Other models "
        "stand in the table.",
        f"The first rows ({HEADINGS[FIXED].lower()}) count the time before treatment began as treated. Landmarks and "
        "exposures that begin do not, nor do clones.",
        *(f"‡ {each}" for each in conditioning(study, list(dict.fromkeys(effects["population"])))),
        f"HR, hazard ratio; CI, {study.level} confidence interval."
        + (
            f" {notation.NOT_ESTIMABLE}, not estimable." if any(notation.NOT_ESTIMABLE in each for each in said) else ""
        ),
    ]
    label = notation.within(study.endpoints[endpoint].label)
    return Figure(
        f"sensitivity_{endpoint}",
        f"Effect of treatment on {label} when time is counted in different ways",
        drawing,
        f"Hazard ratios for treatment: {'; '.join(said)}.",
        tuple(notes),
        study.mark,
    )
