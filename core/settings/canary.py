"""Canary settings: when a challenger on live traffic is promoted or withdrawn."""

from __future__ import annotations

from pydantic import Field

from .base import Settings


class CanarySettings(Settings):
    """When a challenger that predicts on live traffic is promoted or withdrawn."""

    act: bool = Field(
        default=False,
        description="Whether a verdict moves aliases: promotes the challenger, or takes its alias away. "
        "Otherwise it is only reported.",
    )
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1.0,
        description="Chance, over all looks together, that a challenger which is not better than `margin` "
        "is not promoted; and that one which is not worse is not withdrawn for it.",
    )
    margin: float = Field(
        default=0.0,
        description="Improvement over the champion that is asked for, in units of the metric. Negative: how "
        "much worse the challenger may be.",
        examples=[-0.005],
    )
    minimum_labels: int = Field(
        default=200,
        ge=20,
        description="Fewest labelled requests of champion and challenger each before a look. Rows of one "
        "request count once.",
    )
    look_growth: float = Field(
        default=0.2,
        ge=0.0,
        description="Share by which labelled requests must have grown since the last look before the next: "
        "every look costs certainty.",
    )
    maximum_days: float | None = Field(
        default=14.0,
        gt=0,
        description="Days, in the clock of the predictions, after which a challenger that is still undecided "
        "is withdrawn. Longer than labels take. None: unbounded.",
    )
    latency_ratio: float | None = Field(
        default=2.0,
        gt=0,
        description="Largest 95th percentile of the challenger's latency, as a multiple of the champion's. "
        "None: not judged.",
    )
    maximum_rows: int = Field(
        default=200_000,
        ge=1_000,
        description="About how many predictions of a model to read; of more, a sample by id.",
    )
