"""Replays one policy from the first window to the last, with the real rules.

What is decided is decided by the code that decides in production: `score_window` and `realised` measure,
`decide` governs, `superiority` and `non_inferiority` promote, `gates.repair` verifies. Time is the
stream's own: a training ends in the moment it was asked for.

Not replayed: Deepchecks, the check of the package, its latency, and canaries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from ..core.results import Cause, Decision, DriftReport, Gate, PerformanceReport
from ..core.results.backtest import Ending, PolicyReplay, ReplayedWindow
from ..core.settings import Setup
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..metrics.losses import Floats, metric_value
from ..monitoring.drift import score_window
from ..monitoring.drift_verdict import judge
from ..monitoring.governor import decide
from ..monitoring.performance import realised
from ..monitoring.reference import LABEL, PREDICTION
from ..monitoring.retraining_history import History
from .candidates import Candidates, ReplayedCandidate, with_changes
from .policies import Policy
from .promotion import gates_against_champion, gates_of_candidate, verify_repair
from .stream import Span, Stream

# Says what is wrong with rows that a training would start with: (rows known to be good, rows, cause).
Validation = Callable[[int, int, Cause | None], list[Gate]]


@dataclass
class _Loop:
    """Where a replay stands: who serves, since which row, and how many versions there are."""

    champion: ReplayedCandidate
    since: int
    version: int = 1
    registered: int = 1


class Replay:
    """A stream under one policy.

    Args:
        stream: The rows.
        setup: The project's settings.
        candidates: What each training gives.
        policy: When to retrain.
        validate: Returns the gates of data validation for the rows of a training.

    Raises:
        ConfigurationError: If the policy changes the length of windows.
    """

    def __init__(
        self,
        stream: Stream,
        setup: Setup,
        candidates: Candidates,
        policy: Policy,
        validate: Validation,
    ) -> None:
        edited = policy.monitoring
        if edited is not None and edited.window_rows != setup.monitoring.window_rows:
            raise ConfigurationError(
                f"policy {policy.name!r} has window_rows={edited.window_rows}: all policies of a backtest "
                f"see the same windows, of {setup.monitoring.window_rows} rows"
            )
        self._stream = stream
        self._setup = with_changes(setup, monitoring=edited, gates=policy.gates)
        self._candidates = candidates
        self._policy = policy
        self._validate = validate
        self._decisions: list[Decision] = []
        self._ended: dict[str, dict[str, Any]] = {}
        self._repairs: dict[str, dict[str, Any]] = {}
        self._seconds = 0.0

    def run(self) -> PolicyReplay:
        """Replay every window.

        Returns:
            What happened.

        Raises:
            DataRejected: If the first model cannot be trained.
        """
        history = self._stream.history_rows
        loop = _Loop(self._candidates.train(history), since=history)
        windows: list[ReplayedWindow] = []
        losses: list[Floats] = []
        for number, span in enumerate(self._stream.spans):
            losses.append(loop.champion.served_losses(span.begin, span.end))
            windows.append(self._window(number, span, loop, losses[-1]))
        return PolicyReplay(
            name=self._policy.name,
            value=metric_value(self._setup.metric, np.concatenate(losses)),
            windows=windows,
            training_seconds=round(self._seconds, 1),
        )

    def _window(self, number: int, span: Span, loop: _Loop, losses: Floats) -> ReplayedWindow:
        champion, version = loop.champion, loop.version
        drift = self._drift(champion, span)
        performance = self._performance(loop, span)
        decision = self._decide(number, span, loop, drift, performance)
        ending: Ending = "none"
        refused = ""
        if decision.action == "retrain":
            ending, refused = self._retrain(span, loop, decision)
        return ReplayedWindow(
            first_row=span.begin,
            rows=span.end - span.begin,
            start=span.window.start or datetime.now(UTC),
            end=span.window.end or datetime.now(UTC),
            version=version,
            value=metric_value(self._setup.metric, losses),
            promised=champion.reference.promise.value,
            drift=drift.verdict,
            performance=performance.verdict,
            worse=performance.verdict == "failed",
            action=decision.action,
            held_by=decision.held_by,
            reason=decision.reason,
            ending=ending,
            refused=refused,
        )

    def _drift(self, champion: ReplayedCandidate, span: Span) -> DriftReport:
        thresholds = self._setup.monitoring.drift
        frame = self._logged(champion, span.begin, span.end, version="")
        # Labels that are not known yet must not show.
        frame.loc[np.arange(span.begin, span.end) >= span.labelled, LABEL] = None
        return judge(score_window(champion.reference, frame, thresholds), len(frame), thresholds)

    def _performance(self, loop: _Loop, span: Span) -> PerformanceReport:
        """Judge the newest rows whose labels are known, as many as a window has."""
        begin = max(span.labelled - (span.end - span.begin), loop.since)
        policy = self._setup.monitoring.performance
        if span.labelled - begin < policy.minimum_labels:
            return PerformanceReport(
                verdict="not_run",
                reason=f"{max(span.labelled - begin, 0)} labelled predictions; performance needs at least "
                f"{policy.minimum_labels}",
                metric=self._setup.metric,
                rows=max(span.labelled - begin, 0),
            )
        version = str(loop.version)
        report = realised(
            loop.champion.reference,
            self._logged(loop.champion, begin, span.labelled, version=version),
            version=version,
            policy=policy,
            resamples=self._setup.gates.resamples,
            seed=self._setup.training.seed,
        )
        if span.labelled == span.end:
            return report
        return report.model_copy(update={"window": self._stream.window(begin, span.labelled)})

    def _logged(
        self, champion: ReplayedCandidate, begin: int, end: int, *, version: str
    ) -> pd.DataFrame:
        """Return rows as the prediction log would hold them."""
        rows = self._stream.frame.iloc[begin:end]
        names = list(champion.reference.feature_types)
        frame = rows[names].add_prefix(FEATURE_PREFIX).reset_index(drop=True)
        answers = champion.predictions[begin - champion.rows : end - champion.rows]
        if champion.classes is None:
            frame[PREDICTION] = answers
        else:
            for position, name in enumerate(champion.classes):
                frame[SCORE_PREFIX + name] = answers[:, position]
        frame[LABEL] = rows[self._setup.columns.target].to_numpy()
        return frame.assign(version=version)

    def _decide(
        self,
        number: int,
        span: Span,
        loop: _Loop,
        drift: DriftReport,
        performance: PerformanceReport,
    ) -> Decision:
        now = span.window.end or datetime.now(UTC)
        decision = decide(
            self._setup.monitoring.governor,
            project=self._setup.name,
            champion_version=str(loop.version),
            window=span.window,
            rows=span.end - span.begin,
            drift=drift,
            performance=performance,
            history=History(self._decisions[::-1], ended=self._ended, repairs=self._repairs),
            now=now,
        )
        if self._policy.kind != "governor":
            decision = self._by_hand(number, decision)
        self._decisions.append(decision)
        return decision

    def _by_hand(self, number: int, decision: Decision) -> Decision:
        """Replace a governor's decision by that of a policy one would write by hand."""
        wanted = {
            "never": False,
            "every": (number + 1) % self._policy.every == 0,
            "drift": decision.drift == "failed",
            "performance": decision.performance == "failed",
        }[self._policy.kind]
        action: Literal["retrain", "none"] = "retrain" if wanted else "none"
        reason = self._policy.name if wanted else "not due"
        return decision.model_copy(update={"action": action, "held_by": None, "reason": reason})

    def _retrain(self, span: Span, loop: _Loop, decision: Decision) -> tuple[Ending, str]:
        ending, refused = self._train(span, loop, decision)
        registered = ending in ("promoted", "challenger")
        error = "DataRejected" if ending == "failed" else None
        self._ended[decision.id] = {
            "outcome": ending,
            "version": str(loop.registered) if registered else None,
            "reasons": [refused] if refused else [],
            "error": error,
        }
        return ending, refused

    def _train(self, span: Span, loop: _Loop, decision: Decision) -> tuple[Ending, str]:
        cause, by_rules = decision.cause, self._policy.kind == "governor"
        try:
            if by_rules:
                broken = self._validate(loop.champion.rows, span.labelled, cause)
                reasons = [gate.reason for gate in broken if gate.blocks]
                if reasons:
                    return "failed", "; ".join(reasons[:3])
            candidate = self._candidates.train(span.labelled)
        except DataRejected as error:
            return "failed", str(error)
        self._seconds += candidate.seconds
        alone = (
            gates_of_candidate(self._stream, self._setup, candidate, loop.champion)
            if by_rules
            else []
        )
        if reasons := [gate.reason for gate in alone if gate.blocks]:
            return "rejected", "; ".join(reasons[:3])
        loop.registered += 1
        if by_rules:
            gates = gates_against_champion(
                self._stream, self._setup, candidate, loop.champion, cause
            )
            reasons = [gate.reason for gate in gates if gate.blocks]
            if reasons:
                return "challenger", "; ".join(reasons[:3])
        before = loop.champion
        loop.version, loop.since, loop.champion = loop.registered, span.end, candidate
        if cause is not None:
            verdict = verify_repair(
                self._stream, self._setup, cause, span, before=before, after=candidate
            )
            self._repairs[decision.id] = {"verdict": verdict}
        return "promoted", ""
