"""The patients' table as text, cell by cell, with sentences that point at a row and never at a patient."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.cells import as_keys, folded, normal, plain
from helpers.cohort.files import read_file
from helpers.errors import CohortError, nearest
from helpers.study import Study, relative
from helpers.study.schema import FIRST_DAY

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FAR = 5
ZERO_DAYS = (date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1))
HIDDEN = "(an identifier, not shown)"


@dataclass(frozen=True)
class Table:
    """Every cell as stripped text ('' where empty), indexed by the file's own row number.

    `counted` tells rows read; `emptied` the codes that were found in each column and mean `empty` in the whole table;
    `codes` all that mean `empty` in a column, those of the whole table under "".
    """

    name: str
    cells: pd.DataFrame
    id_column: str | None = None
    counted: str = ""
    emptied: Mapping[str, list[str]] = field(default_factory=dict)
    codes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def without(self, codes: Iterable[object], columns: Iterable[str]) -> "Table":
        """The table with further codes that mean `empty` in some of its columns."""
        wanted = {plain(code) for code in codes}
        here = [column for column in columns if column in self.cells] if wanted else []
        changed = {column: self.cells[column].mask(normal(self.cells[column]).isin(wanted), "") for column in here}
        own = {column: self.codes.get(column, frozenset()) | wanted for column in here}
        return replace(self, cells=self.cells.assign(**changed), codes={**self.codes, **own}) if changed else self

    def problem(self, column: str, bad: pd.Series, saying: Callable[[str], str]) -> str | None:
        """One sentence on the first bad row of a column, and how many rows share the fault; None when none does."""
        if not bad.any():
            return None
        row = bad.idxmax()
        value = self.cells[column].get(row, "")
        shown = HIDDEN if self._identifies(value, row, column) else f"'{value[:30]}'"
        others = int(bad.sum()) - 1
        more = f" (and {others} more row{'s' if others > 1 else ''})" if others else ""
        return f"{self.name}, column '{column}', row {row}: {saying(shown)}{more}"

    def _identifies(self, value: str, row: int, column: str) -> bool:
        """Whether a value is or holds an identifier: this row's, or one of four characters or more anywhere."""
        if self.id_column is None:
            return False
        ids, text = self.cells[self.id_column], folded(value)
        own = column == self.id_column or plain(value) == ids.get(row)
        return own or any(folded(each) in text for each in ids if len(each) > 3)

    def numbers(self, column: str) -> tuple[pd.Series, str | None]:
        """A column as floats, NaN where empty, and the sentence on what is not a finite number.

        A code that means `empty` is one however it is written: 99, 099 and 99.00 are the same number.
        """
        text = self.cells[column]
        valid = text.str.fullmatch(NUMBER)
        values = pd.Series(np.nan, index=text.index)
        values[valid] = text[valid].astype(float)
        bad = (text != "") & ~(valid & np.isfinite(values))
        problem = self.problem(column, bad, lambda value: f"{value} is not a finite number")
        whole, own = (_numbers_of(self.codes.get(each, ())) for each in ("", column))
        spelt = {code: value for code, value in whole.items() if (values == value).any()}
        values = values.mask(values.isin([*whole.values(), *own.values()]))
        codes = {**_numbers_of(self.emptied.get(column, ())), **spelt}
        return values, problem or self._emptied(column, codes, values, _could_be)

    def dates(self, column: str, *, latest: date) -> tuple[pd.Series, str | None]:
        """A column as timestamps, NaT where empty, and the sentence on what is no date, or none of a patient's life.

        A day before `FIRST_DAY` or after `latest`, such as 9999-12-31, and the day that a spreadsheet writes for zero,
        stand for no date and are never read as one.
        """
        days = self.cells[column].map(_date)
        bad = (self.cells[column] != "") & days.isna()
        beyond = days.map(lambda day: day is not None and (day in ZERO_DAYS or not FIRST_DAY <= day <= latest))
        beyond = beyond.astype(bool)
        problem = self.problem(column, bad, lambda value: f"{value} is not a date written YYYY-MM-DD")
        problem = problem or self.problem(
            column,
            beyond,
            lambda value: (
                f"{value} is no day on which anything can have been recorded ({FIRST_DAY} to {latest}), but a "
                "placeholder or a slip; where it means that there is no date, name it in the entry 'missing' of the "
                "endpoint or variable"
            ),
        )
        values = pd.to_datetime(days.mask(beyond))
        codes = {code: day for code in self.emptied.get(column, []) if (day := _date(code))}
        return values, problem or self._emptied(column, codes, values.dt.date, _between)

    def _emptied(self, column: str, codes: dict, values: pd.Series, could_be: Callable) -> str | None:
        """The sentence on a code that means `empty` in the whole table, but could be a value of this column."""
        known = values.dropna()
        code = next((code for code, value in codes.items() if len(known) and could_be(value, known)), None)
        if code is None:
            return None
        least, most = (f"{end:g}" if isinstance(end, float) else f"{end}" for end in (known.min(), known.max()))
        return (
            f"{self.name}, column '{column}': '{code}' means empty in the whole table (entry 'cohort.missing') but may "
            f"be a value here, where the others are {least} to {most}; take it out of that list, and where it means "
            "empty name it in the entry 'missing' of the variable or endpoint"
        )

    def levels(self, column: str, allowed: list[str]) -> tuple[pd.Series, str | None]:
        """A column as categories in the order allowed, and the sentence on a value that is no level."""
        text = self.cells[column]
        values = text.where(text.isin(allowed), as_keys(text, allowed))
        bad = (text != "") & ~values.isin(allowed)
        first = text[bad].iloc[0] if bad.any() else ""
        hint = f"; allowed: {', '.join(allowed)}{nearest(first, allowed)}"
        problem = self.problem(column, bad, lambda value: f"{value} is not a level{hint}")
        return pd.Series(pd.Categorical(values.where(~bad), categories=allowed), index=text.index), problem


def _numbers_of(codes: Iterable[str]) -> dict[str, float]:
    """The codes that are numbers, with what they are."""
    return {code: float(code) for code in codes if NUMBER.fullmatch(code)}


def _could_be(code: float, known: pd.Series) -> bool:
    """Whether a number may be one of a column's: it has their sign and is not many times as large as they are."""
    return (code >= 0 or known.min() < 0) and abs(code) < FAR * known.abs().max()


def _between(code: date, known: pd.Series) -> bool:
    return known.min() <= code <= known.max()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def read_table(study: Study) -> Table:
    """Read the cohort's file. Raises CohortError where it cannot be read, as `read_file`, or holds no patients."""
    path = study.cohort_path
    name = study.cohort.source if ":" in study.cohort.source else relative(path)
    if ":" in study.cohort.source and not path.is_file():
        raise CohortError(
            f"{relative(study.file)}, entry 'cohort.source': there is no data set '{study.cohort.source}'"
        )
    table = table_of(path, name, missing=study.cohort.missing, id_column=study.cohort.id)
    if table.cells.empty:
        raise CohortError(f"{name}: the table has a header but no patients")
    return table


def table_of(path: Path, name: str, *, missing: Iterable[object], id_column: str | None) -> Table:
    """A file as a table, '' where a cell is one of `missing`, identifiers in their normal form.

    Raises CohortError as `read_file`.
    """
    file = read_file(path, name)
    rows = range(file.first, file.first + len(file.rows))
    cells = pd.DataFrame(file.rows, columns=file.header, index=rows, dtype=object)
    codes, emptied = {plain(code) for code in missing} - {""}, {}
    for column in cells if codes else []:
        empty = normal(cells[column]).isin(codes)
        emptied[column] = sorted(set(cells.loc[empty, column]))
        cells[column] = cells[column].mask(empty, "")
    if id_column not in cells:
        return Table(name, cells, None, file.counted(), emptied, {"": frozenset(codes)})
    named = cells.assign(**{id_column: normal(cells[id_column])})
    return Table(name, named, id_column, file.counted(), emptied, {"": frozenset(codes)})
