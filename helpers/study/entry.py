"""What every entry of a study file is made of."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializationInfo


def _said(text: str, info: SerializationInfo) -> str:
    """What is only printed, as it is, or what the context's `printed` makes of it."""
    change = (info.context or {}).get("printed")
    return change(text) if change else text


Name = Annotated[str, Field(pattern=r"^\w[\w.+-]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1)]
Scalar = str | int | float
Codes = list[Scalar | date]
Words = Annotated[str, PlainSerializer(_said)]
Label = Annotated[Words, Field(min_length=1)]
Levels = Annotated[dict[str, Label], Field(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Months = Annotated[float, Field(gt=0, le=1200)]


class Entry(BaseModel):
    """A table of the study file; frozen, and unknown entries are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
