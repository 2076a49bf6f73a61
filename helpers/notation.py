"""How numbers are written: the last step before a reader sees them, and the only place that rounds."""

import math

DASH = "–"
NOT_ESTIMABLE = "n.e."


def number(value: float, digits: int) -> str:
    """A number with fixed decimals and a true minus sign; never `-0.0`."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def count(value: float) -> str:
    """A whole number."""
    return f"{int(value)}"


def share(n: float, percent: float) -> str:
    """`n (%)`, the percentage to one decimal; not estimable where there is no denominator."""
    return f"{int(n)} ({NOT_ESTIMABLE})" if math.isnan(percent) else f"{int(n)} ({number(percent, 1)})"


def p_value(p: float) -> str:
    """Two decimals; three below 0.01 and where two would read as 0.05; `<0.001` and `>0.99` at the ends."""
    if math.isnan(p):
        return NOT_ESTIMABLE
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    return f"{p:.3f}" if p < 0.01 or 0.045 <= p < 0.055 else f"{p:.2f}"


def p_equals(p: float) -> str:
    """`P = 0.03`, `P < 0.001`."""
    text = p_value(p)
    return f"P {text[0]} {text[1:]}" if text[0] in "<>" else f"P = {text}"


def interval(low: float, high: float, digits: int, *, null: float | None = None) -> str:
    """Both limits; as many decimals as keep a limit from being read as the null value it is not."""
    for limit in (low, high):
        while null is not None and digits < 6 and limit != null and round(limit, digits) == null:
            digits += 1
    ends = [NOT_ESTIMABLE if math.isnan(limit) else _bounded(limit, digits) for limit in (low, high)]
    separator = " to " if any("−" in end for end in ends) else DASH
    return separator.join(ends)


def estimate(value: float, low: float, high: float, digits: int, *, null: float | None = None) -> str:
    """`value (low–high)`, or that it cannot be estimated."""
    return (
        NOT_ESTIMABLE if math.isnan(value) else f"{_bounded(value, digits)} ({interval(low, high, digits, null=null)})"
    )


def hazard_ratio(hr: float, low: float, high: float) -> str:
    """A hazard ratio with its interval, two decimals."""
    return estimate(hr, low, high, 2, null=1)


def rate(value: float, low: float, high: float) -> str:
    """A percentage with its interval, `12.7% (6.4–25.1)`."""
    return NOT_ESTIMABLE if math.isnan(value) else f"{number(value, 1)}% ({interval(low, high, 1)})"


def time(value: float, low: float, high: float) -> str:
    """A median in months with its interval, one decimal; `NR` where the curve does not reach it."""
    ends = ["NR" if math.isnan(each) else number(each, 1) for each in (value, low, high)]
    return f"{ends[0]} ({ends[1]}{DASH}{ends[2]})"


def hazard_ratio_said(hr: float, low: float, high: float, confidence: float) -> str:
    """`HR 0.37, 95% CI 0.15–0.91`, for prose."""
    return f"HR {_bounded(hr, 2)}, {100 * confidence:g}% CI {interval(low, high, 2, null=1)}"


def within(label: str) -> str:
    """A label inside a sentence: its first letter small unless it begins with an abbreviation."""
    return label if len(label) < 2 or not label[1].islower() else label[0].lower() + label[1:]


def _bounded(value: float, digits: int) -> str:
    if value >= 1000:
        return ">999"
    return f"<{10**-digits:.{digits}f}" if 0 < value < 0.5 * 10**-digits else number(value, digits)
