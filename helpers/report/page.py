"""The executed sections as one HTML page that needs nothing but itself."""

import base64
import copy
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from helpers.report.links import Places, anchor, linked, places
from helpers.report.runner import Executed, Failure, outputs, titled
from helpers.sections import SECTIONS
from helpers.study import Study

CAPTION = re.compile(r'data-exhibit="(Table|Figure):([^"]+)"><b>(?:Table|Figure)\.</b>')
EXHIBIT = re.compile(r'data-exhibit="(Table|Figure):([^"]+)"')
FILTERED = "data-filter="
TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Entry:
    """A line of the contents list."""

    anchor: str
    title: str
    error: str | None


def number_exhibits(sections: list[Executed]) -> dict[tuple[str, str], str]:
    """Numbers of tables and figures, each counted in the order they appear, those before the patients' own as `M1`.

    So the first table of the results is Table 1, as in the paper.
    """
    numbers: dict[tuple[str, str], str] = {}
    before = {each.name for each in SECTIONS if each.before}
    for section in sections:
        for output in outputs(section.notebook):
            for kind, name in CAPTION.findall(output.get("data", {}).get("text/html", "")):
                series = "M" if section.name in before else ""
                same = [known for (other, _), known in numbers.items() if other == kind]
                taken = sum(known.startswith("M") == bool(series) for known in same)
                numbers.setdefault((kind, html.unescape(name)), f"{series}{taken + 1}")
    return numbers


def render(
    study: Study, sections: list[Executed], numbers: dict, exhibits: Path, record: dict, missing: Sequence[Failure] = ()
) -> str:
    """The whole page: contents, what is missing, sections with numbered captions and folded code, provenance."""
    merged = nbformat.v4.new_notebook()
    contents, known, placed = [], places(sections, numbers), set()
    for section in sections:
        cells = copy.deepcopy(section.notebook.cells)
        contents.append(Entry(section.name, titled(section), section.error))
        for position, cell in enumerate(_folded(cells)):
            cell["id"] = f"{section.name}-{position}"[:64]
            cell.metadata["section"] = section.name if position == 0 else ""
            for output in cell.get("outputs", []):
                _prepare(output, numbers, exhibits)
                _link(output, known, placed)
            merged.cells.append(cell)
    return _exporter().from_notebook_node(
        merged,
        resources={
            "study": study,
            "contents": contents,
            "record": record,
            "failed": [entry for entry in contents if entry.error],
            "missing": missing,
            "highlighting": HtmlFormatter(style="friendly").get_style_defs(".highlight"),
            **_script(merged),
        },
    )[0]


def _folded(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The cells, code that shows nothing joined to the next code, headings left out that nothing stands under.

    The parameters of the run are in the provenance.
    """
    folded: list[nbformat.NotebookNode] = []
    for position, cell in enumerate(cells):
        if "injected-parameters" in cell.metadata.get("tags", []) or _is_bare(cells, position):
            continue
        before = folded[-1] if folded else None
        empty = before is not None and before.cell_type == "code" and not any(map(_shows, before.outputs))
        if empty and cell.cell_type == "code":
            folded.pop()
            cell.source = f"{before.source}\n\n{cell.source}"
        folded.append(cell)
    return folded


def _is_bare(cells: list[nbformat.NotebookNode], position: int) -> bool:
    """Whether a cell is a second-level heading under which no cell before the next text shows anything."""
    if not cells[position].source.startswith("## "):
        return False
    under = takewhile(lambda cell: cell.cell_type == "code", cells[position + 1 :])
    return not any(_shows(output) for cell in under for output in cell.get("outputs", []))


def _shows(output: nbformat.NotebookNode) -> bool:
    """Whether an output has something to read: an error, a stream, a picture, or text that is not empty."""
    shown = output.get("data", {}).get("text/html", "x")
    return bool(re.sub(r"<[^>]*>", "", shown).strip())


def _prepare(output: nbformat.NotebookNode, numbers: dict, exhibits: Path) -> None:
    """Number captions; put the vector drawing in the place of its picture."""
    data = output.get("data", {})
    if "text/html" in data:
        data["text/html"] = CAPTION.sub(
            lambda found: (
                f'data-exhibit="{found[1]}:{found[2]}"><b>{found[1]} {numbers[found[1], html.unescape(found[2])]}.</b>'
            ),
            data["text/html"],
        )
    described = output.get("metadata", {}).get("image/png", {})
    if "exhibit" in described:
        drawing = exhibits / f"{described['exhibit']}.svg"
        kind, content = "image/png", data["image/png"]
        if drawing.is_file():
            kind, content = "image/svg+xml", base64.b64encode(drawing.read_bytes()).decode()
        alt = html.escape(described["alt"], quote=True)
        output["data"] = {"text/html": f'<img class="figure" alt="{alt}" src="data:{kind};base64,{content}">'}


def _link(output: nbformat.NotebookNode, known: Places, placed: set[str]) -> None:
    """Give each exhibit its place, once on the page, and make references links."""
    data = output.get("data", {})
    if "text/html" not in data:
        return

    def place(found: re.Match) -> str:
        name = anchor(found[1], found[2])
        new = "" if name in placed else f'id="{name}" '
        placed.add(name)
        return f"{new}{found[0]}"

    data["text/html"] = linked(EXHIBIT.sub(place, data["text/html"]), known)


def _script(merged: nbformat.NotebookNode) -> dict[str, str]:
    """The page's own script and its hash, which the page allows and no other; none where no table can be filtered."""
    if not any(FILTERED in each.get("data", {}).get("text/html", "") for each in outputs(merged)):
        return {"script": "", "script_hash": ""}
    script = (TEMPLATE / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"script": script, "script_hash": f"sha256-{digest}"}


def _exporter() -> HTMLExporter:
    config = Config()
    config.TemplateExporter.extra_template_basedirs = [str(TEMPLATE.parent)]
    return HTMLExporter(config=config, template_name="template", exclude_input_prompt=True, exclude_output_prompt=True)
