"""A table as a Word document a journal takes: three rules, repeated header, notes under it."""

import io
import zipfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph

from helpers.exhibits import Table
from helpers.sources import checksum
from helpers.store import key_of, store

FONT = "Times New Roman"
WIDE = 6
CELL = "Table cell"


def write(table: Table, number: str, path: Path) -> None:
    """Write `Table <number>. <title>`, the table and its notes to `path`; `mark` heads every page."""
    table = table.resolved()
    beside, key = store(), key_of("word", checksum(__name__), version("python-docx"), asdict(table), number)
    found = beside.read(key)
    if found is None:
        out = io.BytesIO()
        _document(table, number).save(out)
        found = _undated(out.getvalue())
        beside.write(key, found)
    path.write_bytes(found)


def _undated(content: bytes) -> bytes:
    """A document without the hour it was packed at, so that the same table is the same file."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as again:
        for each in packed.infolist():
            again.writestr(zipfile.ZipInfo(each.filename), packed.read(each), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _document(table: Table, number: str) -> DocumentType:
    document = Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(10)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    document.core_properties.title, document.core_properties.author = table.title, ""
    cell = document.styles.add_style(CELL, WD_STYLE_TYPE.PARAGRAPH)
    cell.base_style, cell.font.size = style, Pt(9)
    cell.paragraph_format.space_before = cell.paragraph_format.space_after = Pt(1)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    if len(table.header) > WIDE:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
    section.left_margin = section.right_margin = Cm(2)
    section.header.paragraphs[0].text = table.mark
    heading = document.add_paragraph()
    heading.add_run(f"Table {number}. ").bold = True
    heading.add_run(table.title)
    heading.paragraph_format.keep_with_next = True
    if table.lead:
        _compact(document.add_paragraph(table.lead), Pt(10))
    _body(document, table, section.page_width - section.left_margin - section.right_margin)
    for note in table.footnotes:
        _compact(document.add_paragraph(note), Pt(8))
    return document


def _body(document: Document, table: Table, available: int) -> None:
    above = 1 if table.spanners else 0
    grid = document.add_table(rows=above + 1 + len(table.rows), cols=len(table.header))
    grid.autofit = False
    widths, rows = _widths(table, available), list(grid.rows)
    cells = [row.cells for row in rows]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for row in cells:
        for cell, width in zip(row, widths, strict=True):
            cell.width = width
    for row in rows:
        _mark(row, "w:cantSplit")
    for row in rows[: above + 1]:
        _mark(row, "w:tblHeader")
    _rule(cells[0], "top", 12)
    _rule(cells[above], "bottom", 6)
    _rule(cells[-1], "bottom", 12)
    _header(cells, table, above)
    for row, own in zip(table.rows, cells[above + 1 :], strict=True):
        for column, text in enumerate(row.cells[:1] if row.heading else row.cells):
            _fill(own[column], text, bold=row.heading, centred=column > 0)
        if row.heading:
            own[0].merge(own[-1])
        if row.indent:
            own[0].paragraphs[0].paragraph_format.left_indent = Cm(0.4)


def _header(cells: list[tuple[_Cell, ...]], table: Table, above: int) -> None:
    """The row of column heads under its spanners."""
    start = 0
    for label, n in table.spanners:
        _fill(cells[0][start].merge(cells[0][start + n - 1]), label, bold=True, centred=True)
        start += n
    for column, text in enumerate(table.header):
        _fill(cells[above][column], text, bold=True, centred=column > 0)


def _widths(table: Table, available: int) -> list[int]:
    """Share the page among the columns by their longest word, then by the square root of their longest cell."""
    columns = list(zip(table.header, *(row.cells for row in table.rows if not row.heading), strict=True))
    words = [max(len(word) for cell in cells for word in cell.split() or [""]) + 2 for cells in columns]
    cells = [max(len(cell) for cell in cells) ** 0.5 for cells in columns]
    weights = [max(word, 3.5 * cell) for word, cell in zip(words, cells, strict=True)]
    return [int(available * weight / sum(weights)) for weight in weights]


def _fill(cell: _Cell, text: str, *, bold: bool, centred: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph._p.style = CELL.replace(" ", "")
    run = paragraph.add_run(text)
    if bold:
        run.bold = True
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _compact(paragraph: Paragraph, size: Pt) -> None:
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1)
    for run in paragraph.runs:
        run.font.size = size


def _mark(row: _Row, tag: str) -> None:
    properties = row._tr.get_or_add_trPr()
    element = OxmlElement(tag)
    element.set(qn("w:val"), "true")
    properties.append(element)


def _rule(cells: tuple[_Cell, ...], edge: str, eighths: int) -> None:
    """Draw a line of `eighths` of a point along the top or bottom of a row's cells."""
    for cell in cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        line = OxmlElement(f"w:{edge}")
        for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "0"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
