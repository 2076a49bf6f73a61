"""A table or a figure as the reader meets it: title, content, notes; shown in the notebook and left for the report."""

import base64
import csv
import html
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import pypdfium2
from IPython.display import HTML, display

from helpers.sources import checksum
from helpers.store import key_of, store
from helpers.versions import versions

SUFFIXES = ("svg", "pdf", "png")
PRINT_DPI, SCREEN_DPI = 600, 110
LONG = 32
MANY = 7
REFERENCE = re.compile(r"\[\[(Table|Figure|Text|section):([\w.+-]+)\|([^\[\]|]+)\]\]")


@dataclass(frozen=True)
class Row:
    """Cells of a table row; a heading spans the cells it leaves empty, `indent` sets a level under its variable."""

    cells: tuple[str, ...]
    indent: bool = False
    heading: bool = False


@dataclass(frozen=True)
class Block:
    """So many rows that stay together when a reader filters a table, and what they are sought by.

    `share` and `severe` are the highest per cent of any column's patients with the event, and with a severe one. A
    block without a share is always shown.
    """

    rows: int
    kind: str = ""
    share: float | None = None
    severe: float = 0

    def attributes(self) -> str:
        """What the report's script reads."""
        if self.share is None:
            return ""
        return f' data-kind="{html.escape(self.kind)}" data-share="{self.share:.6g}" data-severe="{self.severe:.6g}"'


@dataclass(frozen=True)
class Filters:
    """How a reader of the report can filter a table: what its blocks are, and what the severe grades are called."""

    what: str
    severe: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Table:
    """A three-line table. `spanners` are (label, columns spanned) above the header; `mark` warns of synthetic data.

    `lead` is what a reader must know before the numbers. `filters` work in the report alone; elsewhere all is shown.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    spanners: tuple[tuple[str, int], ...] = ()
    mark: str = ""
    lead: str = ""
    filters: Filters | None = None

    @property
    def footnotes(self) -> tuple[str, ...]:
        """The warning on synthetic data, then the notes."""
        return _footnotes(self.mark, self.notes)

    def body(self) -> str:
        """The table and its notes as HTML, without the caption."""
        spans = "".join(f'<th colspan="{n}" scope="colgroup">{html.escape(label)}</th>' for label, n in self.spanners)
        top = f"<tr>{spans}</tr>" if spans else ""
        header = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in self.header)
        bodies = [row.cells for row in self.rows if not row.heading]
        wrapped = [any(len(plain(cell)) > LONG for cell in column) for column in zip(*bodies, strict=True)]
        rows = self._bodies([self._row(row, wrapped) for row in self.rows])
        kind = "exhibit many" if len(self.header) > MANY else "exhibit"
        asked = self.filters
        told = f' data-filter="{html.escape(asked.what)}" data-severe="{html.escape(asked.severe)}"' if asked else ""
        table = f'<table class="{kind}"{told}><thead>{top}<tr>{header}</tr></thead>{rows}</table>'
        lead = f'<p class="lead">{html.escape(self.lead)}</p>' if self.lead else ""
        return f'{lead}<div class="wide">{table}</div>{_notes(self.footnotes)}'

    def _bodies(self, rows: list[str]) -> str:
        """The rows in one body, or in one for each block that can be filtered."""
        if self.filters is None:
            return f"<tbody>{''.join(rows)}</tbody>"
        parts, start = [], 0
        for block in self.filters.blocks:
            parts.append(f"<tbody{block.attributes()}>{''.join(rows[start : start + block.rows])}</tbody>")
            start += block.rows
        return "".join(parts)

    def _row(self, row: Row, wrapped: list[bool]) -> str:
        first, *others = (linked(cell) for cell in row.cells)
        if row.heading:
            span = f'colspan="{len(row.cells)}" scope="rowgroup" style="text-align:left"'
            return f'<tr class="heading"><th {span}>{first}</th></tr>'
        kind = "indent" if row.indent else "plain"
        kinds = [' class="long"' if each else "" for each in wrapped[1:]]
        cells = "".join(f"<td{each}>{cell}</td>" for each, cell in zip(kinds, others, strict=True))
        pad = "padding-left:1.4em;" if row.indent else ""
        return f'<tr class="{kind}"><th scope="row" style="{pad}text-align:left">{first}</th>{cells}</tr>'

    def _repr_html_(self) -> str:
        return f"{caption('Table', self.name, self.title)}{self.body()}"

    def __repr__(self) -> str:
        return f"Table. {self.title}"

    def resolved(self, say: Callable[[str, str, str], str] = lambda kind, name, words: words) -> "Table":
        """The table with each reference in its cells as `say(kind, name, words)`; as its own words unless told."""

        def told(text: str) -> str:
            return REFERENCE.sub(lambda found: say(*found.groups()), text)

        return replace(self, rows=tuple(replace(row, cells=tuple(map(told, row.cells))) for row in self.rows))

    def csv(self) -> str:
        """The cells as CSV, the notes after them."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([[self.lead]] if self.lead else [])
        above = [label for label, n in self.spanners for _ in range(n)] or [""] * len(self.header)
        writer.writerow([f"{group} {cell}".strip() for group, cell in zip(above, self.header, strict=True)])
        rows = self.resolved().rows
        writer.writerows([f"  {row.cells[0]}" if row.indent else row.cells[0], *row.cells[1:]] for row in rows)
        writer.writerows([note] for note in self.footnotes)
        return out.getvalue()

    def keep(self, folder: Path) -> None:
        """Leave the table for the report."""
        (folder / f"{self.name}.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def kept(path: Path) -> "Table":
        """A table that `keep` left."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Row(tuple(row["cells"]), row["indent"], row["heading"]) for row in fields.pop("rows"))
        spanners = tuple((label, n) for label, n in fields.pop("spanners"))
        lists = {name: tuple(fields.pop(name)) for name in ("header", "notes")}
        asked = fields.pop("filters")
        filters = Filters(**{**asked, "blocks": tuple(Block(**each) for each in asked["blocks"])}) if asked else None
        return Table(rows=rows, spanners=spanners, filters=filters, **lists, **fields)


@dataclass(frozen=True)
class Figure:
    """A drawing with its title, what it shows in words (for who cannot see it), notes and `mark`."""

    name: str
    title: str
    drawing: matplotlib.figure.Figure
    alt: str
    notes: tuple[str, ...] = ()
    mark: str = ""

    def legend(self) -> str:
        """Caption and notes as HTML."""
        return caption("Figure", self.name, self.title) + _notes(_footnotes(self.mark, self.notes))

    @cached_property
    def svg(self) -> bytes:
        """The drawing as SVG, which says all that it shows."""
        return rendered(self.drawing, "svg")

    @cached_property
    def pdf(self) -> bytes:
        """The drawing as PDF, which the pictures are made from."""
        return self._kept("pdf", lambda: rendered(self.drawing, "pdf"))

    def png(self, dpi: int) -> bytes:
        """The drawing as PNG of so many dots an inch."""
        return self._kept(f"png {dpi}", lambda: rasterised(self.pdf, dpi))

    def _kept(self, form: str, make: Callable[[], bytes]) -> bytes:
        """A form of the drawing, from the store where the same drawing has had it before."""
        beside, key = store(), key_of("figure", form, checksum(__name__), versions(), self.svg)
        found = beside.read(key)
        if found is None:
            found = make()
            beside.write(key, found)
        return found

    def picture(self) -> str:
        """The drawing as base64 PNG at screen resolution."""
        return base64.b64encode(self.png(SCREEN_DPI)).decode()

    def keep(self, folder: Path) -> None:
        """Leave the drawing for the report as SVG, PDF and PNG at 600 dpi."""
        made = {"svg": self.svg, "pdf": self.pdf, "png": self.png(PRINT_DPI)}
        for suffix in SUFFIXES:
            (folder / f"{self.name}.{suffix}").write_bytes(made[suffix])

    def __repr__(self) -> str:
        return f"Figure. {self.title} {self.alt}"


@dataclass(frozen=True)
class Sentences:
    """Prose written from the ledger."""

    sentences: tuple[str, ...]
    bullets: bool = False

    def _repr_html_(self) -> str:
        if self.bullets:
            return "<ul>" + "".join(f"<li>{html.escape(each)}</li>" for each in self.sentences) + "</ul>"
        return f"<p>{html.escape(' '.join(self.sentences))}</p>"

    def __repr__(self) -> str:
        return ("\n" if self.bullets else " ").join(self.sentences)


@dataclass(frozen=True)
class Prose:
    """Paragraphs, each a name to refer to, its head and its text; then the works cited, numbered as in the text."""

    paragraphs: tuple[tuple[str, str, str], ...]
    cited: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        said = "".join(
            f'<p id="text-{name}"><b>{html.escape(head)}.</b> {linked(text)}</p>'
            for name, head, text in self.paragraphs
        )
        works = "".join(f"<li>{html.escape(each)}</li>" for each in self.cited)
        return f'{said}<p><b>Methods cited</b></p><ol class="works">{works}</ol>' if works else said

    def __repr__(self) -> str:
        works = [f"{number}. {each}" for number, each in enumerate(self.cited, start=1)]
        return "\n".join([*(f"{head}. {plain(text)}" for _, head, text in self.paragraphs), *works])


def refer(kind: str, name: str, words: str) -> str:
    """A reference to a table, figure, paragraph (`Text`) or section, for cells and prose.

    The report makes it a link with the number the exhibit has there, or says that it is not in it; elsewhere it reads
    as `words`.
    """
    return f"[[{kind}:{name}|{words}]]"


def plain(text: str) -> str:
    """Text whose references read as their words."""
    return REFERENCE.sub(lambda found: found[3], text)


def linked(text: str) -> str:
    """Text as HTML, its references marked for the report."""
    return REFERENCE.sub(r'<span class="ref" data-ref="\1:\2">\3</span>', html.escape(text))


def rendered(drawing: matplotlib.figure.Figure, suffix: str) -> bytes:
    """A drawing as the bytes of an SVG or PDF file, the same bytes each time."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}[suffix]
    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "helpers", "svg.fonttype": "path", "pdf.fonttype": 42}):
        drawing.savefig(out, format=suffix, dpi=PRINT_DPI, metadata=undated)
    return out.getvalue()


def rasterised(pdf: bytes, dpi: int) -> bytes:
    """The first page of a PDF as the bytes of a PNG file of so many dots an inch."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=dpi / 72).to_pil()
    out = io.BytesIO()
    page.save(out, "png", dpi=(dpi, dpi), compress_level=1, compress_type=zlib.Z_RLE)
    return out.getvalue()


def caption(kind: str, name: str, title: str) -> str:
    """A caption the report numbers by its `data-exhibit`."""
    return f'<p class="caption" data-exhibit="{kind}:{html.escape(name)}"><b>{kind}.</b> {html.escape(title)}</p>'


def _footnotes(mark: str, notes: tuple[str, ...]) -> tuple[str, ...]:
    return ((mark + ".",) if mark else ()) + notes


def _notes(notes: tuple[str, ...]) -> str:
    return '<div class="notes">' + "".join(f"<p>{html.escape(note)}</p>" for note in notes) + "</div>"


def show(exhibits: Table | Figure | Iterable[Table | Figure], results_dir: str | None = None) -> None:
    """Display exhibits in the notebook; where the runner gave a `results_dir` they are left there too."""
    for exhibit in [exhibits] if isinstance(exhibits, Table | Figure) else exhibits:
        if isinstance(exhibit, Figure):
            data = {"image/png": exhibit.picture(), "text/plain": repr(exhibit)}
            display(data, raw=True, metadata={"image/png": {"alt": exhibit.alt, "exhibit": exhibit.name}})
            display(HTML(exhibit.legend()))
        else:
            display(exhibit)
        if results_dir is not None:
            folder = Path(results_dir) / "exhibits"
            folder.mkdir(exist_ok=True)
            exhibit.keep(folder)
