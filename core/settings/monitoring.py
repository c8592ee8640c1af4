"""Monitoring settings: drift thresholds, performance thresholds and the governor's policy."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from .base import Seconds, Settings, Share

WINDOW_ROWS = 2_000


class DriftThresholds(Settings):
    """When a window differs from the reference."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"methods"})

    distance: float = Field(
        default=0.1,
        gt=0,
        description="Smallest distance that counts as drift: Wasserstein distance in reference standard "
        "deviations, or Jensen-Shannon distance for categories. Raised to what chance alone "
        "explains at the window's size.",
    )
    false_alarm_rate: float = Field(
        default=0.01, gt=0, lt=0.5, description="Chance of an alarm in a window without drift."
    )
    null_rise: Share = Field(
        default=0.05, description="Rise of a column's null rate that counts as drift, 0 to 1."
    )
    new_category_share: Share = Field(
        default=0.01,
        description="Share of rows with categories unknown to the reference that counts as drift.",
    )
    importance: Share = Field(
        default=0.15,
        description="Importance that the drifted columns must have together for an alarm, 0 to 1.",
    )
    minimum_rows: int = Field(
        default=200, ge=30, description="Fewest predictions to measure drift on."
    )
    methods: list[str] = Field(
        default_factory=list,
        description="Your own drift methods, beside the built-in ones: `package.module:name` of an object, "
        "or of a class without arguments, that is a `DriftMethod`.",
        examples=[["my_drift:KolmogorovSmirnov"]],
    )


class PerformanceThresholds(Settings):
    """When the model is worse than promised."""

    tolerance: float = Field(
        default=0.1,
        ge=0,
        description="Share by which the metric may be worse than promised.",
    )
    false_alarm_rate: float = Field(
        default=0.01,
        gt=0,
        lt=0.5,
        description="Chance that a window which is as good as promised passes for worse.",
    )
    spreads: float = Field(
        default=1.5,
        ge=0,
        description="How many standard deviations from period to period, of those that the promise was "
        "made on, are ordinary. Higher: fewer retrainings, later.",
    )
    confidence: float = Field(
        default=0.9, gt=0.5, lt=1.0, description="Level of the bootstrap interval, two-sided."
    )
    minimum_labels: int = Field(
        default=200, ge=20, description="Fewest labelled predictions to judge performance on."
    )
    minimum_coverage: Share = Field(
        default=0.9,
        description="Share of a window's predictions whose labels must be there before it is judged, 0 to "
        "1: the labels that come first are not like the others. Lower it where only a sample is ever "
        "labelled, and the sample is drawn at random.",
    )


class GovernorPolicy(Settings):
    """When an alarm becomes a retraining."""

    windows: int = Field(default=3, ge=1, description="Latest windows that are looked at.")
    alarms: int = Field(
        default=2,
        ge=1,
        description="Alarms among them, the latest included, that ask for a retraining.",
    )
    performance_outranks: bool = Field(
        default=True,
        description="Whether one window with worse performance is enough.",
    )
    retrain_on_harmless_drift: bool = Field(
        default=False,
        description="Whether drift asks for a retraining although the labels are there and the metric is "
        "as promised.",
    )
    exit_importance: Share = Field(
        default=0.1,
        description="Once in alarm, drift is over only below this importance, 0 to 1.",
    )
    cooldown_seconds: Seconds = Field(
        default=86_400.0,
        description="Shortest time between two retrainings, seconds, in the clock of the predictions.",
    )
    budget: int | None = Field(
        default=4, ge=1, description="Retrainings allowed per period. None: unbounded."
    )
    budget_period_seconds: Seconds = Field(
        default=30 * 86_400.0, description="The period, seconds, in the clock of the predictions."
    )
    in_flight_timeout_seconds: Seconds = Field(
        default=6 * 3_600.0,
        description="After this long, seconds of real time, a retraining that never ended no longer "
        "blocks the next.",
    )
    maximum_unrepaired: int | None = Field(
        default=3,
        ge=1,
        description="Retrainings in a row that did not help before the governor stops and says that a "
        "person is needed. It tries again after one further window in alarm, then two, four and so on, "
        "and at once when something changes. None: unbounded.",
    )
    maximum_failed: int | None = Field(
        default=3,
        ge=1,
        description="Retrainings in a row that failed, were cancelled or never ended, so that nothing was "
        "judged, before the governor stops in the same way. None: unbounded.",
    )
    new_evidence: float = Field(
        default=0.25,
        ge=0,
        description="Share by which the metric must be worse than when the last retraining was asked for, "
        "to end a stop at once.",
    )
    reminder_seconds: Seconds = Field(
        default=86_400.0,
        gt=0,
        description="Time after which a stop that goes on is announced again, seconds of real time.",
    )

    @model_validator(mode="after")
    def _alarms_fit_windows(self) -> Self:
        if self.alarms > self.windows:
            raise ValueError(
                f"alarms ({self.alarms}) cannot exceed windows ({self.windows}): no window could ask"
            )
        return self


class MonitoringSettings(Settings):
    """Drift, performance and the governor."""

    drift: DriftThresholds = Field(
        default_factory=DriftThresholds, description="When a window differs from the reference."
    )
    performance: PerformanceThresholds = Field(
        default_factory=PerformanceThresholds,
        description="When the model is worse than promised.",
    )
    governor: GovernorPolicy = Field(
        default_factory=GovernorPolicy, description="When an alarm becomes a retraining."
    )
    window_rows: int = Field(
        default=WINDOW_ROWS,
        ge=30,
        description="Latest predictions to look at when no window is given.",
    )
