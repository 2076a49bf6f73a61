"""Which files of the package a module rests on, and one checksum of them: what is computed is known by its code."""

import hashlib
import importlib.util
import re
import struct
from functools import cache
from pathlib import Path

from helpers import STARTED

PACKAGE = Path(__file__).parent
IMPORT = re.compile(
    r"^[ \t]*(?:from (?P<of>helpers[\w.]*) import (?P<names>\([^)]*\)|[^\n]*)|import (?P<whole>helpers\.[\w.]+))", re.M
)


@cache
def files(module: str) -> tuple[Path, ...]:
    """The files of a module of `helpers` and of every module of it that it imports, directly or not."""
    found: dict[Path, None] = {}
    waiting = [module]
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in found:
            found[path] = None
            waiting += _imported(path)
    return tuple(sorted(found))


@cache
def checksum(module: str) -> str:
    """SHA-256 of those files, as they are when it is first asked for."""
    return of(files(module))


def of(paths: tuple[Path, ...]) -> str:
    """SHA-256 of files, their names included."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def state(paths: tuple[Path, ...]) -> list[tuple[int, int]]:
    """When files were last written and how long they are; absent ones are (0, 0)."""
    stats = [path.stat() if path.is_file() else None for path in paths]
    return [(each.st_mtime_ns, each.st_size) if each else (0, 0) for each in stats]


def loaded(paths: tuple[Path, ...]) -> bool:
    """Whether this process runs the code that files hold.

    None was written since it began to import the package, nor has bytecode that passes for it though it is older.
    """
    return all(written < STARTED for written, _ in state(paths)) and not any(map(_stale, paths))


def _stale(path: Path) -> bool:
    """Whether bytecode made before a file was last changed would be taken for it, by its time and length."""
    compiled = Path(importlib.util.cache_from_source(str(path)))
    try:
        head, made, now = compiled.read_bytes()[:16], compiled.stat(), path.stat()
    except OSError:
        return False
    flags, written, size = struct.unpack("<4xIII", head)
    passes = flags == 0 and written == int(now.st_mtime) & 0xFFFFFFFF and size == now.st_size & 0xFFFFFFFF
    return passes and now.st_ctime_ns > made.st_mtime_ns


@cache
def _file(module: str) -> Path | None:
    """The file of a module; of a name in one, the module's."""
    parts = module.split(".")[1:]
    for length in range(len(parts), 0, -1):
        place = PACKAGE.joinpath(*parts[:length])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                return path
    return None


@cache
def _imported(path: Path) -> tuple[str, ...]:
    """The modules of `helpers` that a file imports, and names in them, wherever in it."""
    names: list[str] = []
    for found in IMPORT.finditer(path.read_text(encoding="utf-8")):
        module, listed = found["of"], re.findall(r"\w+", found["names"] or "")
        names += [found["whole"]] if found["whole"] else [module, *(f"{module}.{name}" for name in listed)]
    return tuple(name for name in names if name.startswith("helpers."))
