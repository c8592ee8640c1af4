"""Configuration of a project, as a person fills it in: in Python, JSON or a form of the Prefect UI.

| settings | of |
| --- | --- |
| `Columns` | what each column of a dataset is for |
| `DataSettings` | data validation and splitting |
| `TrainingSettings` | estimators, hyperparameter optimisation and fitting |
| `GateSettings` | what a candidate must pass before it is promoted |
| `MonitoringSettings` | drift, performance and the governor |
| `ScoringSettings` | which rows batch scoring refuses |
| `CanarySettings` | when a challenger on live traffic is promoted or withdrawn |

Unknown keys are errors everywhere. `None` means unbounded.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

TaskType = Literal["binary", "multiclass", "regression"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values are checked on assignment too."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


def _tells_days_apart(text_format: str) -> bool:
    days = (datetime(2026, 1, 31), datetime(2025, 1, 31), datetime(2026, 2, 1))
    try:
        texts = [day.strftime(text_format) for day in days]
        read = [datetime.strptime(text, text_format).replace(tzinfo=None) for text in texts]
    except ValueError:
        return False
    return read == list(days)


class Columns(Settings):
    """What each column of a dataset is for. A column has one role, except that slices are features too."""

    target: str = Field(description="Column to predict.", examples=["subscribed"])
    features: list[str] = Field(
        default_factory=list,
        description="Columns the model may see. Empty: every column without another role.",
        examples=[["age", "job"]],
    )
    categorical: list[str] = Field(
        default_factory=list,
        description="Features to treat as categories although they look like numbers.",
        examples=[["postcode"]],
    )
    timestamp: str | None = Field(
        default=None,
        description="Column with the moment of each row, with time zone. None: no timestamp.",
        examples=["called_at"],
    )
    ordered: bool = Field(
        default=False,
        description="Whether the rows are in time order although there is no timestamp.",
    )
    id: str | None = Field(
        default=None,
        description="Column that identifies a row; duplicates are rejected. None: no identifier.",
        examples=["call_id"],
    )
    slices: list[str] = Field(
        default_factory=list,
        description="Features whose values are compared one by one before a promotion.",
        examples=[["contact"]],
    )
    ignored: list[str] = Field(
        default_factory=list,
        description="Columns that must not reach the model.",
        examples=[["duration"]],
    )
    datetime_formats: dict[str, str] = Field(
        default_factory=dict,
        description="Features that hold dates or moments as text, or as numbers such as 20260403, to their "
        "format as Python's `strptime` takes it, or `ISO8601`. Without an offset they are UTC. Values of "
        "another form are refused in training, and scored as missing.",
        examples=[{"signed_up": "%d/%m/%Y", "born": "%Y%m%d"}],
    )

    @field_validator("datetime_formats")
    @classmethod
    def _complete_formats(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text_format in value.items():
            if text_format != "ISO8601" and not _tells_days_apart(text_format):
                raise ValueError(
                    f"format {text_format!r} of {name!r} tells no day of a year: expected one such as "
                    "%d/%m/%Y, or ISO8601"
                )
        return value

    @model_validator(mode="after")
    def _one_role_each(self) -> Self:
        roles: dict[str, str] = {}
        for role, names in {
            "target": [self.target],
            "timestamp": [self.timestamp] if self.timestamp else [],
            "id": [self.id] if self.id else [],
            "ignored": self.ignored,
            "features": self.features,
        }.items():
            for name in names:
                if name in roles:
                    raise ValueError(
                        f"column {name!r} is both {roles[name]} and {role}: give it one role"
                    )
                roles[name] = role
        for role, names in {
            "slices": self.slices,
            "categorical": self.categorical,
            "datetime_formats": list(self.datetime_formats),
        }.items():
            for name in names:
                if roles.get(name, "features") != "features" or (
                    self.features and name not in self.features
                ):
                    raise ValueError(f"{role} names {name!r}, which is not a feature")
        both = sorted(set(self.categorical) & set(self.datetime_formats))
        if both:
            raise ValueError(f"columns {both} are both categorical and datetimes: choose one")
        return self

    @property
    def has_order(self) -> bool:
        """Whether the rows have a time order."""
        return self.timestamp is not None or self.ordered

    def feature_names(self, available: list[str]) -> list[str]:
        """Return the features among the columns of a table.

        Args:
            available: Columns of the table, in order.

        Returns:
            `features` when named, else every column without another role, in the table's order.

        Example:
            >>> Columns(target="y", ignored=["b"]).feature_names(["a", "b", "y"])
            ['a']
        """
        if self.features:
            return list(self.features)
        taken = {self.target, self.timestamp, self.id, *self.ignored}
        return [name for name in available if name not in taken]


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


class TrainingSettings(Settings):
    """Estimators, hyperparameter optimisation and fitting."""

    estimators: list[str] = Field(
        default_factory=lambda: ["hist_gradient_boosting", "linear"],
        min_length=1,
        description="Estimators to choose from: `hist_gradient_boosting`, `random_forest`, `linear`, "
        "or `package.module:function` for your own.",
        examples=[["hist_gradient_boosting"], ["my_models.churn:recipe"]],
    )
    metric: str | None = Field(
        default=None,
        description="Metric to optimise, lower is better: `log_loss`, `brier`, `error_rate`, `rmse` or "
        "`mae`. None: `log_loss` for classes, `rmse` for numbers.",
    )
    trials: int = Field(default=20, ge=1, le=10_000, description="Trials of the study.")
    timeout_seconds: Seconds | None = Field(
        default=None, description="Longest time for the study, seconds. None: unbounded."
    )
    folds: int = Field(default=3, ge=2, le=20, description="Cross-validation folds.")
    parallel_trials: int = Field(
        default=1, ge=1, le=64, description="Trials to run at once, each a Prefect task run."
    )
    maximum_tuning_rows: int | None = Field(
        default=50_000,
        ge=100,
        description="Latest training rows that trials may use. None: all of them.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of splits, sampler and estimators.")
    refit: Literal["train", "all_rows"] | None = Field(
        default=None,
        description="What the served model is fitted on: the training rows, or, once the recipe passed "
        "every gate on the holdout, all rows; that needs rows in time order. Empty: all rows where there "
        "is a time order, else the training rows.",
    )
    promise_periods: int = Field(
        default=4,
        ge=0,
        le=20,
        description="Periods before the holdout, of its size, that the recipe is evaluated on too, each "
        "fitted on the rows before it: what is promised is the metric over all of them. Needs rows in "
        "time order.",
    )


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
        default=50, ge=10, description="Fewest rows a promotion may be decided on."
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
        default=0.9, gt=0.5, lt=1.0, description="Level of the bootstrap interval, two-sided."
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


class DriftThresholds(Settings):
    """When a window differs from the reference."""

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
        default=2_000, ge=30, description="Latest predictions to look at when no window is given."
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
