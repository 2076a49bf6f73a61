"""A file of patients or of events as text: every cell stripped, every row with its own number in the file."""

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.cells import plain
from helpers.cohort.quoting import rows_of
from helpers.errors import CohortError, nearest

FORMATS = (".csv", ".parquet")


@dataclass(frozen=True)
class File:
    """Column names, rows of text, the number of the first row in the file, and how many lines hold them (CSV)."""

    header: list[str]
    rows: list[list[str]]
    first: int
    lines: int | None = None

    def counted(self) -> str:
        """Rows against lines, as the check tells them."""
        rows = f"{len(self.rows)} row{'s' * (len(self.rows) != 1)}"
        if self.lines is None:
            return rows
        broken = sum(any("\n" in cell for cell in row) for row in self.rows)
        return f"{rows} in {self.lines} lines" + (f", {broken} with line breaks in a cell" if broken else "")


def read_file(path: Path, name: str) -> File:
    """Every cell of a CSV or Parquet file as stripped text.

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
    file = _parquet(path, name) if path.suffix == ".parquet" else read_csv(path, name)
    twice = next((column for column in file.header if file.header.count(column) > 1), None)
    if twice is not None:
        raise CohortError(f"{name}: column '{twice}' is given twice")
    return file


def read_csv(path: Path, name: str) -> File:
    """A CSV file; its first row is number 2, after the header.

    Raises CohortError for what is not CSV in UTF-8 with commas, as many cells in each row as in the header and every
    quotation mark closed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CohortError(f"{name}: this is not a text file in UTF-8; save the table as CSV UTF-8") from None
    if "\0" in text:
        raise CohortError(f"{name}: this is a binary file, not CSV")
    lines = list(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")))
    first = lines[0] if lines else ""
    separator = next((each for each in ";\t|" if "," not in first and each in first), None)
    if separator:
        shown = "tabs" if separator == "\t" else f"'{separator}'"
        raise CohortError(
            f"{name}: columns are separated by {shown} here; save the table with commas (and decimal points)"
        )
    header, *rows = ([cell.strip() for cell in row] for row in rows_of(lines, name) or [[]])
    return File(header, rows, 2, len(lines))


def _parquet(path: Path, name: str) -> File:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError):
        raise CohortError(f"{name}: this is not a Parquet file") from None
    frame = frame.reset_index(level=[level for level in frame.index.names if level not in {None, *frame.columns}])
    columns = [frame.iloc[:, position].map(plain) for position in range(frame.shape[1])]
    return File([str(column) for column in frame.columns], [list(row) for row in zip(*columns, strict=True)], 1)
