"""Small notebooks in a folder of their own, and the source of one that leaves a section's rows."""

from pathlib import Path

import nbformat

PARAMETERS = 'study_dir = "data/gbsg2"\nresults_dir = None\nknob = None'
LEAVES = """
from helpers import describe
from helpers.cohort import read_cohort
from helpers.ledger import leave
from helpers.study import read_study
study = read_study(study_dir)
rows = leave([describe.flow(read_cohort(study))], "02_cohort", results_dir)
len(rows)
"""


def notebooks(folder: Path, **sections: str) -> Path:
    """A folder of small notebooks, a parameters cell before each source."""
    folder.mkdir(exist_ok=True)
    for name, source in sections.items():
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "helpers", "display_name": "helpers", "language": "python"}
        cells = [nbformat.v4.new_markdown_cell(f"# Section {name}"), nbformat.v4.new_code_cell(PARAMETERS)]
        cells[1].metadata["tags"] = ["parameters"]
        notebook.cells = [*cells, nbformat.v4.new_code_cell(source.strip())]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder
