"""Approval settings: whether a person has the last word on a promotion, and what holds when nobody answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..import_paths import ImportPath
from .base import Settings

WEEK_SECONDS = 7 * 24 * 3600.0
# Evidence that is a year old says nothing of today, and clocks count no further than the year 9999.
LONGEST_SECONDS = 365 * 24 * 3600.0


class ApprovalSettings(Settings):
    """Whether a person has the last word on a promotion. The plain word `person` stands for `{"by": "person"}`."""

    by: Literal["automatic", "person"] = Field(
        default="automatic",
        description="Who promotes a candidate that passed every gate: the flow at once, or a person.",
    )
    timeout_seconds: float = Field(
        default=WEEK_SECONDS,
        gt=0,
        description="Longest time that a candidate waits for a person, seconds. At most 365 days.",
    )
    at_timeout: Literal["reject", "approve"] = Field(
        default="reject", description="What holds when nobody answered in that time."
    )
    notifications: list[ImportPath] = Field(
        default_factory=list,
        description="Who is told that a person is needed, beside the project's `notifications`: "
        "`package.module:name` of functions that take a `Notice`.",
        examples=[["my_alerts:to_model_owner"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _of_a_word(cls, data: Any) -> Any:
        return {"by": data} if isinstance(data, str) else data

    @field_validator("timeout_seconds")
    @classmethod
    def _within_a_year(cls, seconds: float) -> float:
        if seconds > LONGEST_SECONDS:
            raise ValueError(
                f"a candidate waits at most 365 days ({LONGEST_SECONDS:.0f} seconds) for a person, not "
                f"{seconds:g} seconds: give fewer, and train again later on newer rows"
            )
        return seconds
