"""Results of monitoring the champion: windows, drift, performance, decisions and repairs."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from .base import Result, UtcDatetime, Verdict
from .data import Snapshot


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


class WindowData(Result):
    """The predictions of a window, as they were when they were read.

    Attributes:
        snapshot: The rows as the prediction log gave them: `id`, `version`, `at`, `prediction`,
            `label`, `score.<class>` and `features.<name>` columns.
        window: What they cover, as `[start, end)`; as asked when there are none.
        rows: Number of predictions.
        labelled: How many of them have a label.
        versions: Model version to number of its predictions.
    """

    snapshot: Snapshot
    window: Window
    rows: int
    labelled: int
    versions: dict[str, int] = Field(default_factory=dict)


class ColumnDrift(Result):
    """One column of a window against the reference.

    Attributes:
        column: Column name.
        kind: What was measured: `distance` of the values, `nulls` (rise of the null rate),
            `new_categories` (share of rows with values unknown to the reference), `rising` (distance of
            a feature that only rises and went on: never drift) or `unusable`.
        method: Name of the method that measured it, such as `wasserstein`; empty when none did, and in
            reports of earlier versions.
        score: The measure.
        threshold: Above it the column counts as drifted; None when it was not measured.
        drifted: Whether it drifted.
        importance: The column's share of the model's importance, 0 to 1.
        reason: Why it was not measured or does not count, or empty.
    """

    column: str
    kind: Literal["distance", "nulls", "new_categories", "rising", "unusable"]
    score: float | None
    threshold: float | None
    drifted: bool
    importance: float = 0.0
    reason: str = ""
    method: str = ""


class DriftReport(Result):
    """How a window differs from the reference.

    Attributes:
        verdict: `passed` (no drift), `failed` (drift) or `not_run` (too few rows).
        reason: One sentence.
        rows: Rows in the window.
        columns: One entry a column and method.
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
        verdict: `passed`, `failed` (surely worse than promised) or `not_run` (too few labels).
        reason: One sentence.
        metric: Name of the metric; lower is better.
        rows: Labelled rows it was measured on.
        value: The metric on the window, or None.
        interval: Bootstrap interval of the value, lower and upper, or None.
        promised: What the champion achieved on rows it had not seen, over several periods, or None.
        limit: The value above which it is surely worse, or None.
        harm: Whether the value is worse than promised by more than the tolerance, chance aside.
        coverage: Share of the version's predictions whose labels are there, 0 to 1, or None.
        window: The earlier window that was judged because the labels of the asked one are not complete
            yet, or None.
        delay_seconds: How far before the newest prediction the labels are complete, seconds, or None
            where that was not looked for.
        metrics: Further metrics by name.
    """

    verdict: Verdict
    reason: str
    metric: str
    rows: int
    value: float | None = None
    interval: tuple[float, float] | None = None
    promised: float | None = None
    limit: float | None = None
    harm: bool = False
    coverage: float | None = None
    window: Window | None = None
    delay_seconds: float | None = None
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
        champion_version: Version that was serving.
        window: The window decided on, always as `[start, end)`.
        rows: Predictions in the window.
        action: `retrain`, `none` (nothing wrong), `hold` (something wrong, held back by the
            governor) or `stop` (retraining again and again did not help, or was not possible: a person
            is needed).
        alarm: Whether this window by itself is out of bounds.
        reason: One sentence.
        held_by: Which rule held it back, or None.
        drift: Verdict on drift.
        performance: Verdict on performance.
        drifted_importance: Importance of the columns that drifted, 0 to 1.
        value: The performance metric, or None.
        promised: What the champion promised, or None.
        harm: Whether the metric is worse than promised by more than the tolerance, chance aside.
        performance_window: The earlier window whose labels are complete, when performance was judged on
            that, or None.
        configuration: Digest of what shapes trainings and decisions; another one ends a stop. Empty in
            decisions of earlier versions.
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
    promised: float | None = None
    harm: bool = False
    performance_window: Window | None = None
    configuration: str = ""
    decided_at: UtcDatetime
    cause: Cause | None = None


class Repair(Result):
    """Whether the new champion fixes the window that caused its training.

    Attributes:
        cause_id: The cause.
        version: The version that was trained because of it.
        verdict: `passed` (repaired), `failed`, or `not_run`: it cannot be told yet, the next window
            tells.
        reason: One sentence.
        metric: Name of the metric; lower is better.
        before: The old champion's metric on the window, or None.
        after: The new champion's metric on the same rows, or None.
        signals: What was wrong, and so what was judged: `drift`, `performance` or both.
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
    signals: list[Literal["drift", "performance"]] = Field(default_factory=list)
    fitted_on_window: float = 0.0
    rows: int = 0
