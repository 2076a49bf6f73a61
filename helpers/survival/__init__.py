"""How long patients live, and how sure that is."""

from helpers.survival.estimates import (
    at_risk,
    curves,
    follow_up,
    interval_of,
    log_rank,
    medians,
    rates,
    restricted_means,
)
from helpers.survival.estimators import (
    NO_TIMES,
    NO_VARIANCE,
    last_whole_day,
    limits,
    log_rank_test,
    mean_difference,
    number_at_risk,
    product_limit,
    quantile,
    rate_at,
    restricted_mean,
)

__all__ = [
    "NO_TIMES",
    "NO_VARIANCE",
    "at_risk",
    "curves",
    "follow_up",
    "interval_of",
    "last_whole_day",
    "limits",
    "log_rank",
    "log_rank_test",
    "mean_difference",
    "medians",
    "number_at_risk",
    "product_limit",
    "quantile",
    "rate_at",
    "rates",
    "restricted_mean",
    "restricted_means",
]
