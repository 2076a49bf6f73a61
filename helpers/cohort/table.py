"""The patients' table as text, cell by cell, with sentences that point at a row and never at a patient."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.errors import CohortError, nearest
from helpers.study import Study, relative

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FORMATS = (".csv", ".parquet")
HIDDEN = "(an identifier, not shown)"


@dataclass(frozen=True)
class Table:
    """Every cell as stripped text ('' where empty), indexed by the file's own row number."""

    name: str
    cells: pd.DataFrame
    id_column: str | None = None

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
        ids = self.cells[self.id_column]
        return column == self.id_column or value == ids.get(row) or any(len(each) > 3 and each in value for each in ids)

    def numbers(self, column: str) -> tuple[pd.Series, str | None]:
        """A column as floats, NaN where empty, and the sentence on what is not a finite number."""
        text = self.cells[column]
        valid = text.str.fullmatch(NUMBER)
        values = pd.Series(np.nan, index=text.index)
        values[valid] = text[valid].astype(float)
        bad = (text != "") & ~(valid & np.isfinite(values))
        return values, self.problem(column, bad, lambda value: f"{value} is not a finite number")

    def dates(self, column: str) -> tuple[pd.Series, str | None]:
        """A column as timestamps, NaT where empty, and the sentence on what is not a date."""
        values = self.cells[column].map(_date)
        bad = (self.cells[column] != "") & values.isna()
        return values, self.problem(column, bad, lambda value: f"{value} is not a date written YYYY-MM-DD")

    def levels(self, column: str, allowed: list[str]) -> tuple[pd.Series, str | None]:
        """A column as categories in the order allowed, and the sentence on a value that is no level."""
        text = self.cells[column]
        values = text.where(text.isin(allowed), text.map(plain))
        bad = (text != "") & ~values.isin(allowed)
        first = text[bad].iloc[0] if bad.any() else ""
        hint = f"; allowed: {', '.join(allowed)}{nearest(first, allowed)}"
        problem = self.problem(column, bad, lambda value: f"{value} is not a level{hint}")
        return pd.Series(pd.Categorical(values.where(~bad), categories=allowed), index=text.index), problem


def plain(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates as YYYY-MM-DD, nothing for missing."""
    if isinstance(value, pd.Timestamp | date):
        return value.strftime("%Y-%m-%d") if value == value else ""
    if value is None or value != value or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | float | np.integer | np.floating):
        return str(int(value)) if value == int_or_nan(value) else repr(float(value))
    text = str(value).strip()
    return str(int(float(text))) if re.fullmatch(r"[+-]?\d+\.0+", text) else text


def int_or_nan(value: float) -> float:
    """The value itself when it is whole, else NaN; infinities are not whole."""
    return float(int(value)) if np.isfinite(value) and float(value).is_integer() else np.nan


def _date(text: str) -> pd.Timestamp:
    try:
        parsed = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        parsed = None
    return pd.NaT if parsed is None else pd.Timestamp(parsed)


def read_table(study: Study) -> Table:
    """Read the cohort's file.

    Raises CohortError for a missing, empty, binary or ragged file, an unknown format and a column given twice.
    """
    path = study.cohort_path
    name = study.cohort.source if ":" in study.cohort.source else relative(path)
    if ":" in study.cohort.source and not path.is_file():
        raise CohortError(
            f"{relative(study.file)}, entry 'cohort.source': there is no data set '{study.cohort.source}'"
        )
    cells = read_cells(path, name, missing=study.cohort.missing)
    if cells.empty:
        raise CohortError(f"{name}: the table has a header but no patients")
    return Table(name, cells, study.cohort.id if study.cohort.id in cells else None)


def read_cells(path: Path, name: str, *, missing: list[str]) -> pd.DataFrame:
    """Every cell of a file as stripped text, '' where it is one of `missing`, indexed by the file's own row number.

    Raises CohortError for a missing, empty, binary or ragged file, an unknown format and a column given twice.
    """
    if path.is_dir():
        raise CohortError(f"{name}: this is a folder, not a file")
    if not path.is_file():
        files = [each.name for each in path.parent.iterdir() if each.suffix in FORMATS] if path.parent.is_dir() else []
        raise CohortError(f"{name}: there is no such file{nearest(path.name, files)}")
    if path.stat().st_size == 0:
        raise CohortError(f"{name}: the file is empty")
    if path.suffix not in FORMATS:
        raise CohortError(f"{name}: a table is a {' or '.join(FORMATS)} file, not '{path.suffix}'")
    header, rows, first = _parquet(path, name) if path.suffix == ".parquet" else read_csv(path, name)
    twice = next((column for column in header if header.count(column) > 1), None)
    if twice is not None:
        raise CohortError(f"{name}: column '{twice}' is given twice")
    cells = pd.DataFrame(rows, columns=header, index=range(first, first + len(rows)), dtype=object)
    return cells.map(lambda value: "" if value in missing else value)


def read_csv(path: Path, name: str) -> tuple[list[str], list[list[str]], int]:
    """Header, rows of stripped cells, and the first row's number in the file.

    Raises CohortError for what is not CSV in UTF-8 with commas and as many cells in each row as in the header.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CohortError(f"{name}: this is not a text file in UTF-8; save the table as CSV UTF-8") from None
    if "\0" in text:
        raise CohortError(f"{name}: this is a binary file, not CSV")
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        header, *rows = [[cell.strip() for cell in row] for row in csv.reader(lines)] or [[]]
    except csv.Error as error:
        raise CohortError(f"{name}: this cannot be read as CSV: {error}") from None
    separator = next((each for each in ";\t|" if len(header) == 1 and each in header[0]), None)
    if separator:
        shown = "tabs" if separator == "\t" else f"'{separator}'"
        raise CohortError(
            f"{name}: columns are separated by {shown} here; save the table with commas (and decimal points)"
        )
    while rows and not any(rows[-1]):
        rows.pop()
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise CohortError(f"{name}, row {number}: the header has {len(header)} cells, this row {len(row)}")
    return header, rows, 2


def _parquet(path: Path, name: str) -> tuple[list[str], list[list[str]], int]:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError):
        raise CohortError(f"{name}: this is not a Parquet file") from None
    columns = [frame.iloc[:, position].map(plain) for position in range(frame.shape[1])]
    return [str(column) for column in frame.columns], [list(row) for row in zip(*columns, strict=True)], 1
