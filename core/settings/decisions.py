"""Decision settings: how probabilities are calibrated, and which label they lead to."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import Settings

_ERRORS = ("false_positive", "false_negative")
_HITS = ("true_positive", "true_negative")

ClassWeights = Literal["balanced"] | dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
Costs = dict[str, float] | dict[str, dict[str, float]]


class DecisionSettings(Settings):
    """How probabilities are calibrated, and which label they lead to."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"calibration", "costs"})

    calibration: Literal["none", "sigmoid", "isotonic"] = Field(
        default="none",
        description="How probabilities are calibrated, on out-of-fold predictions of the training rows: "
        "`sigmoid` (Platt scaling) from 100 of them on, `isotonic` from 1,000 on.",
    )
    costs: Costs | None = Field(
        default=None,
        description="What a decision costs: for two classes `false_positive` and `false_negative` (and, where "
        "being right costs or earns something, `true_positive` and `true_negative`), positive being the "
        "second class in sorted order; or true class to predicted class to cost, being right costing 0 where "
        "it is not named. The label is then the one that costs least, not the most probable one. None: the "
        "most probable class.",
        examples=[
            {"false_positive": 1, "false_negative": 5},
            {"good": {"bad": 1}, "bad": {"good": 5}},
        ],
    )

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if self.costs is None:
            return self
        values = list(self.costs.values())
        nested = [value for value in values if isinstance(value, dict)]
        flat = [value for value in values if not isinstance(value, dict)]
        for cost in [*flat, *(cost for row in nested for cost in row.values())]:
            if not math.isfinite(cost):
                raise ValueError(f"costs has {cost}: expected finite numbers")
        if not nested:
            unknown = sorted(set(self.costs) - {*_ERRORS, *_HITS})
            missing = sorted(set(_ERRORS) - set(self.costs))
            if unknown or missing:
                said = f"unknown {unknown}" if unknown else f"{missing} missing"
                raise ValueError(
                    f"costs: {said}; give false_positive and false_negative, or true class to predicted "
                    "class to cost"
                )
        return self

    @property
    def used(self) -> bool:
        """Whether anything is asked for beyond the most probable class."""
        return self.calibration != "none" or self.costs is not None
