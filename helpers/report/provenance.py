"""What a report was made from: checksums, commit, versions, parameters, seed."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from helpers import PROJECT, standing
from helpers.report.runner import Executed
from helpers.sections import left_out
from helpers.study import Study, relative
from helpers.versions import versions


def record(study: Study, sections: list[Executed], parameters: dict, started: float) -> dict:
    """Everything a reader needs to make the same report again; the clock is here and nowhere else."""
    return {
        "study": relative(study.folder),
        "identity": standing.identity(study),
        "title": study.title,
        "synthetic": study.synthetic,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "checksums_sha256": study.checksums(),
        "seed": study.seed,
        "parameters": parameters,
        "versions": {"python": platform.python_version(), **versions()},
        "sections": {
            section.name: {
                "seconds": round(section.seconds, 1),
                "failed": section.error,
                "parameters": section.parameters,
            }
            for section in sections
        },
        "left_out": left_out(study),
    }


def write(content: dict, path: Path) -> None:
    """Write the record as JSON."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def commit() -> str:
    """The project's commit, marked where files differ from it; says so where there is none."""
    try:
        head = _git("rev-parse", "HEAD")
        return head + (" with uncommitted changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PROJECT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
