"""Feature steps: code of your own that runs inside the model, before its preprocessor."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..import_paths import ImportPath
from ..secret_text import names_a_secret
from .base import Settings


def _checked(text: str) -> str:
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ValueError(
            f"{text!r} is no name of a type: expected package.module.Name, as an error message names it"
        )
    return text


TypeName = Annotated[str, AfterValidator(_checked)]


class FeatureStep(Settings):
    """One step that makes features: a function, or a transformer with `fit` and `transform`.

    In JSON a step without parameters may be its import path alone.
    """

    unless_default: ClassVar[frozenset[str]] = frozenset({"parameters"})

    step: ImportPath = Field(
        description="`package.module:name` of a function that takes rows and returns rows, or of a "
        "transformer: a class or an instance with `transform`, and `fit` if it learns.",
        examples=["my_features:Ratio"],
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="Keywords of the function, or of the transformer's class.",
        examples=[{"of": "loan", "to": "income"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, data: Any) -> Any:
        return {"step": data} if isinstance(data, str) else data

    @field_validator("parameters")
    @classmethod
    def _without_secrets(cls, value: dict[str, Any]) -> dict[str, Any]:
        secrets = [name for name in value if names_a_secret(name)]
        if secrets:
            raise ValueError(
                f"parameters {secrets} are secrets, and they would be stored with the model: a feature "
                "step must not need any"
            )
        return value
