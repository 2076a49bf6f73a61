"""Rows of a CSV file, and the quotation mark that is opened in one of them and never closed.

Such a mark makes one cell of all that follows up to the next mark, so patients vanish between file and table. A cell
may hold line breaks by right, so what tells is that the rules of quoting are broken, that the row is ragged, or that
lines of the cell are like rows of the table.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from helpers.errors import CohortError

SHAPES = {"empty": r"", "number": r"[+-]?[\d.]+([eE][+-]?\d+)?", "date": r"\d{4}-\d{2}-\d{2}", "text": r"(?s).+"}
REPEATED = 3


@dataclass(frozen=True)
class _Record:
    """One row as it was read and the lines of the file it came from."""

    cells: list[str]
    lines: list[str]

    def fault(self) -> str:
        """What rule of quoting its lines break, if any."""
        try:
            list(csv.reader(self.lines, strict=True))
        except csv.Error as error:
            return str(error)
        return ""

    def open_quote(self, width: int, columns: "list[_Column]") -> int | None:
        """The position of a cell that runs over lines because its quotation mark is not closed in its row."""
        running = [position for position, cell in enumerate(self.cells) if "\n" in cell]
        if len(self.lines) == 1 or not running:
            return None
        if len(self.cells) != width or self.fault():
            return running[0]
        return next((each for each in running if _holds_rows(self.cells[each], each, columns)), None)


def rows_of(lines: list[str], name: str) -> list[list[str]]:
    """The rows of a file, its header first, less empty ones at its end.

    Raises CohortError for the first row whose quotation marks are not closed, or that has not the header's cells, and
    for a cell longer than a cell can be.
    """
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        rows = []
    if len(rows) == len(lines) > 0 and all(len(row) == len(rows[0]) for row in rows):
        return _ended(rows)
    found = list(_read(lines, name))
    kept = len(_ended([record.cells for record in found]))
    _check(found[:kept], name)
    return [record.cells for record in found[:kept]]


def _ended(rows: list[list[str]]) -> list[list[str]]:
    """The rows up to the last that holds something."""
    last = next((place for place in range(len(rows), 0, -1) if any(cell.strip() for cell in rows[place - 1])), 0)
    return rows[: max(last, 1)]


def _read(lines: list[str], name: str) -> Iterator[_Record]:
    reader, begins, row = csv.reader(lines), 0, 1
    try:
        for cells in reader:
            yield _Record(cells, lines[begins : reader.line_num])
            begins, row = reader.line_num, row + 1
    except csv.Error as error:
        if reader.line_num > begins + 1:
            raise CohortError(_not_closed(f"{name}, row {row}", reader.line_num - begins)) from None
        raise CohortError(f"{name}, row {row}: this cannot be read as CSV: {error}") from None


def _check(rows: Sequence[_Record], name: str) -> None:
    names = [cell.strip() for cell in rows[0].cells] if rows else []
    columns = _columns(rows[1:], len(names))
    for number, record in enumerate(rows, start=1):
        where, position = f"{name}, row {number}", record.open_quote(len(names), columns)
        if position is not None:
            inside = position < len(names) and "\n" not in names[position]
            column = f", column '{names[position]}'" if inside else ""
            raise CohortError(_not_closed(f"{where}{column}", len(record.lines)))
        if len(record.cells) != len(names):
            raise CohortError(f"{where}: the header has {len(names)} cells, this row {len(record.cells)}")
        if '"' in record.lines[0] and record.fault():
            raise CohortError(
                f"{where}: a cell begins with a quotation mark that is not closed at its end; close it, and write one "
                "that belongs to the text twice"
            )


def _not_closed(where: str, lines: int) -> str:
    return (
        f"{where}: a quotation mark is opened here and not closed in its row, so the cell runs over {lines} lines and "
        "swallows the rows in them; close it, or take it out (or the line breaks, if all of it is text)"
    )


@dataclass(frozen=True)
class _Column:
    """What the cells of a column look like; `values` are all there are, where each stands for several rows."""

    shapes: frozenset[str] = frozenset(SHAPES)
    values: frozenset[str] | None = None

    def takes(self, cell: str) -> bool:
        """Whether a cell may be one of the column."""
        return cell in self.values if self.values else _shape(cell) in self.shapes


def _shape(cell: str) -> str:
    """What a cell looks like: nothing, a number, a date or text."""
    return next(name for name, pattern in SHAPES.items() if re.fullmatch(pattern, cell))


def _columns(rows: Iterable[_Record], width: int) -> list[_Column]:
    """The columns as their cells of one line have them; where there is none, anything may be in them."""
    whole = [record.cells for record in rows if len(record.cells) == width]
    known = []
    for column in zip(*whole, strict=True):
        cells = [cell.strip() for cell in column if "\n" not in cell]
        values = frozenset(cells)
        shapes = {"empty", *map(_shape, values)}
        known.append(
            _Column()
            if not cells
            else _Column(
                frozenset(SHAPES if "text" in shapes else shapes),
                values if "text" in shapes and len(values) * REPEATED <= len(cells) else None,
            )
        )
    return known or [_Column()] * width


def _holds_rows(cell: str, position: int, columns: list[_Column]) -> bool:
    """Whether a line between the first and the last is like a row, or these two are like the rows they would be."""
    first, *between, last = ([part.strip(' "') for part in line.split(",")] for line in cell.split("\n"))
    if any(_like(line, columns) for line in between):
        return True
    after = len(columns) - position - 1
    return _like(first[1:][-after:] if after else [], columns[position + 1 :]) and _like(
        last[:position], columns[:position]
    )


def _like(cells: list[str], columns: list[_Column]) -> bool:
    """Whether there is a cell for each column, and each may be one of it."""
    return len(cells) >= len(columns) and all(column.takes(each) for each, column in zip(cells, columns, strict=False))
