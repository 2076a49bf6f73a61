"""`environment.yml` from the lock: conda brings Python, pip the same versions as everywhere else."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def locked() -> list[str]:
    """Requirements of the lock without their hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [re.sub(r"\s*\\$", "", line) for line in lines if re.match(r"[a-z0-9]", line)]


def environment() -> str:
    """The conda environment: Python, pip, the locked packages, and this project."""
    pip = "".join(f'      - "{requirement}"\n' for requirement in [*locked(), "-e ."])
    python = '  - "python>=3.11,<3.14"\n'
    return f"name: retrospective-cohort\nchannels:\n  - conda-forge\ndependencies:\n{python}  - pip\n  - pip:\n{pip}"


if __name__ == "__main__":
    print(environment(), end="")
