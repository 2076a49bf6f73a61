"""Who the patients are and what befell them."""

from helpers.describe.balance import balance, standardised_difference
from helpers.describe.comparisons import categorical_test, comparisons, continuous_test, fisher_exact
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
