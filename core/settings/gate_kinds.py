"""Settings of single gates, one class a gate, and which gates a project may skip."""

from __future__ import annotations

import difflib

from pydantic import Field

from .base import Settings

# In the order in which a training asks them.
SKIPPABLE = (
    "deepchecks",
    "baseline",
    "calibration",
    "decisions",
    "robustness",
    "slices",
    "fairness",
    "package",
    "freshness",
)


class BaselineSettings(Settings):
    """What a candidate must be better than: a constant guess, and a linear model as it comes."""

    margin: float = Field(
        default=0.0,
        ge=0.0,
        description="Improvement over the constant guess that the interval's lower bound must exceed, in "
        "units of the metric.",
    )
    lesser_harm: bool = Field(
        default=True,
        description="Whether a candidate no better than the guess may follow a champion that is worse than the "
        "guess, once it is surely better than that champion. Otherwise the worse of the two goes on serving.",
    )
    linear_decides: bool = Field(
        default=False,
        description="Whether a candidate that is not surely better than a linear model is refused. By "
        "default that is advice.",
    )
    maximum_rows: int | None = Field(
        default=50_000,
        ge=100,
        description="Latest training rows that the linear model is fitted on. None: all of them.",
    )
    maximum_classes: int = Field(
        default=100,
        ge=2,
        description="Of more classes no linear model is fitted, which takes a time that grows with them.",
    )


class CalibrationSettings(Settings):
    """How far probabilities may be from what comes true."""

    maximum_error: float = Field(
        default=0.1,
        ge=0.0,
        le=1.0,
        description="Largest expected calibration error on the holdout, beyond what chance gives a "
        "perfectly calibrated model.",
    )
    decides: bool = Field(
        default=False,
        description="Whether a candidate beyond it is refused. By default that is advice: right after a "
        "change, a candidate that is far better than its champion is not calibrated to it yet.",
    )
    bins: int = Field(
        default=10, ge=2, le=100, description="Bins of equally many rows, of at least 20 each."
    )


class DecisionGateSettings(Settings):
    """Whether calibration and costs must do no harm, where `training.decisions` asks for them."""

    decides: bool = Field(
        default=False,
        description="Whether a candidate is refused that is surely worse than itself without its calibration, "
        "or whose decisions surely cost more than the most probable class. By default that is advice.",
    )


class RobustnessSettings(Settings):
    """How much worse a model may get where its input is not what it was trained on."""

    noise: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="Noise on every number, in standard deviations of the training rows.",
    )
    features: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Features that are emptied, one at a time, the most important ones.",
    )
    maximum_worsening: float = Field(
        default=0.1,
        ge=0.0,
        description="Share by which noise, or categories never seen, may make the metric worse, and by which "
        "a model without one of its features may be worse than a constant guess.",
    )
    maximum_flips: float = Field(
        default=0.1,
        ge=0.0,
        le=1.0,
        description="Share of the decisions that noise may change: of predicted classes.",
    )
    decides: bool = Field(
        default=False,
        description="Whether a candidate beyond these limits is refused. By default that is advice.",
    )
    maximum_rows: int = Field(
        default=2_000, ge=50, description="Holdout rows that are disturbed, the latest ones."
    )


class PackageSettings(Settings):
    """How big and how slow to load the files of a model may be."""

    maximum_megabytes: float | None = Field(
        default=1_000.0,
        gt=0,
        description="Largest size of the model's files, megabytes of 1,000,000 bytes. None: unbounded.",
    )
    maximum_memory_megabytes: float | None = Field(
        default=None,
        gt=0,
        description="Most memory that a process takes which loads the model and scores with it, its "
        "libraries included, megabytes. None: unbounded.",
    )
    maximum_load_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Longest time that loading the model in a new process takes, seconds. None: unbounded.",
    )


class FreshnessSettings(Settings):
    """How old the newest row may be that a model has learnt when it is promoted."""

    maximum_data_age_days: float | None = Field(
        default=None,
        gt=0,
        description="Oldest that the newest training row may be at a promotion, days. Needs "
        "columns.timestamp. None: unbounded.",
    )


def check_skips(skips: dict[str, str]) -> dict[str, str]:
    """Return which gates are skipped and why, if they can be and every one says why.

    Args:
        skips: Gate to reason.

    Raises:
        ValueError: If a gate is unknown or cannot be skipped, or has no reason in words.

    Example:
        >>> check_skips({"baseline": "a model of a vendor, validated in 2026-07"})
        {'baseline': 'a model of a vendor, validated in 2026-07'}
    """
    for name, reason in skips.items():
        if name not in SKIPPABLE:
            near = difflib.get_close_matches(name, SKIPPABLE, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"gates.skip names {name!r}, no gate that can be skipped: {hint}choose among {list(SKIPPABLE)}"
            )
        if not any(character.isalpha() for character in reason):
            raise ValueError(
                f"gates.skip says no reason for {name!r}: say in words why, for whoever reads the outcome"
            )
    return skips
