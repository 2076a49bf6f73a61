"""What a cell means: one normal form for levels, codes of events, identifiers and the codes that mean `empty`.

A whole number is the same with and without decimals (`102`, `102.0`), as spreadsheets and Parquet write it either way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    import pandas as pd

WHOLE = re.compile(r"([+-]?\d+)\.0+")


def plain(value: object) -> str:
    """A cell as text: whole numbers without a decimal point, dates as YYYY-MM-DD, nothing for missing."""
    value = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(value, date):
        return value.strftime("%Y-%m-%d") if value == value else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "" if math.isnan(value) else str(int(value)) if float(value).is_integer() else repr(value)
    if value is None or type(value).__name__ == "NAType":
        return ""
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
