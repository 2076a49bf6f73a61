"""The results ledger: every number the report states is one row of a long table.

The key is `population, endpoint, analysis, model, variable, level, group, statistic, at`; `value` is a number, empty
when it cannot be estimated; `section`, `method` (how, or why not) and `reference` (what a contrast is against) describe
it. The shape follows CDISC's Analysis Results Standard (2024). Estimates are wide: the key without `statistic`, one
column a statistic, `method`, `reference` and `not_estimable`, which maps a statistic to the reason it is empty.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.errors import ParameterError
from helpers.ledger.vocabulary import (
    ANALYSES,
    CANNOT_HAVE_IT,
    COLUMNS,
    DESCRIPTION,
    E_VALUES,
    FITTED,
    INFINITE,
    KEY,
    NOBODY_HAS_IT,
    NOBODY_LEFT,
    NOT_REACHED,
    STATISTICS,
    STATISTICS_OF,
    WIDE_KEY,
)
from helpers.thresholds import SAME


def percent(n: float, of: float) -> float:
    """What share `n` is of `of`, 0 to 100; NaN of nobody. Every share of counted patients is this one."""
    return 100 * float(n) / float(of) if of else np.nan


def fit_statistics(analysis: str) -> list[str]:
    """The statistics of a Cox analysis that the fit itself gives, E-values left to who computes them."""
    return [name for name in STATISTICS_OF[analysis] if name not in E_VALUES]


def at_label(at: float | str) -> str:
    """Write a time or value as the ledger's `at`: `12`, never `12.0`."""
    return at if isinstance(at, str) else np.format_float_positional(at, trim="-")


def wide(records: Iterable[Mapping], statistics: list[str]) -> pd.DataFrame:
    """One row a record in the shape of every estimate: key, `statistics` in their order, description.

    A number too large to be one has the reason `INFINITE` in its place.
    """
    records = list(records)
    given = {name: [record.get(name) for record in records] for name in [*WIDE_KEY, *statistics, *DESCRIPTION]}
    for name in [*WIDE_KEY, "method", "reference"]:
        given[name] = ["" if value is None or value != value else str(value) for value in given[name]]
    given["not_estimable"] = [{} if value is None or value != value else value for value in given["not_estimable"]]
    kinds = {name: float if name in statistics else object for name in given}
    frame = pd.DataFrame({name: np.array(values, dtype=kinds[name]) for name, values in given.items()})
    infinite = np.isinf(frame[statistics].to_numpy())
    for row in np.flatnonzero(infinite.any(axis=1)):
        names = [name for name, each in zip(statistics, infinite[row], strict=True) if each]
        frame.loc[row, names] = np.nan
        frame.at[row, "not_estimable"] = dict.fromkeys(names, INFINITE) | frame.at[row, "not_estimable"]
    return frame


def statistics_of(frame: pd.DataFrame) -> list[str]:
    """The statistic columns of a wide frame."""
    return [name for name in frame.columns if name not in {*WIDE_KEY, *DESCRIPTION, "section"}]


def melt(frames: Iterable[pd.DataFrame], section: str) -> pd.DataFrame:
    """Estimates as ledger rows; a statistic that is neither a number nor named in `not_estimable` has no row."""
    rows = []
    for frame in frames:
        names = statistics_of(frame)
        for record in frame.to_dict("records"):
            key = {name: record[name] for name in WIDE_KEY}
            for name in names:
                value, reason = record[name], record["not_estimable"].get(name)
                if value == value or reason:
                    row = {**key, "statistic": name, "value": value, "section": section}
                    rows.append({**row, "method": reason or record["method"], "reference": record["reference"]})
    return joined([pd.DataFrame(rows, columns=COLUMNS)])


def validate(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger if it keeps its contract, else raise ValueError naming the first row that does not."""
    if list(rows.columns) != COLUMNS:
        raise ValueError(f"a ledger has the columns {COLUMNS}, not {list(rows.columns)}")
    for name, vocabulary in (("analysis", ANALYSES), ("statistic", STATISTICS)):
        unknown = sorted(set(rows[name]) - set(vocabulary))
        if unknown:
            raise ValueError(f"{name} '{unknown[0]}' is not in the ledger's vocabulary")
    for analysis, name in sorted(set(zip(rows["analysis"], rows["statistic"], strict=True))):
        if name not in STATISTICS_OF[analysis]:
            raise ValueError(f"statistic '{name}' is none of {analysis}'s ({', '.join(STATISTICS_OF[analysis])})")
    repeated = rows[rows.duplicated(KEY)]
    if len(repeated):
        raise ValueError(f"two rows share the key {repeated[KEY].iloc[0].to_dict()}")
    nameless = rows[rows["analysis"].isin(FITTED) & (rows["model"] == "")]
    if len(nameless):
        raise ValueError(f"a fitted row needs a model: {nameless[KEY].iloc[0].to_dict()}")
    malformed = [at for at in rows["at"].unique() if at and at != at_label(float(at))]
    if malformed:
        raise ValueError(f"`at` is written {at_label(float(malformed[0]))}, not {malformed[0]}")
    return rows


def pivot(rows: pd.DataFrame) -> pd.DataFrame:
    """The wide frame back from ledger rows, in their order, with every statistic its analyses can have."""
    analyses = dict.fromkeys(rows["analysis"])
    statistics = list(dict.fromkeys(name for analysis in analyses for name in STATISTICS_OF[analysis]))
    records: dict[tuple, dict] = {}
    for row in rows.to_dict("records"):
        key = tuple(row[name] for name in WIDE_KEY)
        record = records.setdefault(key, {**dict(zip(WIDE_KEY, key, strict=True)), "not_estimable": {}, "method": ""})
        record[row["statistic"]] = row["value"]
        record["reference"] = row["reference"]
        if row["value"] == row["value"]:
            record["method"] = row["method"]
        else:
            record["not_estimable"][row["statistic"]] = row["method"]
    return wide(records.values(), statistics)


def select(rows: pd.DataFrame, **key: str | list[str]) -> pd.DataFrame:
    """Rows whose key columns hold the given value, or one of the given values; works on long and wide frames."""
    keep = np.full(len(rows), True)
    for name, wanted in key.items():
        keep &= rows[name].to_numpy() == wanted if isinstance(wanted, str) else rows[name].isin(wanted).to_numpy()
    return rows[keep]


def write(rows: pd.DataFrame, path: Path) -> None:
    """Write the ledger as CSV, numbers to their last digit."""
    rows.to_csv(path, index=False)


def read(path: Path) -> pd.DataFrame:
    """Read a ledger written by `write`, number for number."""
    text = {name: str for name in COLUMNS if name != "value"}
    rows = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"value": [""]}, float_precision="round_trip")
    return validate(rows)


def leave(frames: Iterable[pd.DataFrame], section: str, results_dir: str | None) -> pd.DataFrame:
    """A section's rows; where the runner gave a `results_dir` they are left there for the sections that run last."""
    rows = melt(frames, section)
    if results_dir is not None:
        folder = Path(results_dir)
        if not folder.is_dir():
            raise ParameterError(f"results_dir '{results_dir}' is not a folder")
        write(rows, folder / f"{section}.csv")
    return rows


def merged(results_dir: str | Path) -> pd.DataFrame:
    """All rows that sections left in a folder, in section order; a number that two sections left is one row."""
    return joined([read(path) for path in sorted(Path(results_dir).glob("[0-9][0-9]_*.csv"))])


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Ledgers as one, a number that several give once; raises ValueError where they give the same key another value.

    Values are the same up to `SAME`, what the order of a sum may change.
    """
    full = [part for part in parts if len(part)]
    rows = pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=COLUMNS)
    again = rows.duplicated(KEY)
    if again.any():
        both = rows[again].merge(rows[~again], on=KEY, suffixes=("", "_first"))
        value, first = (both[name].astype(float) for name in ("value", "value_first"))
        other = both[~np.isclose(value, first, rtol=SAME, atol=0, equal_nan=True)]
        if len(other):
            row = other.iloc[0]
            named = ", ".join(f"{name} {row[name]}" for name in KEY if row[name])
            raise ValueError(f"one number has two values, {row['value_first']} and {row['value']}: {named}")
    return validate(rows[~again].reset_index(drop=True))


__all__ = [
    "ANALYSES",
    "CANNOT_HAVE_IT",
    "COLUMNS",
    "DESCRIPTION",
    "E_VALUES",
    "FITTED",
    "INFINITE",
    "KEY",
    "NOBODY_HAS_IT",
    "NOBODY_LEFT",
    "NOT_REACHED",
    "STATISTICS",
    "STATISTICS_OF",
    "WIDE_KEY",
    "at_label",
    "fit_statistics",
    "joined",
    "leave",
    "melt",
    "merged",
    "percent",
    "pivot",
    "read",
    "select",
    "statistics_of",
    "validate",
    "wide",
    "write",
]
