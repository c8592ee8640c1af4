"""Results of tuning, fitting, model validation, comparison, packaging and registration."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Gate, Result, UtcDatetime, Verdict, verdict_of


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
    """Deepchecks conditions and absolute floors, or what gates of the user's own say.

    Attributes:
        gates: One a condition or floor; what own gates returned.
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
        detectable_effect: Smallest true improvement that so many rows tell four times in five, beyond what
            the interval must exclude; see `metrics.power`. None without a comparison.
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
    detectable_effect: float | None = None
    rows: int
    slices: list[SliceScore] = Field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class PackageCheck(Result):
    """Whether the logged model works in a clean process.

    Attributes:
        gates: Loads, same predictions, latency, size; memory and load time where they are bounded.
        latency_p50_ms: Median time of a one-row prediction, milliseconds, or None.
        latency_p99_ms: 99th percentile of it, milliseconds, or None.
        largest_difference: Largest absolute difference from the predictions in process, or None.
        size_bytes: Size of the model's files, or None.
        memory_bytes: Most memory of the process that loaded it and scored, or None.
        load_seconds: How long loading took in that process, or None.
    """

    gates: list[Gate]
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    largest_difference: float | None = None
    size_bytes: int | None = None
    memory_bytes: int | None = None
    load_seconds: float | None = None

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
