"""Outcomes of the training, monitoring and scoring flows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .approval import Approval
from .base import Gate, Result, UtcDatetime
from .model import ModelVersion
from .monitoring import Decision, DriftReport, PerformanceReport, Repair


class TrainingOutcome(Result):
    """How a training ended.

    Attributes:
        outcome: `promoted`, `challenger` (registered, not promoted) or `rejected` (not registered).
        reasons: Why it was not promoted; empty when it was.
        version: The registered version, or None.
        gates: Every gate of the run.
        training_key: Digest of data, configuration and cause: the same key is not trained twice while its
            outcome counts.
        run_id: MLflow run.
        champion_version: Champion that it was compared with, or None.
        cause_id: Cause that asked for it, or None.
        repair: Whether it repaired the window that caused it, or None.
        approval: What a person decided, where one was asked; else None.
        seconds: Wall time by step.
    """

    outcome: Literal["promoted", "challenger", "rejected"]
    reasons: list[str] = Field(default_factory=list)
    version: ModelVersion | None = None
    gates: list[Gate] = Field(default_factory=list)
    training_key: str
    run_id: str | None = None
    champion_version: str | None = None
    cause_id: str | None = None
    repair: Repair | None = None
    approval: Approval | None = None
    seconds: dict[str, float] = Field(default_factory=dict)


class MonitoringOutcome(Result):
    """How a monitoring run ended.

    Attributes:
        decision: What the governor decided.
        drift: The drift report.
        performance: The performance report.
        requested: Whether this run emitted the request for retraining.
    """

    decision: Decision
    drift: DriftReport
    performance: PerformanceReport
    requested: bool = False


class ScoringOutcome(Result):
    """What batch scoring logged.

    Attributes:
        model_name: Registered model.
        version: Version that scored.
        rows: Rows scored.
        logged: Predictions that were new to the log.
        known: Predictions whose id was in the log already; they stay as they were.
        differing: How many of the known ones were given other feature values this time.
        differing_ids: Some of their ids, as they are logged.
        first: Earliest prediction time (UTC), or None for zero rows.
        last: Latest prediction time (UTC), or None for zero rows.
        unreadable: Column to the number of values that are infinite or not of its kind, such as text
            among numbers; they were logged as they are and scored as missing.
        scores_uri: Every row with its id, prediction and scores, Parquet, laid out like the prediction
            log; labels are attached by these ids. None for zero rows.
    """

    model_name: str
    version: str
    rows: int
    logged: int
    known: int = 0
    differing: int = 0
    differing_ids: list[str] = Field(default_factory=list)
    first: UtcDatetime | None = None
    last: UtcDatetime | None = None
    unreadable: dict[str, int] = Field(default_factory=dict)
    scores_uri: str | None = None
