"""What a report survives: its processes killed at moments of a run, its store spoilt, its disk full, two at once.

`python tests/kills.py [WORD]` makes the invented study's report again and again and prints a row a fault: the exit code,
what was said, whether the last good report is whole, whether a process is left, and whether the next run is good. It exits with 1 if
any is not as it should be. Needs Linux; a full disk needs root, for a small file system of its own.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from helpers import PROJECT
from helpers.store import PLACE

STUDY = "tests/studies/stent"
MOMENTS = {"imports": 0.4, "kernels start": 2.6, "kernels run": 4.5, "late": 7.0}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
VICTIMS = ("runner", "process that forks", "kernel")


class Stage:
    """A folder of reports and a store, and what is known of the good report in it."""

    def __init__(self, folder: Path) -> None:
        self.reports, self.store = folder / "reports", folder / "store"
        self.environment = {**os.environ, PLACE: str(self.store)}
        assert self.run()[0] == 0
        self.good = checksum(self.reports / "stent")

    def start(self, *asked: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "helpers", "report", STUDY, "--output", str(self.reports), *asked]
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self.environment,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run(self, *asked: str) -> tuple[int, str]:
        running = self.start(*asked)
        said = running.communicate(timeout=300)[1]
        return running.returncode, said.strip().splitlines()[-1] if said.strip() else ""

    @property
    def whole(self) -> bool:
        """Whether the good report is what it was, or a new one that is as good."""
        now = self.reports / "stent"
        return now.is_dir() and (checksum(now) == self.good or (now / "report.html").stat().st_size > 100_000)


def checksum(folder: Path) -> str:
    """One checksum of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def family(pid: int) -> dict[str, list[int]]:
    """The process that forks kernels, and kernels, among a runner's descendants."""
    forks = children(pid)
    return {"runner": [pid], "process that forks": forks, "kernel": [each for fork in forks for each in children(fork)]}


def children(pid: int) -> list[int]:
    """Living children of a process."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def left(pids: set[int], seconds: float = 5) -> set[int]:
    """Which processes still live after a while."""
    end = time.monotonic() + seconds
    alive = set(pids)
    while alive and time.monotonic() < end:
        alive = {pid for pid in alive if Path(f"/proc/{pid}").exists() and state(pid) != "Z"}
        time.sleep(0.05)
    return alive


def state(pid: int) -> str:
    """A process's state letter."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def killed(stage: Stage, victim: str, moment: float, number: signal.Signals) -> tuple[int, str, set[int]]:
    """Kill a process of a run at a moment; exit code, last line said, processes left."""
    running = stage.start("--fresh")
    seen: set[int] = set()
    end = time.monotonic() + moment
    while time.monotonic() < end and running.poll() is None:
        seen |= {pid for pids in family(running.pid).values() for pid in pids}
        time.sleep(0.02)
    assert running.poll() is None, f"the run was over after {moment} s: give an earlier moment"
    targets = family(running.pid)[victim]
    seen |= {pid for pids in family(running.pid).values() for pid in pids}
    for pid in targets[:1]:
        os.kill(pid, number)
    said = running.communicate(timeout=300)[1].strip()
    return running.returncode, said.splitlines()[-1] if said else "", left(seen - {running.pid})


def spoilt(change: Callable[[Path], None]) -> Callable[[Stage], tuple[int, str, set[int]]]:
    """A run after every entry of the store was changed."""

    def fault(stage: Stage) -> tuple[int, str, set[int]]:
        for path in stage.store.iterdir():
            if path.is_file() and not path.name.startswith("."):
                change(path)
        shutil.rmtree(stage.reports / "stent")
        return *stage.run(), set()

    return fault


def twice(stage: Stage) -> tuple[int, str, set[int]]:
    """Two runs at once that compute all, in one store."""
    shutil.rmtree(stage.store)
    shutil.rmtree(stage.reports / "stent")
    both = [stage.start(), stage.start()]
    said = [each.communicate(timeout=300)[1].strip() for each in both]
    return max(each.returncode for each in both), " | ".join(each for each in said if each), set()


def full(megabytes: float) -> Callable[[Stage], tuple[int, str, set[int]]]:
    """A run whose reports and store lie on a disk with so much room."""

    def fault(stage: Stage) -> tuple[int, str, set[int]]:
        with tempfile.TemporaryDirectory() as place:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", place], check=True)
            try:
                small = Path(place)
                command = [sys.executable, "-m", "helpers", "report", STUDY, "--output", str(small / "r")]
                environment = {**os.environ, PLACE: str(small / "store")}
                ended = subprocess.run(command, cwd=PROJECT, env=environment, text=True, capture_output=True)
                lines = [each for each in (small / "r").iterdir()] if (small / "r").is_dir() else []
                said = ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else ""
                said = "Traceback" if "Traceback" in ended.stderr else said
                whole = ended.returncode == 0 or not any(each.name == "stent" for each in lines)
                return (ended.returncode if whole else 99), said, set()
            finally:
                subprocess.run(["umount", place], check=True)

    return fault


def told(name: str, code: int, said: str, stage: Stage, pids: set[int], *, fine: set[int]) -> bool:
    """Print a row; whether it is as it should be."""
    whole, again = stage.whole, stage.run("--fresh")[0]
    good = code in fine and whole and not pids and again == 0 and "Traceback" not in said
    verdict = "as it should be" if good else "WRONG"
    print(
        f"{name:<44}{code:>5}  {'whole' if whole else 'LOST':<6}{len(pids)} left  next {again}  {verdict}  {said[:90]}",
        flush=True,
    )
    return good


def main() -> int:
    """Every fault, or those with a word in their name, one after the other."""
    wanted, results = " ".join(sys.argv[1:]), []
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        for victim in VICTIMS:
            for moment, seconds in MOMENTS.items():
                for number in SIGNALS if victim == "runner" else SIGNALS[:1]:
                    name = f"{victim}, {number.name}, {moment}"
                    if wanted not in name:
                        continue
                    code, said, pids = killed(stage, victim, seconds, number)
                    ended = {signal.SIGKILL: {-9}, signal.SIGTERM: {143}, signal.SIGINT: {130}}[number]
                    fine = ended if victim == "runner" else {1}
                    results.append(told(name, code, said, stage, pids, fine=fine))
        faults = {
            "store, each entry cut": spoilt(lambda path: path.write_bytes(path.read_bytes()[:-5])),
            "store, a byte of each entry changed": spoilt(
                lambda path: path.write_bytes(path.read_bytes()[:-3] + b"9}}")
            ),
            "store, entries of something else": spoilt(lambda path: path.write_bytes(b"\x80\x04pickle")),
            "store, each entry a folder": spoilt(lambda path: (path.unlink(), path.mkdir())),
            "two runs at once, store empty": twice,
        }
        if os.geteuid() == 0:
            faults |= {f"disk full, {room} MB": full(room) for room in (0.05, 0.5, 1, 2, 4, 8)}
        for name, fault in [each for each in faults.items() if wanted in each[0]]:
            code, said, pids = fault(stage)
            results.append(told(name, code, said, stage, pids, fine={0, 1} if "full" in name else {0}))
    print(f"{sum(results)} of {len(results)} as they should be")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
