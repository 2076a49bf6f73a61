"""The statistics of a retrospective two-arm cohort, from the patients' table to the Results section."""

__version__ = "0.1.0"
