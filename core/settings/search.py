"""Search settings: how a study looks for hyperparameters, and for how long."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import Settings


class ParameterSpace(Settings):
    """Values that a hyperparameter may take."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"low", "high", "log", "step", "choices"})

    type: Literal["float", "int", "categorical"] = Field(
        description="`float` or `int` between `low` and `high`, or `categorical`: one of `choices`."
    )
    low: float | None = Field(
        default=None, allow_inf_nan=False, description="Smallest value, of a number."
    )
    high: float | None = Field(
        default=None, allow_inf_nan=False, description="Largest value, of a number."
    )
    log: bool = Field(
        default=False, description="Whether to sample a number on a logarithmic scale."
    )
    step: float | None = Field(
        default=None, gt=0.0, description="Distance between values of a number. None: 1, or none."
    )
    choices: list[bool | int | float | str | None] = Field(
        default_factory=list,
        description="Values to choose from, for `categorical`; a single one fixes the parameter.",
        examples=[["sqrt", 0.3]],
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key), cls.model_fields, 1)
                    hint = f": did you mean {near[0]!r}?" if near else ""
                    raise ValueError(
                        f"unknown key {key!r}{hint} A space has {sorted(cls.model_fields)}"
                    )
        return data

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "categorical":
            if not self.choices:
                raise ValueError("a categorical space needs choices")
            if self.low is not None or self.high is not None or self.step is not None or self.log:
                raise ValueError("a categorical space has choices only, no low, high, step or log")
            return self
        if self.choices:
            raise ValueError(f"a space of type {self.type!r} has low and high, no choices")
        if self.low is None or self.high is None:
            raise ValueError(f"a space of type {self.type!r} needs low and high")
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 where log is true, not {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("give log or step, not both")
        if self.type == "int":
            for name in ("low", "high", "step"):
                value = getattr(self, name)
                if value is not None and value != int(value):
                    raise ValueError(f"{name} of an int must be a whole number, not {value:g}")
        return self
