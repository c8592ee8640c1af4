"""Settings of data validation, splitting and batch scoring."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Settings, Share


class DataSettings(Settings):
    """Data validation and splitting."""

    suite: str | None = Field(
        default=None,
        description="Path or URL of a Great Expectations suite, JSON. None: inferred from the rows "
        "the champion was trained on, or from the first snapshot.",
    )
    on_failure: Literal["reject", "quarantine"] = Field(
        default="reject",
        description="What to do with rows that break an expectation: stop, or set them aside.",
    )
    quarantine_budget: Share = Field(
        default=0.05, description="Largest share of rows that may be set aside, 0 to 1."
    )
    minimum_rows: int = Field(
        default=200, ge=10, description="Fewest rows a training may start with."
    )
    holdout_share: Share = Field(
        default=0.2,
        description="Largest share of rows to hold out, 0 to 1, when no row count is given.",
    )
    holdout_rows: int | None = Field(
        default=None,
        ge=10,
        description="Number of rows to hold out. Empty: in time order half of `monitoring.window_rows`, "
        "at least 500, but no more than `holdout_share`; without an order `holdout_share`.",
    )


class ScoringSettings(Settings):
    """Which rows batch scoring refuses."""

    maximum_unreadable: Share = Field(
        default=0.2,
        description="Largest share of a column's present values, 0 to 1, that may be infinite or not of its "
        "kind and are scored as missing. With more, nothing is scored. 1: never refused.",
    )
    minimum_unreadable: int = Field(
        default=10,
        ge=1,
        description="Fewest such values of a column that are a reason to refuse, whatever their share.",
    )
