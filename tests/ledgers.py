"""The ledgers of three studies written to a folder, and two such folders compared row by row.

`python tests/ledgers.py write FOLDER` writes those of ctrt, gbsg2 and stent; `python tests/ledgers.py compare A B` lists
what came, what went and what moved, to a relative 1e-12, and exits with 1 if anything did. `--all` lists every row.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import ledger
from helpers.cohort import read_cohort
from helpers.results import results
from helpers.study import read_study
from helpers.thresholds import SAME

STUDIES = ("data/ctrt", "data/gbsg2", "tests/studies/stent")


def write(folder: Path) -> None:
    """The ledger of each study, as results.csv of a report has it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in STUDIES:
        study = read_study(name)
        ledger.write(results(study, read_cohort(study)), folder / f"{study.name}.csv")
        print(f"{study.name}: written", flush=True)


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Rows that differ, `what` telling how: gone, new, value, reason (why there is none), or another order."""
    both = before.merge(after, on=ledger.KEY, how="outer", suffixes=("", "_after"), indicator="side", sort=False)
    value, later = both["value"], both["value_after"]
    moved = ~np.isclose(value, later, rtol=SAME, atol=0, equal_nan=True)
    reason = value.isna() & later.isna() & (both["method"] != both["method_after"])
    what = np.select(
        [both["side"] == "left_only", both["side"] == "right_only", moved, reason],
        ["gone", "new", "value", "reason"],
        "",
    )
    found = both.assign(what=what)[lambda rows: rows["what"] != ""]
    same = [list(map(tuple, rows[ledger.KEY].to_numpy())) for rows in (before, after)]
    if len(found) == 0 and same[0] != same[1]:
        found = both.head(1).assign(what="order")
    return found


def compare(one: Path, other: Path, *, every: bool) -> int:
    """Print what differs in each study; the number of rows that do."""
    total = 0
    for name in (Path(each).name for each in STUDIES):
        before, after = (ledger.read(folder / f"{name}.csv") for folder in (one, other))
        found = compared(before, after)
        total += len(found)
        print(f"{name}: {len(before)} rows before, {len(after)} after, {len(found)} differ")
        if len(found):
            print(found.groupby(["what", "analysis", "statistic"]).size().to_string())
        if every and len(found):
            print(found[["what", *ledger.KEY, "value", "value_after"]].to_csv(index=False))
    return total


if __name__ == "__main__":
    command, *folders = [each for each in sys.argv[1:] if each != "--all"]
    if command == "write":
        write(Path(folders[0]))
    else:
        sys.exit(bool(compare(*map(Path, folders), every="--all" in sys.argv)))
