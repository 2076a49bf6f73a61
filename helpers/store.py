"""What has been computed before, kept outside the reports for the owner alone, so that it is not computed again.

An entry is a file under a key that names everything it was made from: it is never out of date, only unused. Its first
line is the checksum of the rest; an entry that does not match it, or cannot be read, counts as absent and is made anew.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from helpers import PROJECT

try:
    import fcntl
except ImportError:
    fcntl = None

PLACE = "HELPERS_STORE"
LARGEST = 1_000_000_000
CHECKSUM = 64
DAY = 86400


class Store:
    """A folder of entries. One that cannot be written, or belongs to somebody else, holds nothing and keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.usable = False
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = folder.stat().st_uid == os.geteuid() if hasattr(os, "geteuid") else True
            if owner and not folder.is_symlink():
                folder.chmod(0o700)
                self.usable = True

    def read(self, key: str) -> bytes | None:
        """An entry, None where there is none that is whole."""
        path = self.folder / key
        try:
            content = path.read_bytes() if self.usable else b""
        except OSError:
            return None
        checksum, _, entry = content.partition(b"\n")
        if len(checksum) != CHECKSUM or hashlib.sha256(entry).hexdigest().encode() != checksum:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return entry

    def write(self, key: str, entry: bytes) -> None:
        """Keep an entry whole or not at all; what cannot be kept is only computed again."""
        if not self.usable:
            return
        with contextlib.suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(hashlib.sha256(entry).hexdigest().encode() + b"\n" + entry)
                os.replace(name, self.folder / key)
            except BaseException:
                os.unlink(name)
                raise

    @contextlib.contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Hold an entry while it is made, so that another process waits for it; the end of a process lets go."""
        if fcntl is None or not self.usable:
            yield
            return
        try:
            file = (self.folder / f".{key}.lock").open("wb")
        except OSError:
            yield
            return
        with file:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def take(self, other: "Store") -> None:
        """Take over the entries of another store on the same disk, in the place of one's own."""
        for path in other.folder.iterdir() if self.usable and other.usable else ():
            if not path.name.startswith("."):
                with contextlib.suppress(OSError):
                    path.replace(self.folder / path.name)

    def prune(self) -> None:
        """Give up what was used longest ago where all together are larger than `LARGEST`, and what killed runs left."""
        with contextlib.suppress(OSError):
            found = [(path.stat().st_mtime, path.stat().st_size, path) for path in self.folder.iterdir()]
            newest, total = max((when for when, _, _ in found), default=0.0), 0
            for when, size, path in sorted(found, reverse=True):
                total += size
                if path.is_dir():
                    if when < newest - DAY:
                        shutil.rmtree(path, ignore_errors=True)
                elif total > LARGEST or (path.name.startswith(".") and when < newest - DAY):
                    path.unlink(missing_ok=True)


def key_of(*told: object) -> str:
    """A key that says what an entry is made from: texts, bytes, and what JSON can hold."""
    digest = hashlib.sha256()
    for each in told:
        content = each if isinstance(each, bytes) else json.dumps(each, sort_keys=True, default=str).encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def store() -> Store:
    """The store of this project, or the one that the environment names."""
    return _store(os.environ.get(PLACE) or str(PROJECT / ".store"))


@cache
def _store(folder: str) -> Store:
    return Store(Path(folder))
