"""Cumulative incidence of each first event: a panel a cause, that of interest first, the risk table under them."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.exhibits import Figure
from helpers.figures.curves import risk_table
from helpers.figures.style import LINES, WIDTH, mark, print_style
from helpers.ledger import select
from helpers.names.causes import AS_KNOWN, cause_labels
from helpers.study import Study
from helpers.study.schema import OVERALL

TALL = 2.3
LEFT = 0.62
GAP = 0.22
LINE = 0.165
TICKS = 8
RATE = ["incidence", "incidence_low", "incidence_high"]


def incidence(
    curves: pd.DataFrame,
    *,
    incidences: pd.DataFrame,
    at_risk: pd.DataFrame,
    tests: pd.DataFrame,
    events: pd.DataFrame,
    study: Study,
) -> list[Figure]:
    """Cumulative incidence by arm with bands and Gray's P, a panel a cause with events; none without competing events.

    `incidences` are told in the alternative text; `events` says who has no usable time.
    """
    if curves.empty:
        return []
    asked = study.progression.competing
    had = set(curves.loc[curves["n_event"] > 0, "level"])
    absent = [label for name, label in cause_labels(study).items() if name in set(curves["level"]) - had]
    causes = {name: label for name, label in cause_labels(study).items() if name in had or name == asked.interest}
    drawing = _drawn(study, curves, select(at_risk, endpoint=asked.endpoint), tests, causes)
    lost = int(select(events, endpoint=asked.endpoint, group=OVERALL)["n_missing"].iloc[0])
    notes = [
        f"Aalen-Johansen estimates. Shaded: pointwise {study.level} confidence bands (log(−log) scale). P: "
        "Gray's test between the arms. Below: number at risk of a first event (censored so far).",
        *([AS_KNOWN] if study.exposure else []),
        *([f"No panel, since nobody had it: {'; '.join(absent)}."] if absent else []),
        *([f"Not shown: {lost} patients without a usable time."] if lost else []),
    ]
    population = curves["population"].iloc[0]
    said = [_said(study, name, label, incidences, tests) for name, label in causes.items()]
    return [
        Figure(
            "cumulative_incidence",
            f"{asked.label}: cumulative incidence by arm{study.of_population(population)}",
            drawing,
            " ".join(["Curves of cumulative incidence.", *said]),
            (*notes, *study.spelt([*causes.values(), *study.arms.levels.values(), *notes])),
            study.mark,
        )
    ]


def _drawn(
    study: Study, curves: pd.DataFrame, at_risk: pd.DataFrame, tests: pd.DataFrame, causes: dict[str, str]
) -> Drawing:
    columns = len(causes) if len(causes) < 4 else 2 if len(causes) == 4 else 3
    wide = (WIDTH - LEFT - 0.12 - GAP * (columns - 1)) / columns
    titles = {name: _title(label, select(tests, level=name), int(wide / 0.067)) for name, label in causes.items()}
    above = 0.1 + LINE * max(title.count("\n") + 1 for title in titles.values())
    lines, arms = -(-len(causes) // columns), len(study.arms.levels)
    step, below = above + TALL + 0.28, 0.25 + 2 * LINE * (arms + 1)
    top = LINE * arms + 0.08 + (LINE if study.mark else 0)
    height = top + lines * step + 0.3 + below
    ticks = [float(at) for at in dict.fromkeys(at_risk["at"])]
    end = max(ticks[-1], curves["at"].astype(float).max()) * 1.02
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        for position, name in enumerate(causes):
            line, column = divmod(position, columns)
            bottom = height - top - line * step - above - TALL
            place = (LEFT + column * (wide + GAP)) / WIDTH, bottom / height, wide / WIDTH, TALL / height
            axes = drawing.add_axes(place)
            _panel(axes, select(curves, level=name), study, colours)
            axes.set_title(titles[name], loc="left", fontsize=8, pad=4)
            thinned = ticks[:: -(-len(ticks) // TICKS)]
            axes.set(xlim=(0, end), ylim=(0, 100), yticks=range(0, 101, 20))
            axes.set_xticks(thinned, [f"{tick:g}" for tick in thinned])
            axes.tick_params(labelleft=column == 0, labelsize=8)
        origin = study.endpoints[study.progression.competing.endpoint].origin
        drawing.text(0.5, (below + 0.12) / height, f"Months since {origin}", ha="center", va="center", fontsize=9)
        middle = (below + 0.3 + lines * step / 2) / height
        drawing.text(0.12 / WIDTH, middle, "Cumulative incidence (%)", rotation=90, va="center", fontsize=9)
        shown = drawing.axes[0].get_legend_handles_labels()
        corner = (LEFT / WIDTH, 1 - (0.04 + (LINE if study.mark else 0)) / height)
        drawing.legend(*shown, loc="upper left", bbox_to_anchor=corner, frameon=False, fontsize=8, borderaxespad=0)
        table = drawing.add_axes((LEFT / WIDTH, 0.05 / height, (WIDTH - LEFT - 0.3) / WIDTH, (below - 0.1) / height))
        table.set_xlim(0, end)
        risk_table(table, at_risk, study, ticks, colours)
        table.set_ylim(0, 2 * arms + 2)
        for tick in ticks:
            text = f"Month {tick:g}" if tick == ticks[0] else f"{tick:g}"
            side = "left" if tick == 0 else "center"
            table.text(tick, 2 * arms + 1.5, text, ha=side, va="center", fontsize=8)
        mark(drawing, study)
    return drawing


def _panel(axes: Axes, curves: pd.DataFrame, study: Study, colours: list) -> None:
    for (arm, label), colour, line in zip(study.arms.levels.items(), colours, LINES, strict=True):
        frame = select(curves, group=arm)
        x = frame["at"].astype(float)
        axes.step(x, frame["incidence"], where="post", color=colour, linestyle=line, linewidth=1.6, label=label)
        low, high = frame["incidence_low"], frame["incidence_high"]
        axes.fill_between(x, low, high, step="post", color=colour, alpha=0.18, linewidth=0)


def _title(label: str, test: pd.DataFrame, width: int) -> str:
    return f"{textwrap.fill(label, width)}\nGray's test {notation.p_equals(test['p_gray'].iloc[0])}"


def _said(study: Study, cause: str, label: str, incidences: pd.DataFrame, tests: pd.DataFrame) -> str:
    """A panel in words: the incidence at each month by arm, and the test."""
    texts = []
    for arm, name in study.arms.levels.items():
        own = select(incidences, level=cause, group=arm)
        found = ", ".join(f"{notation.rate(*row[RATE])} at {row['at']}" for _, row in own.iterrows() if row["at"])
        texts.append(f"{name} {found} months")
    return (
        f"{label}: {'; '.join(texts)}; Gray's test {notation.p_equals(select(tests, level=cause)['p_gray'].iloc[0])}."
    )
