"""What a model card is made of: facts that were recorded, and what the project says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.results import Cause, Comparison, Gate, ModelScores, ModelVersion
from ..core.settings import CardSettings, Columns, TaskType
from ..core.settings.gate_kinds import FAIRNESS

if TYPE_CHECKING:
    from ..metrics.promise import Promise

# Names of gates that judge groups of people: those of this package begin with the first, a project's own say it.
FAIRNESS_WORDS = (
    FAIRNESS,
    "fair ",
    "parity",
    "equalized",
    "equalised",
    "disparity",
    "disparate",
    "equal opportunity",
    "bias",
)


@dataclass(frozen=True)
class DataPart:
    """Rows that a version was made of.

    Attributes:
        role: `training`, `holdout` or `refit`: the rows that the served model was fitted on.
        rows: How many, or None.
        digest: SHA-256 of the snapshot.
        source: What they were read from, without credentials, or None.
        first: Earliest timestamp, or None.
        last: Latest timestamp, or None.
    """

    role: str
    digest: str
    rows: int | None = None
    source: str | None = None
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class CardFacts:
    """What is known of a version. What is empty was not recorded.

    Attributes:
        version: The version, with its tags and aliases.
        created: When it was registered (UTC).
        said: What the project says.
        columns: What each column is for.
        task_type: Task type.
        metric: Metric to decide by; lower is better.
        adopted: Whether it was trained elsewhere.
        outcome: How its training ended, or None.
        reasons: Why its training did not promote it.
        estimator: Name of the estimator, or None.
        parameters: Hyperparameters, as text.
        feature_types: Input column to feature type.
        importance: Input column to share of the permutation importance.
        target_shares: Class to share of the holdout rows; empty for numbers.
        promise: What it promises, or None.
        scores: Metrics on training and holdout rows, or None.
        data: The rows.
        gates: Every gate of its training.
        comparison: It against the champion, or None.
        cause: Why the training was asked for, or None.
        environment: Name of software to its version.
        executor: Who ran it.
        trials: Trials of the study by how they ended.
        moves: Entries of the promotion log about the version, oldest first; one without `version` says why the log
            could not be read.
        approvals: What the version's tags say of an approval.
        picture: Name of the picture of the explanation in the card, or None.
    """

    version: ModelVersion
    created: datetime
    said: CardSettings
    columns: Columns
    task_type: TaskType
    metric: str
    adopted: bool = False
    outcome: str | None = None
    reasons: list[str] = field(default_factory=list)
    estimator: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    feature_types: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    target_shares: Mapping[str, float] = field(default_factory=dict)
    promise: Promise | None = None
    scores: ModelScores | None = None
    data: list[DataPart] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    comparison: Comparison | None = None
    cause: Cause | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    executor: Mapping[str, str] = field(default_factory=dict)
    trials: Mapping[str, int] = field(default_factory=dict)
    moves: list[Mapping[str, Any]] = field(default_factory=list)
    approvals: Mapping[str, str] = field(default_factory=dict)
    picture: str | None = None

    @property
    def not_stated(self) -> list[str]:
        """What only people know, and the project does not say."""
        stated = self.said.model_dump()
        names = ("purpose", "users", "not_for", "limits", "considerations", "owner", "contact")
        return [name for name in names if not stated.get(name)]


def is_fairness(gate: Gate) -> bool:
    """Return whether a gate judges groups of people, by its name.

    Example:
        >>> is_fairness(Gate(name="fairness: sex", verdict="passed", reason="alike"))
        True
    """
    name = f"{gate.name.lower()} "
    return any(word in name for word in FAIRNESS_WORDS)
