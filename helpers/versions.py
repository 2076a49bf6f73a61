"""The packages results rest on, and which version of each is installed."""

from functools import cache
from importlib.metadata import version

from helpers import __version__

PACKAGES = {
    "numpy": "arrays, linear algebra, random draws",
    "pandas": "tables of patients and of results",
    "scipy": "distributions, tests, optimisation",
    "statsmodels": "installed; no number of the report comes from it",
    "lifelines": "example data",
    "matplotlib": "figures",
    "seaborn": "installed; the colours of the arms are its palette’s",
    "pypdfium2": "pictures of figures",
    "papermill": "running the sections",
    "nbconvert": "putting the report together",
}


def versions() -> dict[str, str]:
    """Version by package, `helpers`, which holds the statistics, first."""
    return {"helpers": __version__} | {package: _version(package) for package in PACKAGES}


_version = cache(version)
