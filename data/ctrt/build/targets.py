"""The printed numbers a cohort is built to, by their key in the ledger of `published.csv`."""

from pathlib import Path

import pandas as pd

from helpers.ledger import KEY
from helpers.scorecard import decimals, printed

ARMS = ("non_ctrt", "ctrt")
PUBLISHED = Path(__file__).parents[1] / "published.csv"


class Targets:
    """Printed numbers looked up by key; parts of the key that are not given are empty, the population is `primary`."""

    def __init__(self) -> None:
        rows = pd.read_csv(PUBLISHED, dtype=str, keep_default_na=False)
        self._printed = {tuple(row[name] for name in KEY): row["printed"] for row in rows.to_dict("records")}

    def printed(self, analysis: str, statistic: str, **key: str) -> str:
        """The characters on the page. Raises KeyError for a number that is not printed."""
        return self._printed[self._key(analysis, statistic, key)]

    def window(self, analysis: str, statistic: str, **key: str) -> tuple[float, float]:
        """The values that are printed so: from half a unit of the last digit below to half a unit above.

        An estimate and its limits have the digits of the longest of the three, as in the scorecard.
        """
        stem = statistic.removesuffix("_low").removesuffix("_high")
        family = [self._printed.get(self._key(analysis, stem + end, key), "") for end in ("", "_low", "_high")]
        page = printed(self.printed(analysis, statistic, **key), max(map(decimals, family)))
        if page.bound:
            return (0.0, page.value) if page.bound == "<" else (page.value, 1.0)
        return page.value - page.half, page.value + page.half

    def _key(self, analysis: str, statistic: str, key: dict[str, str]) -> tuple[str, ...]:
        whole = {"population": "primary", **key, "analysis": analysis, "statistic": statistic}
        return tuple(whole.get(name, "") for name in KEY)

    def count(self, variable: str, level: str, group: str, **key: str) -> int:
        """Patients in a level."""
        return int(self.printed("count", "n", variable=variable, level=level, group=group, **key))

    def size(self, group: str) -> int:
        """Patients of an arm, or of both."""
        return int(self.printed("count", "n", group=group))
