"""Matching as pictures: balance before and after, the propensity score by arm, and other ways of making pairs."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from helpers import notation
from helpers.exhibits import Figure
from helpers.figures.style import HAZARD_TICKS, WIDTH, darker, mark, print_style
from helpers.ledger import at_label, select
from helpers.names.weights import WEIGHTS
from helpers.study import Study
from helpers.study.analyses import ORDERS
from helpers.thresholds import UNBALANCED

LATE = ("† Known only after time zero.",)
CHOOSING = "Treated patients choose their partner in the order named, or the nearest pair of all is made first."
MARKERS = ("o", "s", "^", "D", "v")


def love(balance: pd.DataFrame, *, weighted: pd.DataFrame, study: Study) -> list[Figure]:
    """One Love plot a matched population: absolute differences of every covariate, in SDs of the treated before."""
    figures = []
    for population in [name for name in dict.fromkeys(balance["population"]) if study.all_populations[name].matching]:
        source = study.all_populations[population].of
        series = {"Before": select(balance, population=source), "Matched": select(balance, population=population)}
        own = select(weighted, population=source)
        series |= {WEIGHTS[name].label: select(own, model=name) for name in dict.fromkeys(own["model"])}
        figures.append(_love(series, study, population))
    return figures


def _love(series: dict[str, pd.DataFrame], study: Study, population: str) -> Figure:
    sizes = {name: _sizes(frame, study) for name, frame in series.items()}
    first = sizes["Before"]
    order = sorted(first, key=lambda line: first[line], reverse=True)
    height = 1.5 + 0.2 * len(order)
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, height))
        axes = drawing.add_axes((0.36, 0.5 / height, 0.6, 1 - 1.3 / height))
        places = np.arange(len(order))
        shades = ["0.45", darker(colours[0]), darker(colours[1]), "0.2", "0.2"]
        for (name, found), marker, shade in zip(sizes.items(), MARKERS, shades, strict=False):
            filled = shade if name in {"Before", "Matched"} else "none"
            style = {"linestyle": "", "markersize": 5, "color": shade, "markerfacecolor": filled}
            axes.plot([found.get(line, np.nan) for line in order], places, marker, label=name, **style)
        axes.axvline(UNBALANCED, color="0.6", linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        largest = max([1.5 * UNBALANCED, *(x for found in sizes.values() for x in found.values() if x == x)])
        axes.set(xlim=(0, 1.03 * largest), ylim=(len(order) - 0.5, -0.5))
        axes.set_yticks(places, order, fontsize=8)
        axes.grid(axis="y", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("Absolute standardised difference")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.58, 1.0), frameon=False, ncols=3, handletextpad=0.2)
        mark(drawing, study)
    worst = {name: max((x for x in found.values() if x == x), default=np.nan) for name, found in sizes.items()}
    said = "; ".join(f"{name.lower()} at most {notation.number(value, 2)}" for name, value in worst.items())
    note = "In standard deviations of the treated before matching (for proportions, the root of p(1 − p)). Dashed: "
    note += f"{UNBALANCED}."
    return Figure(
        f"love_{population}",
        f"Balance before and after matching and weighting{study.of_population(population)}",
        drawing,
        f"Love plot of {len(order)} covariates or levels, absolute standardised differences: {said}.",
        (note, *LATE * any("†" in line for line in order), *study.spelt(order)),
        study.mark,
    )


def _sizes(frame: pd.DataFrame, study: Study) -> dict[str, float]:
    """Absolute differences by line of the plot: numbers, the second of two levels, every one of more levels."""
    found = {}
    for variable in [name for name in study.propensity.covariates if name in set(frame["variable"])]:
        levels = study.level_labels(variable)
        label = study.variables[variable].label + study.mark_of(variable)
        shown = {"": label} if not levels else {level: _named(label, text) for level, text in levels.items()}
        if len(levels) == 2:
            shown = {level: text for level, text in shown.items() if level != study.reference(variable)}
        for level, text in shown.items():
            rows = select(frame, variable=variable, level=level)
            found[_short(text)] = abs(float(rows["smd_att"].iloc[0])) if len(rows) else np.nan
    return found


def _named(label: str, level: str) -> str:
    return level if label.casefold() in level.casefold() else f"{label}: {level}"


def _short(text: str) -> str:
    return textwrap.shorten(text, 38, placeholder="…")


def overlap(overlap: pd.DataFrame, *, study: Study) -> list[Figure]:
    """One figure a matched population: how many patients of each arm have which score, before and after matching."""
    matched = [name for name in dict.fromkeys(overlap["population"]) if study.all_populations[name].matching]
    return [_overlap(overlap, study, study.all_populations[name].of, name) for name in matched]


def _overlap(overlap: pd.DataFrame, study: Study, source: str, population: str) -> Figure:
    treated, reference = study.arms.treated, study.arms.reference
    said = []
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, 3.4))
        panels = drawing.subplots(1, 2, sharey=True)
        for axes, name, title in zip(panels, (source, population), ("Before matching", "After matching"), strict=True):
            frame = select(overlap, population=name)
            _mirrored(axes, select(frame, group=treated), 1, colours[0], study.arms.levels[treated])
            _mirrored(axes, select(frame, group=reference), -1, colours[1], study.arms.levels[reference])
            axes.axhline(0, color="0.2", linewidth=0.8)
            axes.set_title(title, fontsize=9)
            axes.set(xlim=(0, 1), xlabel="Propensity score")
            axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
            sizes = [int(select(frame, group=arm)["n"].sum()) for arm in (treated, reference)]
            said.append(f"{title.lower()} {sizes[0]} treated and {sizes[1]} others")
        panels[0].set_ylabel("Patients")
        place = {"loc": "upper left", "bbox_to_anchor": (0.08, 1.0), "ncols": 2, "frameon": False}
        drawing.legend(*panels[0].get_legend_handles_labels(), **place)
        mark(drawing, study)
        drawing.subplots_adjust(left=0.1, right=0.97, top=0.82, bottom=0.15, wspace=0.1)
    return Figure(
        f"overlap_{population}",
        f"Propensity score by arm{study.of_population(population)}",
        drawing,
        f"Mirrored histograms of the propensity score: {'; '.join(said)}.",
        ("Patients in twentieths of the score, one arm upwards and the other downwards.",),
        study.mark,
    )


def _mirrored(axes: Axes, frame: pd.DataFrame, side: int, colour: tuple, label: str) -> None:
    at = frame["at"].astype(float)
    width = 1 / max(len(frame), 1)
    style = {"width": 0.92 * width, "align": "edge", "color": colour, "linewidth": 0, "label": label}
    axes.bar(at, side * frame["n"], hatch=None if side > 0 else "///", edgecolor="white", **style)


def stability(stability: pd.DataFrame, *, study: Study) -> list[Figure]:
    """One figure a matched population: the hazard ratio under every order and caliper, a panel an endpoint."""
    return [
        _stability(select(stability, population=name, group=""), study, name)
        for name in dict.fromkeys(stability["population"])
    ]


def _stability(frame: pd.DataFrame, study: Study, population: str) -> Figure:
    endpoints, calipers = list(dict.fromkeys(frame["endpoint"])), list(dict.fromkeys(frame["at"]))
    orders, rule = list(dict.fromkeys(frame["model"])), study.all_populations[population].matching
    ends = frame[["hr_low", "hr_high"]].to_numpy()
    limits = max(0.02, np.nanmin(ends, initial=0.5) * 0.9), min(50, np.nanmax(ends, initial=2) * 1.1)
    with print_style() as colours:
        drawing = Drawing(figsize=(WIDTH, 0.9 + 2.5 * len(endpoints)))
        panels = drawing.subplots(len(endpoints), 1, sharex=True, squeeze=False)[:, 0]
        for axes, endpoint in zip(panels, endpoints, strict=True):
            axes.set(yscale="log", ylim=limits)
            axes.axhline(1, color="0.45", linewidth=0.8, zorder=0)
            for position, order in enumerate(orders):
                rows = select(frame, endpoint=endpoint, model=order).set_index("at").loc[calipers]
                x = np.arange(len(calipers)) + (position - (len(orders) - 1) / 2) * 0.15
                _marked(axes, x, rows, MARKERS[position], colours, ORDERS[order], _chosen(rows, order, rule))
            axes.set_title(textwrap.fill(study.endpoints[endpoint].label, 90), loc="left", fontsize=9)
            axes.set_ylabel("Hazard ratio")
            ticks = [tick for tick in HAZARD_TICKS if limits[0] <= tick <= limits[1]]
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        sizes = select(frame, endpoint=endpoints[0]).groupby("at", sort=False)["n"].agg(["min", "max"]) / 2
        labels = [f"{at or 'none'}\n{_range(sizes.loc[at])} pairs" for at in calipers]
        panels[-1].set_xticks(range(len(calipers)), labels)
        panels[-1].set_xlabel("Caliper, standard deviations")
        drawing.legend(*panels[0].get_legend_handles_labels(), loc="upper left", ncols=5, frameon=False, fontsize=8,
                       bbox_to_anchor=(0.03, 0.97), handletextpad=0.2, columnspacing=1)  # fmt: skip
        mark(drawing, study)
        top = 1 - 0.8 / (0.9 + 2.5 * len(endpoints))
        drawing.subplots_adjust(left=0.12, right=0.97, top=top, bottom=0.75 / (0.9 + 2.5 * len(endpoints)), hspace=0.22)
    said = []
    for endpoint in endpoints:
        hr = select(frame, endpoint=endpoint)["hr"].dropna()
        label = notation.within(study.endpoints[endpoint].label)
        if len(hr):
            said.append(f"{label} {notation.number(hr.min(), 2)} to {notation.number(hr.max(), 2)}")
    return Figure(
        f"stability_{population}",
        f"Hazard ratio for treatment under other ways of matching{study.of_population(population)}",
        drawing,
        f"Hazard ratios of {len(orders)} orders and {len(calipers)} calipers: {'; '.join(said)}.",
        (f"Bars: {study.level} confidence intervals. Filled: the pairs that are analysed. {CHOOSING}",),
        study.mark,
    )


def _chosen(rows: pd.DataFrame, order: str, rule: object) -> np.ndarray:
    """Which caliper of an order is the one the study matches with."""
    asked = "" if rule.caliper == "none" else at_label(rule.caliper)
    return (rows.index == asked) & (order == rule.order)


def _marked(
    axes: Axes, x: np.ndarray, rows: pd.DataFrame, marker: str, colours: list, label: str, chosen: np.ndarray
) -> None:
    bars = np.abs(rows[["hr_low", "hr_high"]].to_numpy().T - rows["hr"].to_numpy())
    axes.errorbar(x, rows["hr"], yerr=bars, fmt="none", ecolor="0.7", elinewidth=0.9, zorder=1)
    style = {"linestyle": "", "markersize": 5, "markeredgecolor": "0.25", "zorder": 2}
    axes.plot(x, rows["hr"], marker, markerfacecolor="white", label=label, **style)
    axes.plot(x[chosen], rows["hr"].to_numpy()[chosen], marker, **{**style, "markerfacecolor": darker(colours[0])})


def _range(sizes: pd.Series) -> str:
    low, high = int(sizes["min"]), int(sizes["max"])
    return f"{low}" if low == high else f"{low}{notation.DASH}{high}"
