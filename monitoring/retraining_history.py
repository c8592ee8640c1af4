"""Effects of earlier retrainings: which helped, which did not, and which were never judged.

| effect | of a request for retraining |
| --- | --- |
| `pending` | it has not reached the server, or the training has not ended |
| `superseded` | it was overtaken before it was sent |
| `unjudged` | the training failed, was cancelled or crashed, or never ended: nothing was judged |
| `unhelpful` | the candidate was refused, or the new champion did not repair what was wrong |
| `helped` | the new champion did |
| `open` | promoted, and neither repair nor a window of the new champion tells yet |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ..core.results import Decision, Verdict

RetrainingEffect = Literal["pending", "superseded", "unjudged", "unhelpful", "helped", "open"]

# Of drift and of performance.
Verdicts = tuple[Verdict, Verdict]

# Ends at which a candidate was judged; at all others, nothing was.
JUDGED = frozenset({"promoted", "challenger", "rejected"})


@dataclass(frozen=True)
class History:
    """What the journal remembers of a project.

    Attributes:
        decisions: Earlier decisions, newest first.
        ended: Cause id to the end of its retraining: `outcome`, `version`, `reasons`, `error`.
        repairs: Cause id to its repair: `verdict`.
        delivered: Cause id to what became of the request: `delivered_at`, or `superseded_at`.
        unasked: Ends of trainings that no cause asked for: `outcome` and `ended_at`.
        approvals: Cause id to when a person decided on what came of it; None while it waits for one.
    """

    decisions: Sequence[Decision] = ()
    ended: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repairs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delivered: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unasked: Sequence[Mapping[str, Any]] = ()
    approvals: Mapping[str, datetime | None] = field(default_factory=dict)

    @property
    def asked(self) -> list[Decision]:
        """Decisions to retrain that were not overtaken, newest first."""
        return [
            past
            for past in self.decisions
            if past.action == "retrain" and "superseded_at" not in self.delivered.get(past.id, {})
        ]

    def judged(self, champion_version: str) -> list[Decision]:
        """Return the decisions on a champion's windows that could be judged, newest first."""
        return [
            past
            for past in self.decisions
            if past.champion_version == champion_version
            and (past.drift != "not_run" or past.performance != "not_run")
        ]

    def running(self, now: datetime, timeout: timedelta) -> list[str]:
        """Return the causes whose retraining has not ended and is not given up, newest first.

        A request that has not reached the server is not given up: monitoring sends it again. Neither is
        one whose candidate waits for a person: that has a time limit of its own.
        """
        return [
            past.id
            for past in self.asked
            if past.id not in self.ended and self._may_end(past, now, timeout)
        ]

    def unsent(self, cause_id: str) -> bool:
        """Return whether a request has not reached the server; monitoring sends it again."""
        return cause_id not in self.ended and cause_id not in self.delivered

    def awaits_approval(self, cause_id: str) -> bool:
        """Return whether what came of a request waits for a person."""
        return cause_id in self.approvals and self.approvals[cause_id] is None

    def _may_end(self, past: Decision, now: datetime, timeout: timedelta) -> bool:
        if past.id in self.approvals:
            decided = self.approvals[past.id]
            return decided is None or now - decided < timeout
        since = self.delivered.get(past.id, {}).get("delivered_at")
        if since is not None:
            return now - datetime.fromisoformat(since) < timeout
        # Journals of earlier versions do not tell what was delivered.
        return bool(past.configuration) or now - past.decided_at < timeout

    def effect_of(
        self, past: Decision, running: Sequence[str], present: Verdicts | None = None
    ) -> RetrainingEffect:
        """Return what became of a request.

        Args:
            past: The decision to retrain.
            running: Causes whose retraining may still end.
            present: Verdicts on the window being decided, when the serving champion came of this
                request; else None.
        """
        if past.id in running:
            return "pending"
        if "superseded_at" in self.delivered.get(past.id, {}):
            return "superseded"
        end = self.ended.get(past.id)
        if end is None or end["outcome"] not in JUDGED:
            return "unjudged"
        if end["outcome"] != "promoted":
            return "unhelpful"
        verdict: Verdict = self.repairs.get(past.id, {}).get("verdict", "not_run")
        if verdict == "not_run":
            verdict = self._told_by_windows(past, str(end.get("version")), present)
        effects: dict[str, RetrainingEffect] = {"passed": "helped", "failed": "unhelpful"}
        return effects.get(verdict, "open")

    def _told_by_windows(self, past: Decision, version: str, present: Verdicts | None) -> Verdict:
        """Return what the first window of the new champion that tells says of what was wrong."""
        windows: list[Verdicts] = [
            (later.drift, later.performance) for later in reversed(self.judged(version))
        ]
        if present is not None:
            windows.append(present)
        asked_by_performance = past.cause is not None and "performance" in past.cause.signals
        for drift, performance in windows:
            if performance == "failed":
                return "failed"
            told = performance if asked_by_performance else drift
            if told != "not_run":
                return told
        return "not_run"

    def consecutive(
        self,
        wanted: RetrainingEffect,
        *,
        champion_version: str,
        running: Sequence[str],
        configuration: str,
        present: Verdicts,
    ) -> list[Decision]:
        """Return the latest requests in a row that came to the same end, newest first.

        The row ends where things changed: a retraining came to another end, the settings are others,
        a training was started by hand, or a version was made the champion by hand.

        Args:
            wanted: `unhelpful`, or `unjudged`.
            champion_version: Version that is serving.
            running: Causes whose retraining may still end; they are passed over.
            configuration: Digest of the settings that are in force.
            present: Verdicts on the window being decided.

        Returns:
            The decisions.
        """
        found: list[Decision] = []
        serving = champion_version
        for past in self.asked:
            end = self.ended.get(past.id, {})
            own = serving == champion_version == end.get("version")
            effect = self.effect_of(past, running, present if own else None)
            if serving not in (past.champion_version, end.get("version")):
                break
            if past.configuration not in ("", configuration) or self._trained_since(past):
                break
            if effect == wanted:
                found.append(past)
            elif not _passed_over(effect, wanted):
                break
            serving = past.champion_version
        return found

    def _trained_since(self, past: Decision) -> bool:
        return any(
            end["outcome"] in JUDGED and datetime.fromisoformat(end["ended_at"]) > past.decided_at
            for end in self.unasked
        )


def _passed_over(effect: RetrainingEffect, wanted: RetrainingEffect) -> bool:
    # A training that was not judged says nothing about whether training helps. The other way
    # round, one that was judged shows that training is possible.
    return effect == "pending" or (effect == "unjudged" and wanted == "unhelpful")
