"""The contracts between steps: small frozen results that travel as JSON.

Big things (frames, models, HTML) stay in storage; a result carries their URIs.

| result | made by | says |
| --- | --- | --- |
| `Snapshot` | `extract` | which rows, by digest |
| `DataValidation` | `validate_data` | whether they may be used, and which may not |
| `Split` | `split` | rows to fit on, rows to decide on |
| `Study` | `tune` | the best recipe found and what it scored in cross-validation |
| `Candidate` | `fit` | the model just trained, logged, not yet registered |
| `ModelValidation` | `check_model` | Deepchecks conditions and absolute floors |
| `Comparison` | `compare` | candidate against champion on the same holdout |
| `PackageCheck` | `check_package` | whether the logged model works in a clean process |
| `ModelVersion` | `register`, `promote` | what the registry holds |
| `DriftReport` | `measure_drift` | how a window differs from the reference |
| `PerformanceReport` | `measure_performance` | whether the model is worse than promised |
| `Decision` | `govern` | retrain now, or not, and why |
| `Cause` | `govern` | the immutable record of why a retraining was asked for |
| `Repair` | `verify_repair` | whether the new champion fixes the window that caused it |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["passed", "failed", "not_run"]


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC.

    Args:
        moment: A datetime with a zone.

    Returns:
        The same instant in UTC.

    Raises:
        ValueError: If `moment` has no zone: guessing one moves rows between windows.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: append 'Z' or an offset")
    return moment.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(as_utc)]


def digest_of(content: Mapping[str, Any] | BaseModel) -> str:
    """Return a stable SHA-256 of JSON-serialisable content, independent of key order.

    Args:
        content: A mapping or a pydantic model.

    Returns:
        64 hexadecimal characters.

    Example:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


class Result(BaseModel):
    """Base of every result: frozen, strict about its fields, JSON-serialisable."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Snapshot(Result):
    """An immutable Parquet file of extracted rows.

    Attributes:
        uri: Where the file is: a path or an fsspec URL.
        digest: SHA-256 of the file's bytes, 64 hexadecimal characters; also its name.
        rows: Number of rows.
        columns: Column name to Arrow type, in file order.
        source: What the rows were read from, without credentials.
        first: Earliest timestamp (UTC), None without a timestamp column.
        last: Latest timestamp (UTC): the data cutoff. None without a timestamp column.
    """

    uri: str
    digest: str
    rows: int
    columns: dict[str, str]
    source: str
    first: UtcDatetime | None = None
    last: UtcDatetime | None = None


class Gate(Result):
    """One check with a verdict.

    Attributes:
        name: What was checked, unique within its step.
        verdict: `passed`, `failed` or `not_run`.
        reason: One sentence a person can act on.
        value: What was measured, in the unit the name says, or None.
        threshold: What it was held against, or None.
        blocking: Whether a verdict other than `passed` stops a promotion.
    """

    name: str
    verdict: Verdict
    reason: str
    value: float | None = None
    threshold: float | None = None
    blocking: bool = True

    @property
    def blocks(self) -> bool:
        """Whether this gate stops a promotion."""
        return self.blocking and self.verdict != "passed"


def verdict_of(gates: list[Gate]) -> Verdict:
    """Return the verdict of several gates: fails closed.

    Args:
        gates: The gates of one step.

    Returns:
        `passed` when no blocking gate stands in the way and there is at least one gate; else
        `failed` if any blocking gate failed; else `not_run`.
    """
    blocking = [gate for gate in gates if gate.blocks]
    if any(gate.verdict == "failed" for gate in blocking):
        return "failed"
    return "not_run" if blocking or not gates else "passed"


class DataValidation(Result):
    """Whether the rows of a snapshot may be used.

    Attributes:
        snapshot: The rows to go on with: those of the input without the quarantined ones.
        gates: One a broken expectation, or one `passed` gate when none is broken.
        quarantined: Rows set aside, a Parquet snapshot, or None.
        suite_uri: The expectation suite that was used, JSON, for people to review and edit.
        docs_uri: The Data Docs page, HTML, or None.
        inferred: Whether the suite was inferred, not brought by the project.
    """

    snapshot: Snapshot
    gates: list[Gate]
    quarantined: Snapshot | None = None
    suite_uri: str
    docs_uri: str | None = None
    inferred: bool

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class Split(Result):
    """Rows to fit on and rows to decide on.

    Attributes:
        train: Rows to tune and fit on.
        holdout: Rows neither tuned nor fitted on; the only rows a promotion is decided on.
        method: `time` (the latest rows are held out) or `hash` (a stable share of all rows).
        boundary: First timestamp (UTC) of the holdout, None without a timestamp or for `hash`.
        first_holdout_row: Position of the holdout's first row in the whole snapshot, None for `hash`.
    """

    train: Snapshot
    holdout: Snapshot
    method: Literal["time", "hash"]
    boundary: UtcDatetime | None = None
    first_holdout_row: int | None = None


class Study(Result):
    """The best recipe that hyperparameter optimisation found.

    Attributes:
        name: Name of the Optuna study.
        storage: URI of its storage, without credentials.
        estimator: Name of the winning estimator.
        parameters: Its hyperparameters.
        metric: Name of the metric; lower is better.
        score: Mean of the metric over the folds.
        trials: Finished trials.
        pruned: Trials stopped early.
        failed: Trials that raised.
        seed: Seed of sampler and estimators.
    """

    name: str
    storage: str
    estimator: str
    parameters: dict[str, Any]
    metric: str
    score: float
    trials: int
    pruned: int = 0
    failed: int = 0
    seed: int


class Candidate(Result):
    """A model just trained and logged, not yet registered.

    Attributes:
        run_id: MLflow run that holds it.
        model_uri: MLflow URI of the served model.
        evaluated_uri: MLflow URI of the model that never saw the holdout. Same as `model_uri`
            unless the project refits on all rows after the gates' evidence is taken.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        metrics: Metric name to value on the holdout, of the evaluated model.
        fitted_rows: Rows the served model was fitted on.
        fitted_digest: Digest of the snapshot that the served model was fitted on.
        cutoff: Latest timestamp (UTC) the served model was fitted on, or None.
        cutoff_row: Rows of the ordered history that the served model has seen, or None for `hash`.
        importance: Input column to share of the model's permutation importance; sums to 1.
        profile_uri: URI of the reference profile and sample (a folder), made of the holdout.
    """

    run_id: str
    model_uri: str
    evaluated_uri: str
    estimator: str
    parameters: dict[str, Any]
    metrics: dict[str, float]
    fitted_rows: int
    fitted_digest: str
    cutoff: UtcDatetime | None = None
    cutoff_row: int | None = None
    importance: dict[str, float]
    profile_uri: str


class ModelValidation(Result):
    """Deepchecks conditions and absolute floors.

    Attributes:
        gates: One a condition or floor.
        report_uri: The full Deepchecks report, HTML, or None.
    """

    gates: list[Gate]
    report_uri: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class SliceScore(Result):
    """Candidate and champion on one slice of the holdout.

    Attributes:
        column: Column that defines the slice.
        value: Its value, as text.
        rows: Rows in the slice.
        candidate: Candidate's metric.
        champion: Champion's metric.
    """

    column: str
    value: str
    rows: int
    candidate: float
    champion: float


class Comparison(Result):
    """Candidate against champion, both scored on the same holdout.

    Attributes:
        gates: Superiority (or the absence of a champion) and one a slice that got worse.
        metric: Name of the metric; lower is better.
        champion_version: Version compared with, None when there is no champion.
        candidate_score: Candidate's metric on the compared rows.
        champion_score: Champion's metric on the same rows, or None.
        improvement: Champion minus candidate: positive is better. None without a champion.
        interval: Bootstrap interval of the improvement, lower and upper, or None.
        confidence: Level of the interval.
        rows: Rows compared on.
        slices: Scores by slice.
    """

    gates: list[Gate]
    metric: str
    champion_version: str | None = None
    candidate_score: float
    champion_score: float | None = None
    improvement: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float
    rows: int
    slices: list[SliceScore] = Field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class PackageCheck(Result):
    """Whether the logged model works in a clean process.

    Attributes:
        gates: Loads, same predictions, latency.
        latency_p50_ms: Median time of a one-row prediction, milliseconds, or None.
        latency_p99_ms: 99th percentile of it, milliseconds, or None.
        largest_difference: Largest absolute difference from the predictions in process, or None.
    """

    gates: list[Gate]
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    largest_difference: float | None = None

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class ModelVersion(Result):
    """What the registry holds.

    Attributes:
        name: Registered model's name.
        version: Its version.
        run_id: MLflow run it came from.
        uri: `models:/name/version`.
        aliases: Aliases that point at it.
        tags: Tags, all text.
    """

    name: str
    version: str
    run_id: str
    uri: str
    aliases: list[str] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)


class Window(Result):
    """Predictions to look at: `[start, end)` in UTC, or the last `last` rows.

    Attributes:
        start: First moment, inclusive, or None.
        end: First moment after the window, or None.
        last: Number of latest predictions, or None.
    """

    start: UtcDatetime | None = None
    end: UtcDatetime | None = None
    last: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _either_period_or_count(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("a window needs both start and end")
        if (self.start is None) == (self.last is None):
            raise ValueError("a window is either [start, end) or the last N predictions")
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"a window must start before it ends: {self.start} .. {self.end}")
        return self

    @property
    def key(self) -> str:
        """Text that is the same for the same window."""
        if self.start and self.end:
            return f"{self.start.isoformat()}/{self.end.isoformat()}"
        return f"last-{self.last}"


class ColumnDrift(Result):
    """One column of a window against the reference.

    Attributes:
        column: Column name.
        kind: What was measured: `distance` of the values, `nulls` (rise of the null rate),
            `new_categories` (share of rows with values unknown to the reference) or `unusable`.
        score: The measure.
        threshold: Above it the column counts as drifted; None when it was not measured.
        drifted: Whether it drifted.
        importance: The column's share of the model's importance, 0 to 1.
        reason: Why it was not measured, or empty.
    """

    column: str
    kind: Literal["distance", "nulls", "new_categories", "unusable"]
    score: float | None
    threshold: float | None
    drifted: bool
    importance: float = 0.0
    reason: str = ""


class DriftReport(Result):
    """How a window differs from the reference.

    Attributes:
        verdict: `passed` (no drift), `failed` (drift) or `not_run` (too few rows).
        reason: One sentence.
        rows: Rows in the window.
        columns: One entry a column and kind of measure.
        drifted_importance: Importance of the columns that drifted, 0 to 1.
        prediction_drifted: Whether the distribution of the predictions drifted.
        target_drifted: Whether the labels' distribution drifted; None without labels.
        report_uri: The Evidently report, HTML, or None.
    """

    verdict: Verdict
    reason: str
    rows: int
    columns: list[ColumnDrift] = Field(default_factory=list)
    drifted_importance: float = 0.0
    prediction_drifted: bool = False
    target_drifted: bool | None = None
    report_uri: str | None = None

    @property
    def drifted_columns(self) -> list[str]:
        """Names of the drifted columns, most important first."""
        drifted = sorted((c for c in self.columns if c.drifted), key=lambda c: -c.importance)
        return list(dict.fromkeys(c.column for c in drifted))


class PerformanceReport(Result):
    """Whether the model is worse than promised.

    Attributes:
        verdict: `passed`, `failed` (worse than promised) or `not_run` (too few labels).
        reason: One sentence.
        metric: Name of the metric; lower is better.
        rows: Labelled rows it was measured on.
        value: The metric on the window, or None.
        interval: Bootstrap interval of the value, lower and upper, or None.
        promised: The champion's metric on its holdout, or None.
        metrics: Further metrics by name.
    """

    verdict: Verdict
    reason: str
    metric: str
    rows: int
    value: float | None = None
    interval: tuple[float, float] | None = None
    promised: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)


class Cause(Result):
    """The immutable record of why a retraining was asked for.

    It travels into the training run, the model version and back.

    Attributes:
        id: Made of project, champion version and window: one window can never ask twice.
        project: Name of the project.
        champion_version: Version that was serving the window.
        window: The window that caused it, always as `[start, end)`.
        rows: Predictions in the window.
        reason: One sentence.
        signals: Which of `drift` and `performance` asked.
        drifted_columns: Columns that drifted, most important first.
        metric: Name of the performance metric.
        value: The metric on the window, or None without labels.
        promised: The champion's metric on its holdout, or None.
        decided_at: When (UTC).
        monitoring_run_id: Prefect flow run that decided, or None outside a flow.
        report_uri: The drift report behind it, or None.
    """

    id: str
    project: str
    champion_version: str
    window: Window
    rows: int
    reason: str
    signals: list[Literal["drift", "performance"]]
    drifted_columns: list[str] = Field(default_factory=list)
    metric: str
    value: float | None = None
    promised: float | None = None
    decided_at: UtcDatetime
    monitoring_run_id: str | None = None
    report_uri: str | None = None


class Decision(Result):
    """Retrain now, or not, and why.

    Attributes:
        id: Made of project, champion version and window.
        project: Name of the project.
        champion_version: Version that was serving the window.
        window: The window decided on, always as `[start, end)`.
        rows: Predictions in the window.
        action: `retrain`, `none` (nothing wrong), `hold` (something wrong, held back by the
            governor) or `stop` (retraining did not help too often: a person is needed).
        alarm: Whether this window by itself is out of bounds.
        reason: One sentence.
        held_by: Which rule held it back, or None.
        drift: Verdict on drift.
        performance: Verdict on performance.
        drifted_importance: Importance of the columns that drifted, 0 to 1.
        value: The performance metric on the window, or None.
        decided_at: When (UTC).
        cause: What travels with a retraining; None unless `action` is `retrain`.
    """

    id: str
    project: str
    champion_version: str
    window: Window
    rows: int
    action: Literal["retrain", "none", "hold", "stop"]
    alarm: bool
    reason: str
    held_by: str | None = None
    drift: Verdict
    performance: Verdict
    drifted_importance: float = 0.0
    value: float | None = None
    decided_at: UtcDatetime
    cause: Cause | None = None


class Repair(Result):
    """Whether the new champion fixes the window that caused its training.

    Attributes:
        cause_id: The cause.
        version: The version that was trained because of it.
        verdict: `passed` (repaired), `failed` or `not_run` (no labels to tell).
        reason: One sentence.
        metric: Name of the metric; lower is better.
        before: The old champion's metric on the window, or None.
        after: The new champion's metric on the same rows, or None.
        fitted_on_window: Share of the window's rows that the new champion was fitted on, 0 to 1:
            above 0, `after` flatters.
        rows: Labelled rows it was measured on.
    """

    cause_id: str
    version: str
    verdict: Verdict
    reason: str
    metric: str
    before: float | None = None
    after: float | None = None
    fitted_on_window: float = 0.0
    rows: int = 0


class TrainingOutcome(Result):
    """How a training ended.

    Attributes:
        outcome: `promoted`, `challenger` (registered, not promoted) or `rejected` (not registered).
        reasons: Why it was not promoted; empty when it was.
        version: The registered version, or None.
        gates: Every gate of the run.
        training_key: Digest of data, configuration and cause: the same key never trains twice.
        run_id: MLflow run.
        cause_id: Cause that asked for it, or None.
        repair: Whether it repaired the window that caused it, or None.
        seconds: Wall time by step.
    """

    outcome: Literal["promoted", "challenger", "rejected"]
    reasons: list[str] = Field(default_factory=list)
    version: ModelVersion | None = None
    gates: list[Gate] = Field(default_factory=list)
    training_key: str
    run_id: str | None = None
    cause_id: str | None = None
    repair: Repair | None = None
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
        logged: Predictions that were new to the log; the others were there already.
        first: Earliest prediction time (UTC), or None for zero rows.
        last: Latest prediction time (UTC), or None for zero rows.
    """

    model_name: str
    version: str
    rows: int
    logged: int
    first: UtcDatetime | None = None
    last: UtcDatetime | None = None
