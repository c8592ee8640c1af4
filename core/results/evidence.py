"""Results that stay as evidence: scores with intervals, explanations, readiness, records of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from .base import Result, UtcDatetime


class MetricInterval(Result):
    """A metric with its bootstrap interval.

    Attributes:
        name: Name of the metric.
        value: Its value on the rows.
        low: Lower bound; None where it has no interval.
        high: Upper bound; None where it has no interval.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class RowScores(Result):
    """A model's metrics on some rows.

    Attributes:
        of: Which rows: `training`, `holdout`, or `<column> = <value>` of a slice of the holdout.
        rows: How many.
        digest: Digest of their snapshot; None of a slice.
        metrics: The metrics; of a slice, the one to decide by.
    """

    of: str
    rows: int
    digest: str | None = None
    metrics: list[MetricInterval]


class Explanation(Result):
    """What each input column adds to the model's answers, by SHAP values.

    Attributes:
        method: `TreeExplainer`, or None when nothing was explained.
        rows: Rows that were explained.
        shares: Input column to share of the mean absolute SHAP value; they sum to 1.
        reason: Why nothing was explained, or in which unit the values are.
    """

    method: str | None = None
    rows: int = 0
    shares: dict[str, float] = Field(default_factory=dict)
    reason: str


class ModelScores(Result):
    """What the evaluated model scores, on the rows that it was fitted on and on those that it was not.

    Attributes:
        confidence: Level of the intervals, two-sided.
        weight: Column that says what each row counts, None where all count the same.
        group: Column whose values were drawn together for the intervals, None where rows were.
        scores: On training and holdout rows, as far as they are there.
        slices: On each slice of the holdout that is large enough.
        explanation: By SHAP values.
        missing: What could not be scored, and why.
    """

    confidence: float
    weight: str | None = None
    group: str | None = None
    scores: list[RowScores]
    slices: list[RowScores] = Field(default_factory=list)
    explanation: Explanation
    missing: list[str] = Field(default_factory=list)

    def of(self, rows: str) -> RowScores | None:
        """Return the scores on `training` or `holdout` rows, None when there are none."""
        return next((found for found in self.scores if found.of == rows), None)


class ModelCard(Result):
    """Where the model card of a version is.

    Attributes:
        name: Registered model's name.
        version: Its version.
        run_id: MLflow run that holds the card.
        markdown_uri: The card as Markdown, `runs:/…`.
        html_uri: The card as one page, `runs:/…`.
        markdown: The card's text.
        not_stated: What the project does not say and only people know.
    """

    name: str
    version: str
    run_id: str
    markdown_uri: str
    html_uri: str
    markdown: str = Field(repr=False)
    not_stated: list[str] = Field(default_factory=list)


class ReadinessCheck(Result):
    """One of the 28 tests.

    Attributes:
        id: Such as `D1`.
        title: What it asks for, in a few words.
        points: 0, 0.5 (done by a person) or 1 (done by a system, again and again).
        by: Who says so: `package`, `person`, or `nobody`.
        evidence: What was looked at, and what was found.
        todo: What would give a point; empty when there is nothing to do.
    """

    id: str
    title: str
    points: float = Field(ge=0, le=1)
    by: Literal["package", "person", "nobody"]
    evidence: list[str]
    todo: str = ""


class ReadinessReport(Result):
    """How ready a project is for production, by the ML Test Score.

    Attributes:
        project: Name of the project.
        at: When it was assessed (UTC).
        checks: The 28 tests.
        sections: Section to the sum of its points, 0 to 7.
        score: The smallest of them.
        level: What the rubric says of such a score.
        report_uri: The report as one page, or None where it was not kept.
        json_uri: The report as JSON, or None.
    """

    project: str
    at: UtcDatetime
    checks: list[ReadinessCheck]
    sections: dict[str, float]
    score: float
    level: str
    report_uri: str | None = None
    json_uri: str | None = None


class StepRecord(Result):
    """One step of a run.

    Attributes:
        name: Name of the step.
        started: When it began (UTC).
        ended: When it ended (UTC).
        seconds: How long it took.
        outputs: What it made: name to URI or digest.
        error: Name of the exception that ended it, or None.
    """

    name: str
    started: UtcDatetime
    ended: UtcDatetime
    seconds: float
    outputs: dict[str, str] = Field(default_factory=dict)
    error: str | None = None


class RunRecord(Result):
    """The seven records that a metadata store keeps of every run of a pipeline; see `registry.run_records`.

    Attributes:
        run_id: MLflow run.
        name: Its name.
        kind: `train` or `adopt`.
        status: MLflow's status: `FINISHED`, `FAILED`, `KILLED` or `RUNNING`.
        outcome: `promoted`, `challenger`, `rejected`, `failed`, or None while it runs.
        versions: 1. Versions of the pipeline and of what it is made of: package, commit, Python, libraries.
        started: 2. When it began (UTC).
        ended: 2. When it ended (UTC), None while it runs.
        steps: 2. When each step began and ended, and 5. what it made.
        executor: 3. Who or what ran it: user, host, Prefect flow run and deployment.
        parameters: 4. What it was given, and the hyperparameters that were found.
        artifacts: 5. What it left: name to URI.
        previous_version: 6. The champion before it; None when there was none.
        model_version: The version that it registered, or None.
        training_metrics: 7. Metric to value on training rows.
        holdout_metrics: 7. Metric to value on holdout rows.
        missing: Names of those of the seven that were not recorded.
    """

    run_id: str
    name: str
    kind: str
    status: str
    outcome: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    started: datetime
    ended: datetime | None = None
    steps: list[StepRecord] = Field(default_factory=list)
    executor: dict[str, str] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)
    previous_version: str | None = None
    model_version: str | None = None
    training_metrics: dict[str, float] = Field(default_factory=dict)
    holdout_metrics: dict[str, float] = Field(default_factory=dict)
    missing: list[str] = Field(default_factory=list)
