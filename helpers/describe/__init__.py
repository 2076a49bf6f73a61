"""Who the patients are and what befell them."""

from helpers.describe.comparisons import (
    balance,
    categorical_test,
    comparisons,
    continuous_test,
    fisher_exact,
    standardised_difference,
)
from helpers.describe.counts import adverse_events, counts, course, events, flow, summaries

__all__ = [
    "adverse_events",
    "balance",
    "categorical_test",
    "comparisons",
    "continuous_test",
    "counts",
    "course",
    "events",
    "fisher_exact",
    "flow",
    "standardised_difference",
    "summaries",
]
