"""One logged prediction, as a service or a flow hands it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..core.results import UtcDatetime
from .codec import python_scalar

Role = Literal["champion", "challenger", "shadow"]


class Prediction(BaseModel):
    """One logged prediction.

    Attributes:
        id: Identifies the prediction within its model and role; logging it again changes nothing.
        model: Registered model's name.
        version: Version that predicted.
        at: When the prediction was made (UTC).
        features: Feature name to value, as the model received them. `storage.codec` tells which
            values there may be.
        prediction: Predicted class or number; None: the version was asked and failed.
        score: Class (as text) to probability for classifiers; None for regression.
        label: Ground truth, when it is known already.
        role: Who answered: the `champion`, or the `challenger` (canary traffic); `shadow` is the
            challenger beside the champion, and its answer was not used.
        latency_seconds: How long the model took, seconds.
        request: Id of the request that it answered; several rows may share it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    id: str = Field(min_length=1)
    model: str = Field(min_length=1)
    version: str
    at: UtcDatetime
    features: Mapping[str, Any]
    prediction: str | int | float | bool | None
    score: Mapping[str, float] | None = None
    label: str | int | float | bool | None = None
    role: Role = "champion"
    latency_seconds: float | None = None
    request: str | None = None

    @field_validator("features", "prediction", "label", mode="before")
    @classmethod
    def _python_scalars(cls, value: Any) -> Any:
        # Left to itself, pydantic makes a float of NumPy's integers and booleans.
        if isinstance(value, Mapping):
            return {name: python_scalar(item) for name, item in value.items()}
        return python_scalar(value)
