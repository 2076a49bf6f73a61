"""How numbers are written: the last step before a reader sees them, and the only place that rounds."""

import math
import re

PROPER = {
    "Ann", "Barthel", "Bell", "Binet", "Breslow", "Charlson", "Child", "Clark", "Cushing", "Elixhauser", "Fuhrman",
    "Gleason", "Glasgow", "Hodgkin", "Hunt", "Karnofsky", "Killip", "Lansky", "Lugano", "Masaoka", "Rai", "Rankin",
    "Raynaud", "Wald",
}  # fmt: skip
DASH = "–"
NOT_ESTIMABLE = "n.e."
LINE = 0.05


def number(value: float, digits: int) -> str:
    """A number with fixed decimals and a true minus sign; never `-0.0`, and not estimable where it is none."""
    if not math.isfinite(value):
        return NOT_ESTIMABLE
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def count(value: float) -> str:
    """A whole number."""
    return f"{int(value)}" if math.isfinite(value) else NOT_ESTIMABLE


def counted(n: float, noun: str, plural: str = "") -> str:
    """`1 patient`, `2 patients`."""
    return f"{count(n)} {noun if n == 1 else plural or noun + 's'}"


def expected(n: float) -> str:
    """A number expected by chance: one decimal, two below one."""
    return number(n, 2 if n < 1 else 1)


def share(n: float, percent: float) -> str:
    """`n (%)`, the percentage to one decimal; not estimable where there is no denominator."""
    return f"{count(n)} ({number(percent, 1)})"


def share_said(n: float, percent: float) -> str:
    """`12 (13.2%)`, for prose."""
    return share(n, percent) if math.isnan(percent) else f"{count(n)} ({number(percent, 1)}%)"


def p_value(p: float) -> str:
    """Two decimals; three below 0.01, as many as tell it from 0.05 near that; `<0.001` and `>0.99` at the ends."""
    if math.isnan(p):
        return NOT_ESTIMABLE
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    if 0.045 <= p < 0.055:
        return f"{p:.{decimals(p, p, 3, LINE)}f}"
    return f"{p:.3f}" if p < 0.01 else f"{p:.2f}"


def p_equals(p: float) -> str:
    """`P = 0.03`, `P < 0.001`."""
    text = p_value(p)
    return f"P {text[0]} {text[1:]}" if text[0] in "<>" else f"P = {text}"


def decimals(low: float, high: float, digits: int, null: float) -> int:
    """As many decimals as keep a limit from being read as the null value it is not, six at most."""
    for limit in (low, high):
        while digits < 6 and limit != null and round(limit, digits) == null:
            digits += 1
    return digits


def interval(low: float, high: float, digits: int) -> str:
    """Both limits, `to` between them where one is negative."""
    ends = [number(limit, digits) for limit in (low, high)]
    return (" to " if any("−" in end for end in ends) else DASH).join(ends)


def estimate(value: float, low: float, high: float, digits: int) -> str:
    """`value (low–high)`, or that it cannot be estimated."""
    return NOT_ESTIMABLE if math.isnan(value) else f"{number(value, digits)} ({interval(low, high, digits)})"


def difference(value: float, low: float, high: float) -> str:
    """A difference of months with its interval, one decimal or as many as the limits need beside zero."""
    return estimate(value, low, high, decimals(low, high, 1, 0))


def hazard_ratio(hr: float, low: float, high: float, digits: int = 2) -> str:
    """A hazard ratio with its interval, two decimals or as many as the limits need beside one, `digits` at least."""
    if math.isnan(hr):
        return NOT_ESTIMABLE
    value, lower, upper = _ratios(hr, low, high, digits)
    return f"{value} ({lower}{DASH}{upper})"


def alike(*intervals: tuple[float, float]) -> int:
    """The decimals of hazard ratios that stand in one row: as many as the one that needs most."""
    return max(decimals(low, high, 2, 1) for low, high in intervals)


def months(at: float | str) -> str:
    """`1 month`, `12 months`, `0.99 months`: two decimals at most."""
    text = f"{round(float(at), 2):g}"
    return f"{text} month{'' if text == '1' else 's'}"


def month(at: float | str) -> str:
    """The number of a month, two decimals at most."""
    return f"{round(float(at), 2):g}"


def ratio(value: float, digits: int = 2) -> str:
    """A ratio alone, two decimals or as many as are asked for; `>999` and `<0.01` at the ends."""
    return _ratio(value, digits)


def rate(value: float, low: float, high: float) -> str:
    """A percentage with its interval, `12.7% (6.4–25.1)`, for prose."""
    if math.isnan(value):
        return "not estimable"
    limits = "" if math.isnan(low) and math.isnan(high) else f" ({interval(low, high, 1)})"
    return f"{number(value, 1)}%{limits}"


def time(value: float, low: float, high: float, patients: float = 1) -> str:
    """A median in months with its interval, one decimal; `NR` where the curve does not reach it; none of nobody."""
    if not patients:
        return NOT_ESTIMABLE
    ends = ["NR" if math.isnan(each) else number(each, 1) for each in (value, low, high)]
    if math.isnan(low) and not math.isnan(value):
        ends[1] = NOT_ESTIMABLE
    return f"{ends[0]} ({ends[1]}{DASH}{ends[2]})"


def median(value: float, low: float, high: float) -> str:
    """A median of time in prose: `13.4 (12.6–15.6) months`, or that it was not reached."""
    if math.isnan(value) and math.isnan(low) and math.isnan(high):
        return "not reached"
    return f"{time(value, low, high)} months"


def hazard_ratio_said(hr: float, low: float, high: float, level: str) -> str:
    """`HR 0.37, 95% CI 0.15–0.91`, for prose."""
    value, lower, upper = _ratios(hr, low, high)
    return f"HR {value}, {level} CI {lower}{DASH}{upper}"


def within(label: str) -> str:
    """A label inside a sentence: its first letter small where it begins with a plain word, not a name or a symbol."""
    first = re.split(r"[\s/(,]", label, maxsplit=1)[0]
    plain = first[1:2] != "-" and first[1:].replace("-", "").isalpha() and first[1:] == first[1:].lower()
    return label[0].lower() + label[1:] if plain and first.partition("-")[0] not in PROPER else label


def _ratios(hr: float, low: float, high: float, digits: int = 2) -> list[str]:
    digits = decimals(low, high, digits, 1)
    return [_ratio(each, digits) for each in (hr, low, high)]


def _ratio(value: float, digits: int) -> str:
    if math.isnan(value):
        return NOT_ESTIMABLE
    if value >= 1000:
        return ">999"
    return f"<{10**-digits:.{digits}f}" if value < 0.5 * 10**-digits else number(value, digits)
