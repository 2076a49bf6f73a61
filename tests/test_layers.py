"""Imports point one way; this reads them and holds them."""

import ast
from pathlib import Path

import nbformat
import pytest

PACKAGE = Path(__file__).parents[1] / "helpers"
NOTEBOOKS = PACKAGE.parent / "notebooks"
GROUND = {"cohort", "study", "ledger", "errors", "names", "thresholds"}
ESTIMATES = {
    "describe": set(),
    "survival": set(),
    "imputation": set(),
    "cox": {"survival", "imputation"},
    "loss": {"cox", "survival"},
    "matching": {"describe", "cox"},
    "weighting": {"describe", "cox", "matching"},
    "splines": {"cox"},
    "subgroups": {"cox"},
    "within_arm": {"cox", "survival"},
    "incidence": {"survival", "cox", "sensitivity"},
    "sensitivity": {"cox", "survival"},
}
SHOWN = {"tables", "figures", "wording"}
ALLOWED = {
    "errors": set(),
    "cells": set(),
    "study": {"cells", "errors"},
    "thresholds": set(),
    "names": {"notation", "study"},
    "ledger": {"errors", "thresholds"},
    "notation": set(),
    "versions": set(),
    "cohort": {"cells", "study", "errors"},
    **{name: GROUND | others for name, others in ESTIMATES.items()},
    "sources": set(),
    "frames": set(),
    "store": {"study"},
    "sections": {"errors", "study"},
    "estimates": GROUND | {"frames", "sections", "sources", "standing", "store", "versions"},
    "exhibits": {"sources", "store", "versions"},
    "launcher": {"errors", "estimates", "study"},
    "word": {"exhibits", "sources", "store"},
    **{name: {"study", "names", "thresholds", "sections", "ledger", "errors", "exhibits", "notation", "versions"} for name in SHOWN},
    "simulate": GROUND | {"sections"} | set(ESTIMATES),
    "results": GROUND | {"sections", "estimates"},
    "scorecard": GROUND | {"cells"} | set(ESTIMATES),
    "standing": {"sources", "store", "study", "versions"},
    "report": {"study", "sections", "standing", "ledger", "errors", "exhibits", "launcher", "word", "versions"},
    "commands": {
        "cohort",
        "errors",
        "estimates",
        "launcher",
        "report",
        "results",
        "scorecard",
        "sections",
        "simulate",
        "standing",
        "store",
        "study",
        "tables",
        "wording",
    },
    "__main__": {"commands"},
}


OWN = {"STARTED", "PROJECT"}


def imported(path: Path) -> set[str]:
    """The top rooms of `helpers` that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "helpers" and len(parts) > 1 and not parts[1].startswith("__") and parts[1] not in OWN:
                found.add(parts[1])
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        assert imported(path) == set()
        return
    assert imported(path) - {room} <= ALLOWED[room]


def test_a_wrong_import_would_be_seen(tmp_path):
    (tmp_path / "ledger.py").write_text("from helpers import cox\nimport helpers.report.page\n")
    assert imported(tmp_path / "ledger.py") == {"cox", "report"}


def test_figures_tables_and_wording_fit_nothing():
    fitting = {"lifelines", "statsmodels", "scipy"}
    for room in (*SHOWN, "exhibits", "word", "notation", "report"):
        for path in [each for each in modules() if each.relative_to(PACKAGE).parts[0].removesuffix(".py") == room]:
            tree = ast.parse(path.read_text())
            names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
            names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
            assert not fitting & {name.split(".")[0] for name in names}, path


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_call_the_package_and_define_nothing(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "parameters" in code[0].metadata["tags"]
    assert any(cell.outputs for cell in code), "no stored outputs"
    for cell in code:
        tree = ast.parse(cell.source)
        kinds = {type(node) for node in ast.walk(tree)}
        assert not kinds & {ast.FunctionDef, ast.For, ast.While, ast.ListComp, ast.Lambda}
        assert len(cell.source.splitlines()) <= 10
        if cell is not code[0]:
            numbers = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and not isinstance(n.value, str)]
            assert numbers == []
        assert "helpers.report" not in cell.source
        assert all(output.output_type != "error" for output in cell.outputs)
