"""Decides whether a challenger on live traffic is promoted, watched or withdrawn. Pure: no clock, no I/O.

| the challenger | verdict |
| --- | --- |
| is surely better than the champion by more than `margin`, and no other gate stands in the way | `promote` |
| surely falls short of `margin`, or is surely slower than allowed | `withdraw` |
| is neither, and `maximum_days` have passed | `withdraw`: it must prove itself |
| else | `keep_watching` |

The chance of error is spent over the looks (`canary.looks`). Promoting wrongly, withdrawing wrongly for the
metric and withdrawing wrongly for the latency have each a chance of error of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from ..core.results import CanaryVerdict, Gate, digest_of
from ..core.settings import CanarySettings
from ..metrics.bootstrap import Interval, grouped_difference
from .evidence import Evidence
from .latency import latency_gate
from .looks import alpha_spent, labels_needed


class CanaryRun(NamedTuple):
    """What is judged.

    Attributes:
        project: Name of the project.
        model: Registered model's name.
        champion: Version that serves.
        challenger: Version that is judged.
        metric: Name of a loss.
    """

    project: str
    model: str
    champion: str
    challenger: str
    metric: str

    def key(self, settings: CanarySettings) -> str:
        """Return the run's id: other versions, or something else asked of them, is another run."""
        asked = {"margin": settings.margin, "confidence": settings.confidence}
        return digest_of({**self._asdict(), **asked})[:16]


def judge(
    settings: CanarySettings,
    canary: CanaryRun,
    evidence: Evidence | None,
    *,
    looks: Sequence[CanaryVerdict],
    resamples: int,
    seed: int,
    now: datetime,
) -> CanaryVerdict:
    """Judge a challenger.

    Args:
        settings: What is asked of it.
        canary: Project, versions and metric.
        evidence: Predictions of both over one period; None when one of them made none.
        looks: What was recorded of this canary so far, in order; none of it decided it.
        resamples: Bootstrap resamples.
        seed: Seed of the resamples.
        now: Real time (UTC).

    Returns:
        The verdict; with a `number` when it must be recorded, because it is a look or decides.
    """
    known = [look for look in looks if look.look is not None]
    common = {
        "trial": canary.key(settings),
        "project": canary.project,
        "champion_version": canary.champion,
        "challenger_version": canary.challenger,
        "metric": canary.metric,
        "judged_at": now,
    }
    if evidence is None:
        reason = (
            f"champion version {canary.champion} and challenger version {canary.challenger} have no "
            "predictions of one period yet: send the challenger traffic, or shadow the champion with it"
        )
        return CanaryVerdict(
            verdict="keep_watching", reason=reason, needed=settings.minimum_labels, **common
        )
    expired = settings.maximum_days is not None and (
        evidence.end - evidence.start >= timedelta(days=settings.maximum_days)
    )
    needed = labels_needed(settings, known[-1].labelled if known else None)
    # Time is up: a last look at whatever came since the last.
    last = expired and evidence.labelled > max(
        [settings.minimum_labels - 1, *(look.labelled for look in known)]
    )
    found: Interval | None = None
    look: int | None = None
    if evidence.labelled >= needed or last:
        look = len(known) + 1
        found = grouped_difference(
            canary.metric,
            evidence.champion,
            evidence.challenger,
            paired=evidence.traffic == "shadow",
            tail=alpha_spent(look, settings.confidence),
            resamples=resamples,
            seed=seed,
        )
    performance = _performance(settings, canary, evidence, found=found, look=look, needed=needed)
    latency, latency_look, too_slow = latency_gate(settings, evidence, looks)
    gates = [performance, _answers(evidence), *([latency] if latency else [])]
    verdict, reason = _verdict(settings, gates, too_slow=too_slow, expired=expired)
    recorded = look is not None or latency_look is not None or verdict != "keep_watching"
    return CanaryVerdict(
        number=len(looks) + 1 if recorded else None,
        data=evidence.digest,
        verdict=verdict,
        reason=reason,
        evidence=evidence.traffic,
        start=evidence.start,
        end=evidence.end,
        champion_rows=evidence.champion_rows,
        challenger_rows=evidence.challenger_rows,
        labelled=evidence.labelled,
        needed=labels_needed(settings, evidence.labelled) if look is not None else needed,
        champion_score=evidence.champion.metric(canary.metric) if found else None,
        challenger_score=evidence.challenger.metric(canary.metric) if found else None,
        improvement=found.value if found else None,
        interval=(found.low, found.high) if found else None,
        error=alpha_spent(look, settings.confidence) if look is not None else None,
        look=look,
        latency_look=latency_look,
        gates=gates,
        **common,
    )


def _performance(
    settings: CanarySettings,
    canary: CanaryRun,
    evidence: Evidence,
    *,
    found: Interval | None,
    look: int | None,
    needed: int,
) -> Gate:
    verdict: Literal["passed", "failed", "not_run"] = "not_run"
    if found is None:
        reason = (
            f"{evidence.labelled:,} labelled requests of one of them at least, {needed:,} needed for the "
            f"next look: {needed - evidence.labelled:,} are missing"
        )
        return Gate(name="performance", verdict=verdict, reason=reason, threshold=settings.margin)
    if found.low > settings.margin:
        verdict, says = "passed", "surely better than"
    elif found.high < settings.margin:
        verdict, says = "failed", "surely short of"
    else:
        says = "not surely on either side of"
    reason = (
        f"{canary.metric} improves by {found.value:+.4g} ({found.low:+.4g} to {found.high:+.4g}) over version "
        f"{canary.champion}, on {evidence.labelled:,} labelled requests at look {look}: {says} the "
        f"{settings.margin:+g} asked for"
    )
    return Gate(
        name="performance",
        verdict=verdict,
        reason=reason,
        value=found.value,
        threshold=settings.margin,
    )


def _answers(evidence: Evidence) -> Gate:
    ours = evidence.challenger_unusable / max(1, evidence.challenger_rows)
    theirs = evidence.champion_unusable / max(1, evidence.champion_rows)
    worse = ours > theirs
    return Gate(
        name="answers",
        verdict="failed" if worse else "passed",
        # They have no loss: judged by the others alone, a model that breaks on hard rows would gain.
        reason=f"{evidence.challenger_unusable:,} of {evidence.challenger_rows:,} answers of the challenger "
        f"failed or are not finite, {evidence.champion_unusable:,} of {evidence.champion_rows:,} of the champion",
        value=ours,
        threshold=theirs,
    )


def _verdict(
    settings: CanarySettings, gates: list[Gate], *, too_slow: bool, expired: bool
) -> tuple[Literal["promote", "keep_watching", "withdraw"], str]:
    performance, *others = gates
    blocking = [gate for gate in others if gate.blocks]
    if too_slow:
        return "withdraw", "; ".join(gate.reason for gate in others if gate.name == "latency")
    if performance.verdict == "failed":
        return "withdraw", performance.reason
    if performance.verdict == "passed" and not blocking:
        return "promote", performance.reason
    reason = "; ".join(gate.reason for gate in [performance, *blocking])
    if expired:
        return "withdraw", f"undecided after {settings.maximum_days:g} days: {reason}"
    return "keep_watching", reason
