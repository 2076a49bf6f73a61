"""Estimates as bytes and back, the same to the last digit: JSON that anybody can read and that runs nothing."""

import json
from typing import Any

import numpy as np
import pandas as pd

FRAME = "frame"


def encoded(value: object) -> bytes:
    """A frame, or a dictionary of frames by name."""
    return json.dumps(_plain(value), default=_item, ensure_ascii=False).encode()


def decoded(content: bytes) -> Any:
    """What `encoded` wrote. Raises ValueError for anything else."""
    try:
        return _value(json.loads(content))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"no estimate: {error}") from None


def _plain(value: object) -> object:
    if isinstance(value, pd.DataFrame):
        if not isinstance(value.index, pd.RangeIndex) or value.index.start or value.index.step != 1:
            raise TypeError("an estimate has a plain index")
        columns = [[name, str(values.dtype), _listed(values)] for name, values in value.items()]
        return {FRAME: columns, "rows": len(value), "attrs": dict(value.attrs)}
    if isinstance(value, dict):
        return {"named": {name: _plain(each) for name, each in value.items()}}
    raise TypeError(f"an estimate is a frame or frames by name, not {type(value).__name__}")


def _listed(values: pd.Series) -> object:
    if isinstance(values.dtype, pd.CategoricalDtype):
        of = values.cat
        return [of.codes.tolist(), of.categories.tolist(), bool(of.ordered)]
    return values.tolist()


def _value(told: Any) -> Any:
    if "named" in told:
        return {name: _value(each) for name, each in told["named"].items()}
    columns = {name: _series(kind, values) for name, kind, values in told[FRAME]}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(told["rows"]))
    frame.attrs = told["attrs"]
    return frame


def _series(kind: str, values: Any) -> pd.Series:
    if kind == "category":
        codes, categories, ordered = values
        return pd.Series(pd.Categorical.from_codes(codes, categories, ordered=ordered))
    return pd.Series(values, dtype=kind)


def _item(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be kept")
