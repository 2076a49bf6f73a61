"""What a cell means: one normal form for levels, codes of events, identifiers and the codes that mean `empty`.

A whole number is the same with and without decimals (`102`, `102.0`), as spreadsheets and Parquet write it either way.
"""

import re
from collections.abc import Iterable
from datetime import date
from unicodedata import category

import numpy as np
import pandas as pd

WHOLE = re.compile(r"([+-]?\d+)\.0+")


def plain(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates as YYYY-MM-DD, nothing for missing."""
    if isinstance(value, pd.Timestamp | date):
        return value.strftime("%Y-%m-%d") if value == value else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | float | np.integer | np.floating):
        return str(int(value)) if np.isfinite(value) and float(value).is_integer() else repr(float(value))
    return WHOLE.sub(r"\1", text) if WHOLE.fullmatch(text := str(value).strip()) else text


def as_keys(values: pd.Series, keys: Iterable[str]) -> pd.Series:
    """A column of stripped text in the normal form, in the spelling of the key it means where one has it."""
    other = {plain(key): key for key in keys if plain(key) != key}
    return normal(values).replace(other) if other else normal(values)


def folded(text: str) -> str:
    """Letters and digits alone, all small: by them an identifier is known in another spelling."""
    return "".join(each for each in text if each.isalnum()).casefold()


def unshown(text: str) -> str:
    """The end of a sentence on the first character of a text that no document can show; empty where there is none."""
    hidden = (each for each in text if each not in "\n\t" and (category(each) == "Cc" or each in "\ufffe\uffff"))
    found = next(hidden, None)
    return f"holds the control character U+{ord(found):04X}, which no document can show; take it out" if found else ""


def normal(values: pd.Series) -> pd.Series:
    """A column of stripped text in the normal form."""
    return values.str.replace(rf"^{WHOLE.pattern}$", r"\1", regex=True)
