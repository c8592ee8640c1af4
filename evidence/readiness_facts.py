"""What the readiness report looks at: a project's newest training, its champion, its journal and its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..core.results import Decision, Gate, RunRecord
from ..core.settings import Setup
from ..gates.skipping import is_skipped


@dataclass(frozen=True)
class ReadinessFacts:
    """What was found. What is empty was not there.

    Attributes:
        now: When it was looked (UTC).
        setup: The project's settings.
        redacted: Features that are logged redacted.
        gates: Every gate of the newest training that judged a candidate.
        training: Its record, or None when there was none.
        earlier: Records of trainings before it, newest first.
        trials: How many trials its study finished.
        champion: Number of the champion, or None.
        importance: Its importance by feature.
        trained_to: Newest row that the champion was fitted on (UTC), or None.
        suite: Where the expectations are that its rows were checked with, or None.
        decision: The newest decision of monitoring, or None.
        canaries: Entries of the canary's journal.
        rollbacks: Roll backs of the promotion log, newest first.
        previous: The champion before this one, or None.
        previous_missing: What is gone of its files, None when all is there.
        backtests: Backtests in the workspace that replay a model which is never trained again.
        logged_rows: Logged predictions that were looked at.
        unstable_rows: How many of those have no answer, or one that is not finite.
    """

    now: datetime
    setup: Setup
    redacted: list[str] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    training: RunRecord | None = None
    earlier: list[RunRecord] = field(default_factory=list)
    trials: int = 0
    champion: str | None = None
    importance: Mapping[str, float] = field(default_factory=dict)
    trained_to: datetime | None = None
    suite: str | None = None
    decision: Decision | None = None
    canaries: list[Mapping[str, Any]] = field(default_factory=list)
    rollbacks: list[Mapping[str, Any]] = field(default_factory=list)
    previous: str | None = None
    previous_missing: str | None = None
    backtests: list[str] = field(default_factory=list)
    logged_rows: int = 0
    unstable_rows: int = 0

    def gates_of(self, about: Callable[[Gate], bool], skipped_as: str | None = None) -> list[Gate]:
        """Return the gates of the newest training about something, and the one that says that they were skipped.

        Args:
            about: Whether a gate is about it.
            skipped_as: What `gates.skip` calls them; None where they cannot be skipped.
        """
        return [
            gate
            for gate in self.gates
            if about(gate) or (gate.name == skipped_as and is_skipped(gate))
        ]
