"""References of the report: each exhibit, paragraph and section has a place, and what is not there is said so."""

import html
import re
from collections.abc import Callable

from helpers.report.runner import Executed, outputs, titled

MARKED = re.compile(r'<span class="ref" data-ref="(Table|Figure|Text|section):([^"]+)">(.*?)</span>')
PARAGRAPH = re.compile(r'id="text-([^"]+)"')

Places = dict[tuple[str, str], str]


def anchor(kind: str, name: str) -> str:
    """The id of a place on the page."""
    return name if kind == "section" else f"{kind.lower()}-{name}"


def places(sections: list[Executed], numbers: dict[tuple[str, str], str]) -> Places:
    """What a reference can land on and what it then reads; a paragraph's is empty and reads as the reference does."""
    found = {key: f"{key[0]} {number}" for key, number in numbers.items()}
    found |= {("section", section.name): f"section “{titled(section)}”" for section in sections}
    for section in sections:
        for output in outputs(section.notebook):
            found |= {("Text", name): "" for name in PARAGRAPH.findall(output.get("data", {}).get("text/html", ""))}
    return found


def said(known: Places) -> Callable[[str, str, str], str]:
    """How a reference reads outside the page, in a Word or CSV file."""
    return lambda kind, name, words: (known[kind, name] or words) if (kind, name) in known else _absent(words)


def linked(text: str, known: Places) -> str:
    """Marked references as links that land, or as words where there is nothing to land on."""

    def link(found: re.Match) -> str:
        kind, name, words = found[1], html.unescape(found[2]), found[3]
        if (kind, name) not in known:
            return _absent(words)
        return f'<a href="#{html.escape(anchor(kind, name))}">{html.escape(known[kind, name]) or words}</a>'

    return MARKED.sub(link, text)


def _absent(words: str) -> str:
    return f"{words} (not in this report)"
