"""What R computed, read from `reference/`, and the one way it is compared.

Equal means |difference| <= 1e-8 |reference| + 1e-11. P values below 1e-12 are compared through their statistics.
"""

import csv
import re
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parent / "reference"
Key = tuple[str, str, str, str]


def reference(name: str) -> dict[Key, float]:
    """Rows of a reference file: dataset, analysis, term and statistic to value, NaN where R has none."""
    with (REFERENCE / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = {"NA": np.nan}
    return {
        (row["dataset"], row["analysis"], row["term"], row["statistic"]): values.get(row["value"])
        or float(row["value"])
        for row in rows
    }


def left_out(name: str, key: Key) -> str | None:
    """Why a row is not compared, if left_out.csv says so; `*` stands for anything."""
    with (REFERENCE / "left_out.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            patterns = [re.escape(row[part]).replace(r"\*", ".*") for part in ("dataset", "analysis", "statistic")]
            told = zip(patterns, (key[0], key[1], key[3]), strict=True)
            if row["file"] == name and all(re.fullmatch(pattern, text) for pattern, text in told):
                return row["reason"]
    return None


def compare(name: str, computed: dict[Key, float], record_property) -> None:
    """Hold every reference row against what the project computes, and report the worst difference."""
    worst, compared, wrong, unexplained = 0.0, 0, [], []
    for key, expected in reference(name).items():
        if key not in computed:
            if left_out(name, key) is None:
                unexplained.append(key)
            continue
        value = computed[key]
        if key[3].endswith(("p", "p_correct", "p_yates", "p_nocorrect")) and 0 <= expected < 1e-12:
            assert value < 1e-11
            continue
        compared += 1
        if np.isnan(expected) or np.isnan(value):
            if np.isnan(expected) != np.isnan(value):
                wrong.append((key, expected, value))
            continue
        difference = abs(value - expected)
        worst = max(worst, difference / (abs(expected) + 1e-3))
        if difference > 1e-8 * abs(expected) + 1e-11:
            wrong.append((key, expected, value))
    record_property("agreement", f"{name}: {compared} values equal R's, worst relative difference {worst:.1e}")
    assert unexplained == []
    assert wrong == [], wrong[:8]
    assert compared > 50


def analyses(name: str) -> list[tuple[str, str]]:
    """The analyses of a reference file, each with its data set."""
    return list(dict.fromkeys((key[0], key[1]) for key in reference(name)))
