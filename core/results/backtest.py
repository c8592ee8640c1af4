"""Results of a backtest: metric, retrainings and cost of a stream under several policies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Result, UtcDatetime, Verdict
from .data import Snapshot

Ending = Literal["promoted", "challenger", "rejected", "failed", "none"]


class ReplayedStream(Result):
    """Which rows are replayed, and how they come.

    Attributes:
        snapshot: The rows, in time order.
        history_rows: Rows that the first model is trained on. None: half of them.
        label_delay_days: How long labels take, days.
        window_days: How long a window takes where there is no timestamp, days.
    """

    snapshot: Snapshot
    history_rows: int | None = None
    label_delay_days: float = 0.0
    window_days: float = 7.0


class ReplayedWindow(Result):
    """One window under one policy.

    Attributes:
        first_row: Position of its first row in the stream.
        rows: Number of rows.
        start: First moment (UTC).
        end: First moment after it (UTC).
        version: The version that served it: 1 for the first model, then one more a promotion.
        value: The metric on its rows; lower is better.
        promised: What the served version promised.
        drift: Verdict on drift.
        performance: Verdict on performance.
        worse: Whether the served version was surely worse than promised.
        action: What was decided: `retrain`, `none`, `hold` or `stop`.
        held_by: Which rule of the governor held a retraining back, or None.
        reason: One sentence.
        ending: How the retraining it asked for ended; `none` when it asked for none.
        refused: Why it was not promoted; empty when it was.
    """

    first_row: int
    rows: int
    start: UtcDatetime
    end: UtcDatetime
    version: int
    value: float
    promised: float
    drift: Verdict
    performance: Verdict
    worse: bool
    action: Literal["retrain", "none", "hold", "stop"]
    held_by: str | None = None
    reason: str
    ending: Ending = "none"
    refused: str = ""


class PolicyReplay(Result):
    """A stream under one policy.

    Attributes:
        name: Name of the policy.
        value: The metric over the rows of all windows; lower is better.
        windows: What happened, in order.
        training_seconds: What its trainings took when they were made, seconds.
    """

    name: str
    value: float
    windows: list[ReplayedWindow]
    training_seconds: float = 0.0

    @property
    def retrainings(self) -> int:
        """How many trainings it asked for."""
        return sum(window.action == "retrain" for window in self.windows)

    @property
    def promotions(self) -> int:
        """How many of them were promoted."""
        return sum(window.ending == "promoted" for window in self.windows)


class PolicyCost(Result):
    """What a policy would have cost.

    Attributes:
        name: Name of the policy.
        errors: Cost of the errors, in the user's own unit.
        retrainings: Cost of the retrainings, in the same unit.
    """

    name: str
    errors: float
    retrainings: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.errors + self.retrainings


class Backtest(Result):
    """What would have become of a stream under several policies.

    Attributes:
        project: Name of the project.
        digest: Digest of the rows.
        metric: Name of the metric; lower is better.
        history_rows: Rows that the first model was trained on.
        window_rows: Rows of a window.
        replays: One a policy.
        costs: One a policy, when the user said what an error and a retraining cost.
        recommended: Name of the recommended policy.
        recommendation: Why, in a sentence or two.
        summary_uri: This result as JSON, or None.
        plot_uri: The plot, PNG, or None.
    """

    project: str
    digest: str
    metric: str
    history_rows: int
    window_rows: int
    replays: list[PolicyReplay]
    costs: list[PolicyCost] = Field(default_factory=list)
    recommended: str
    recommendation: str
    summary_uri: str | None = None
    plot_uri: str | None = None
