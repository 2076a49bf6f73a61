"""The statistics of a retrospective two-arm cohort, from the patients' table to the Results section."""

import time

__version__ = "0.1.0"
STARTED = time.time_ns()
