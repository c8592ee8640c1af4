"""Results of canary decisions: verdict on a challenger that predicts on live traffic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Gate, Result, UtcDatetime


class CanaryVerdict(Result):
    """Whether a challenger on live traffic should become the champion.

    Attributes:
        trial: Made of project, versions and what is asked of the challenger: one canary run is decided once.
        number: Which record of that run this is, from 1; None when nothing was recorded.
        data: Digest of the predictions and labels that were judged; empty without any.
        project: Name of the project.
        champion_version: Version that was serving.
        challenger_version: Version that was judged.
        verdict: `promote`, `keep_watching` or `withdraw`.
        reason: One sentence.
        evidence: `shadow` (both predicted the same rows) or `canary` (each its share of the
            requests); None without predictions.
        start: First moment of the period judged, or None.
        end: Last prediction of the period, or None.
        champion_rows: Predictions of the champion.
        challenger_rows: Predictions of the challenger.
        labelled: Labelled requests of the one that has fewer.
        needed: Labelled requests for the next look.
        metric: Name of the metric; lower is better.
        champion_score: The champion's metric at this look, or None.
        challenger_score: The challenger's, or None.
        improvement: Champion's minus challenger's metric, positive when the challenger is better.
        interval: Its lower and upper bound at this look, each wrong with chance `error`.
        error: What this look may spend of the chance of error, or None.
        look: Which look at the metric this is, from 1; None when it was none.
        latency_look: Which look at the latencies this is, from 1; None when it was none.
        gates: `performance`, `answers` and, unless it is switched off, `latency`.
        judged_at: When (UTC).
    """

    trial: str
    number: int | None = None
    data: str = ""
    project: str
    champion_version: str
    challenger_version: str
    verdict: Literal["promote", "keep_watching", "withdraw"]
    reason: str
    evidence: Literal["shadow", "canary"] | None = None
    start: UtcDatetime | None = None
    end: UtcDatetime | None = None
    champion_rows: int = 0
    challenger_rows: int = 0
    labelled: int = 0
    needed: int
    metric: str
    champion_score: float | None = None
    challenger_score: float | None = None
    improvement: float | None = None
    interval: tuple[float, float] | None = None
    error: float | None = None
    look: int | None = None
    latency_look: int | None = None
    gates: list[Gate] = Field(default_factory=list)
    judged_at: UtcDatetime

    @property
    def final(self) -> bool:
        """Whether the canary run is decided."""
        return self.verdict != "keep_watching"


class CanaryOutcome(Result):
    """What became of a verdict.

    Attributes:
        verdict: The verdict; None when there is no challenger.
        action: `promoted`, `withdrawn` or `none`.
        reason: Why, one sentence.
    """

    verdict: CanaryVerdict | None = None
    action: Literal["promoted", "withdrawn", "none"]
    reason: str
