"""The statistics of a retrospective two-arm cohort, from the patients' table to the Results section."""

import time
from pathlib import Path

__version__ = "0.1.0"
PROJECT = Path(__file__).resolve().parents[1]
STARTED = time.time_ns()
