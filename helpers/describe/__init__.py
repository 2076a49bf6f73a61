"""Who the patients are and what befell them."""

from helpers.describe.balance import balance, standardised_difference
from helpers.describe.comparisons import categorical_test, comparisons, continuous_test, fisher_exact
from helpers.describe.counts import counts, course, events, flow, summaries
from helpers.describe.missing import missing
from helpers.describe.progression import progression, progression_differences, progression_tests
from helpers.describe.toxicity import adverse_events, risk_differences, wilson
from helpers.describe.trend import exact_trend, toxicity_trends

__all__ = [
    "adverse_events",
    "balance",
    "categorical_test",
    "comparisons",
    "continuous_test",
    "counts",
    "course",
    "events",
    "exact_trend",
    "fisher_exact",
    "flow",
    "missing",
    "progression",
    "progression_differences",
    "progression_tests",
    "risk_differences",
    "standardised_difference",
    "summaries",
    "toxicity_trends",
    "wilson",
]
