"""The lock holds what pyproject asks for, the conda door opens on the lock, and neither names where it came from."""

import re
import tomllib

from environment import ROOT, environment, locked
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()


def asked() -> list[Requirement]:
    project = PROJECT["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return [Requirement(text) for text in texts]


def test_every_requirement_is_locked_at_a_version_it_allows():
    versions: dict[str, list[str]] = {}
    for line in locked():
        requirement = Requirement(line)
        versions.setdefault(canonicalize_name(requirement.name), []).append(next(iter(requirement.specifier)).version)
    for requirement in asked():
        found = versions[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in found), requirement


def test_the_lock_has_no_requirement_the_project_dropped():
    roots = set()
    name = ""
    for line in LOCK.splitlines():
        name = match[1] if (match := re.match(r"([a-zA-Z0-9._-]+)(?:\[.*\])?==", line)) else name
        if f"{PROJECT['project']['name']} (pyproject.toml)" in line:
            roots.add(canonicalize_name(name))
    assert roots == {canonicalize_name(requirement.name) for requirement in asked()}


def test_every_locked_package_has_hashes():
    for block in re.split(r"\n(?=[a-z0-9])", LOCK):
        if re.match(r"[a-z0-9]", block):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_conda_gets_the_locked_set():
    assert (ROOT / "environment.yml").read_text() == environment()


def test_no_address_of_a_registry_is_written_down():
    for name in ("requirements.lock", "environment.yml", "pyproject.toml", "Makefile"):
        assert not re.search(r"https?://|file:/", (ROOT / name).read_text()), name


def test_the_makefile_and_the_project_name_the_same_pythons():
    makefile = (ROOT / "Makefile").read_text()
    assert "SUPPORTED := 3.11 3.12 3.13" in makefile
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"
