"""The executed sections as one HTML page that needs nothing but itself."""

import base64
import copy
import html
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from helpers.report.runner import Section
from helpers.study import Study

CAPTION = re.compile(r'data-exhibit="(Table|Figure):([^"]+)"><b>(?:Table|Figure)\.</b>')
TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Entry:
    """A line of the contents list."""

    anchor: str
    title: str
    error: str | None


def number_exhibits(sections: list[Section]) -> dict[tuple[str, str], int]:
    """Numbers of tables and figures, each counted in the order they appear."""
    numbers: dict[tuple[str, str], int] = {}
    for section in sections:
        for output in _outputs(section.notebook):
            for kind, name in CAPTION.findall(output.get("data", {}).get("text/html", "")):
                taken = sum(known == kind for known, _ in numbers)
                numbers.setdefault((kind, html.unescape(name)), taken + 1)
    return numbers


def render(study: Study, sections: list[Section], numbers: dict, exhibits: Path, record: dict) -> str:
    """The whole page: contents, sections with numbered captions and folded code, provenance."""
    merged = nbformat.v4.new_notebook()
    contents = []
    for section in sections:
        cells = copy.deepcopy(section.notebook.cells)
        headings = [cell.source for cell in cells if cell.source.startswith("# ")]
        title = headings[0].removeprefix("# ").splitlines()[0] if headings else section.name
        contents.append(Entry(section.name, title, section.error))
        for position, cell in enumerate(_folded(cells)):
            cell["id"] = f"{section.name}-{position}"[:64]
            cell.metadata["section"] = section.name if position == 0 else ""
            for output in cell.get("outputs", []):
                _prepare(output, numbers, exhibits)
            merged.cells.append(cell)
    return _exporter().from_notebook_node(
        merged,
        resources={
            "study": study,
            "contents": contents,
            "record": record,
            "failed": [entry for entry in contents if entry.error],
            "highlighting": HtmlFormatter(style="friendly").get_style_defs(".highlight"),
        },
    )[0]


def _folded(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The cells, code that shows nothing joined to the next code; the parameters of the run are in the provenance."""
    folded: list[nbformat.NotebookNode] = []
    for cell in cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            continue
        before = folded[-1] if folded else None
        if before is not None and before.cell_type == cell.cell_type == "code" and not before.outputs:
            folded.pop()
            cell.source = f"{before.source}\n\n{cell.source}"
        folded.append(cell)
    return folded


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


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def _exporter() -> HTMLExporter:
    config = Config()
    config.TemplateExporter.extra_template_basedirs = [str(TEMPLATE.parent)]
    return HTMLExporter(config=config, template_name="template", exclude_input_prompt=True, exclude_output_prompt=True)
