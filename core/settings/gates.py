"""Gate settings: what a candidate must pass before it is promoted."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from ..import_paths import ImportPath
from .approval import ApprovalSettings
from .base import Settings, Share
from .gate_kinds import (
    BaselineSettings,
    CalibrationSettings,
    DecisionGateSettings,
    FreshnessSettings,
    PackageSettings,
    RobustnessSettings,
    check_skips,
)
from .segments import FairnessSettings, SliceSettings

MINIMUM_HOLDOUT_ROWS = 50


class DeepcheckSettings(Settings):
    """One Deepchecks check with its conditions."""

    check: str = Field(
        description="Class name of a tabular check.", examples=["TrainTestSamplesMix"]
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="Arguments of the check.")
    conditions: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Condition method, without `add_condition_`, to its arguments.",
        examples=[{"duplicates_ratio_less_or_equal": {"max_ratio": 0.05}}],
    )
    blocking: bool = Field(
        default=True, description="Whether anything but a pass stops a promotion."
    )


class GateSettings(Settings):
    """What a candidate must pass before it is promoted."""

    unless_default: ClassVar[frozenset[str]] = frozenset(
        {
            "approval",
            "baseline",
            "calibration",
            "custom",
            "decisions",
            "fairness",
            "freshness",
            "package",
            "robustness",
            "skip",
            "slices",
        }
    )

    deepchecks: list[DeepcheckSettings] | None = Field(
        default=None,
        description="Checks to run. None: a default set for the task type. Empty: none.",
    )
    report_suites: list[Literal["data_integrity", "train_test_validation", "model_evaluation"]] = (
        Field(
            default_factory=list,
            description="Whole Deepchecks suites to run for the report only; their conditions do not block.",
        )
    )
    deepchecks_rows: int = Field(
        default=10_000, ge=100, description="Rows that Deepchecks samples at most."
    )
    deepchecks_columns: int | None = Field(
        default=30,
        ge=1,
        description="Features that the slow ones of the default checks look at, the most important ones. "
        "None: all of them.",
    )
    floors: dict[str, float] = Field(
        default_factory=dict,
        description="Metric on the holdout to its worst allowed value: a maximum for losses, a minimum for "
        "scores such as `roc_auc`, `accuracy`, `f1` and `r2`.",
        examples=[{"log_loss": 0.6, "roc_auc": 0.55}],
    )
    minimum_holdout_rows: int = Field(
        default=MINIMUM_HOLDOUT_ROWS,
        ge=10,
        description="Fewest rows a promotion may be decided on.",
    )
    # A resample of the bootstrap lacks a class of k rows with a chance of about exp(-k): below one
    # percent from 5 on, far below what the interval leaves out.
    minimum_class_rows: int = Field(
        default=5,
        ge=1,
        description="Fewest rows that the holdout must hold of each of two classes; of numbers, fewest that "
        "differ from the most frequent one.",
    )
    margin: float = Field(
        default=0.0,
        ge=0.0,
        description="Improvement over the champion that the interval's lower bound must exceed, in units of "
        "the metric.",
    )
    allowance: Share = Field(
        default=0.05,
        description="Once the newest rows confirm why a retraining was asked for, share by which the "
        "candidate may be worse than the champion on them: what will be served has learnt them too, what "
        "is compared has not.",
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1.0, description="Level of the bootstrap interval, two-sided."
    )
    resamples: int = Field(default=2_000, ge=100, description="Bootstrap resamples.")
    slice_tolerance: float | None = Field(
        default=0.25,
        ge=0.0,
        description="Share by which a slice's metric may be worse than the champion's. None: unbounded.",
    )
    minimum_slice_rows: int = Field(
        default=100, ge=10, description="Smaller slices are reported, not judged."
    )
    latency_p99_ms: float | None = Field(
        default=2_000.0,
        gt=0,
        description="Longest 99th percentile of a one-row prediction, milliseconds. None: unbounded.",
    )
    custom: list[ImportPath] = Field(
        default_factory=list,
        description="Your own gates: `package.module:name` of functions that take a `GateContext` and return "
        "a `Gate` or a list of them.",
        examples=[["my_gates:no_worse_for_students"]],
    )
    approval: ApprovalSettings = Field(
        default_factory=ApprovalSettings,
        description="Whether a person has the last word: `automatic` or `person`, or these settings.",
    )
    skip: dict[str, str] = Field(
        default_factory=dict,
        description="Gates that are not asked, to the reason in words, which stands in the outcome: "
        "`deepchecks`, `baseline`, `calibration`, `decisions`, `robustness`, `slices`, `fairness`, `package`, "
        "`freshness`.",
        examples=[{"baseline": "the vendor's model, validated on 2026-07-01"}],
    )
    baseline: BaselineSettings = Field(
        default_factory=BaselineSettings,
        description="What a candidate must be better than: a constant guess, and a linear model as it comes.",
    )
    calibration: CalibrationSettings = Field(
        default_factory=CalibrationSettings,
        description="How far probabilities may be from what comes true.",
    )
    decisions: DecisionGateSettings = Field(
        default_factory=DecisionGateSettings,
        description="Whether calibration and costs must do no harm, where `training.decisions` asks for them.",
    )
    robustness: RobustnessSettings = Field(
        default_factory=RobustnessSettings,
        description="How much worse a model may get where its input is not what it was trained on.",
    )
    slices: SliceSettings = Field(
        default_factory=SliceSettings,
        description="How much worse a part of the holdout may be than the whole of it.",
    )
    fairness: FairnessSettings = Field(
        default_factory=FairnessSettings,
        description="Which groups of people are compared, and how far apart they may be.",
    )
    package: PackageSettings = Field(
        default_factory=PackageSettings,
        description="How big and how slow to load the files of a model may be.",
    )
    freshness: FreshnessSettings = Field(
        default_factory=FreshnessSettings,
        description="How old the newest row may be that a model has learnt when it is promoted.",
    )

    @field_validator("skip")
    @classmethod
    def _known_and_reasoned(cls, value: dict[str, str]) -> dict[str, str]:
        return check_skips(value)
