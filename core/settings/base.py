"""Base class of all settings: unknown keys are refused, values are checked on assignment too."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

TaskType = Literal["binary", "multiclass", "regression"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values are checked on assignment too.

    Attributes:
        unless_default: Fields that are written only when they are not what they are by default. Training
            keys are made of what is written: with a new field listed here, those of projects that do not
            use it stay what they were.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    unless_default: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_defaults(self, default: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = default(self)
        for name in self.unless_default:
            field = type(self).model_fields[name]
            if getattr(self, name) == field.get_default(call_default_factory=True):
                written.pop(name, None)
        return written
