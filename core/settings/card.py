"""What only people know of a model: settings of its model card."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .base import Seconds, Settings


class CardSettings(Settings):
    """What people say of a model, and how much time its explanation may take. What is empty is "not stated"."""

    unless_default: ClassVar[frozenset[str]] = frozenset(
        {
            "purpose",
            "users",
            "not_for",
            "limits",
            "considerations",
            "owner",
            "contact",
            "explained_rows",
            "explanation_seconds",
        }
    )

    purpose: str | None = Field(
        default=None,
        min_length=1,
        description="What the model is for, and which decisions are made with it.",
        examples=["Orders the calls of the next day by the chance of a subscription."],
    )
    users: str | None = Field(
        default=None,
        min_length=1,
        description="Who works with its answers.",
        examples=["The sales team's planners."],
    )
    not_for: str | None = Field(
        default=None,
        min_length=1,
        description="Uses that look alike and that it must not be put to.",
        examples=["Decisions on credit."],
    )
    limits: str | None = Field(
        default=None,
        min_length=1,
        description="Where it is known to be weak, and what it was not tried on.",
        examples=["Tried on calls to landlines and mobiles in Portugal only."],
    )
    considerations: str | None = Field(
        default=None,
        min_length=1,
        description="Ethical considerations: whom it may harm, and what is done about that.",
    )
    owner: str | None = Field(
        default=None,
        min_length=1,
        description="Who answers for it: a person or a team.",
        examples=["Retail analytics"],
    )
    contact: str | None = Field(
        default=None, min_length=1, description="Where questions and complaints go."
    )
    explained_rows: int = Field(
        default=500,
        ge=0,
        description="Holdout rows that SHAP explains at most, where the package is installed and the model is "
        "of trees. 0: none.",
    )
    explanation_seconds: Seconds = Field(
        default=30.0,
        description="Time that the explanation may take, seconds: fewer rows are explained where one takes long.",
    )
