"""A file of patients or of events as text: every cell stripped, every row with its own number in the file."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.cells import plain
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


@dataclass(frozen=True)
class _Record:
    """One row as it was read and the lines of the file it came from."""

    cells: list[str]
    lines: list[str]

    def open_quote(self, width: int) -> int | None:
        """The position of a cell that runs over lines because its quotation mark is not closed in its row.

        Such a cell breaks the rules of quoting, makes the row ragged, or holds lines that are rows of their own.
        """
        running = [position for position, cell in enumerate(self.cells) if "\n" in cell]
        if len(self.lines) == 1 or not running:
            return None
        try:
            list(csv.reader(self.lines, strict=True))
        except csv.Error:
            return running[0]
        if len(self.cells) != width:
            return running[0]
        return next((each for each in running if _holds_rows(self.cells[each], each, width)), None)


def _holds_rows(cell: str, position: int, width: int) -> bool:
    first, *between, last = (line.count(",") for line in cell.split("\n"))
    whole = width - 1
    return any(commas >= whole for commas in between) or (first >= whole - position and last >= position)


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
    header, *records = list(_records(lines, name)) or [_Record([], [])]
    separator = next((each for each in ";\t|" if len(header.cells) == 1 and each in header.cells[0]), None)
    if separator:
        shown = "tabs" if separator == "\t" else f"'{separator}'"
        raise CohortError(
            f"{name}: columns are separated by {shown} here; save the table with commas (and decimal points)"
        )
    while records and not any(cell.strip() for cell in records[-1].cells):
        records.pop()
    names = [cell.strip() for cell in header.cells]
    for number, record in enumerate([header, *records], start=1):
        _check_row(record, names, f"{name}, row {number}")
    rows = [[cell.strip() for cell in record.cells] for record in records]
    return File(names, rows, 2, len(lines))


def _records(lines: list[str], name: str) -> Iterator[_Record]:
    reader, begins, row = csv.reader(lines), 0, 1
    try:
        for cells in reader:
            yield _Record(cells, lines[begins : reader.line_num])
            begins, row = reader.line_num, row + 1
    except csv.Error as error:
        if reader.line_num > begins + 1:
            raise CohortError(_not_closed(f"{name}, row {row}", reader.line_num - begins)) from None
        raise CohortError(f"{name}, row {row}: this cannot be read as CSV: {error}") from None


def _check_row(record: _Record, names: list[str], where: str) -> None:
    position = record.open_quote(len(names))
    if position is not None:
        inside = position < len(names) and "\n" not in names[position]
        column = f", column '{names[position]}'" if inside else ""
        raise CohortError(_not_closed(f"{where}{column}", len(record.lines)))
    if len(record.cells) != len(names):
        raise CohortError(f"{where}: the header has {len(names)} cells, this row {len(record.cells)}")


def _not_closed(where: str, lines: int) -> str:
    return (
        f"{where}: a quotation mark is opened here and not closed in its row, so the cell runs over {lines} lines and "
        "swallows the rows in them; close it, or take it out"
    )


def _parquet(path: Path, name: str) -> File:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError):
        raise CohortError(f"{name}: this is not a Parquet file") from None
    frame = frame.reset_index(level=[level for level in frame.index.names if level is not None])
    columns = [frame.iloc[:, position].map(plain) for position in range(frame.shape[1])]
    return File([str(column) for column in frame.columns], [list(row) for row in zip(*columns, strict=True)], 1)
