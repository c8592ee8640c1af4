"""Decides whether a challenger on live traffic is promoted, watched or withdrawn. Pure: no clock, no input, no output.

| the challenger | verdict |
| --- | --- |
| is surely better than the champion by more than `margin`, and no other gate stands in the way | `promote` |
| surely falls short of `margin`, or is surely slower than allowed | `withdraw` |
| is neither, and `maximum_days` have passed | `withdraw`: it must prove itself |
| else | `keep_watching` |

Whoever looks again and again until chance obliges is wrong more often than planned. So the chance of
error, 1 - `confidence`, is spent over the looks (Lan and DeMets, *Biometrika* 70, 1983): look k gets
1 / (k(k + 1)) of it. These shares add up to 1 however many looks there are, and by the union bound the
chance that any look is wrong is at most the sum of theirs, whatever the looks have in common. A look is
taken only once enough labels are new: late shares are small.

Promoting wrongly, withdrawing wrongly for the metric and withdrawing wrongly for the latency have each
a chance of error of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from ..core.results import CanaryVerdict, Gate, digest_of
from ..core.settings import CanarySettings
from ..metrics.bootstrap import Interval, grouped_difference
from ..metrics.losses import Floats
from .evidence import Evidence

LATENCY_SHARE = 0.95


class Trial(NamedTuple):
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
        """Return the trial's id: other versions, or something else asked of them, is another trial."""
        asked = {"margin": settings.margin, "confidence": settings.confidence}
        return digest_of({**self._asdict(), **asked})[:16]


def error_of(look: int, confidence: float) -> float:
    """Return what a look may spend of the chance of error.

    Args:
        look: Which look it is, from 1.
        confidence: Of all looks together.

    Returns:
        A chance; over all looks they add up to 1 - confidence.

    Example:
        >>> round(sum(error_of(look, 0.95) for look in range(1, 100_000)), 4)
        0.05
    """
    return (1.0 - confidence) / (look * (look + 1))


def quantile_bounds(values: Floats, share: float, tail: float) -> Interval:
    """Return a quantile with bounds that hold for any distribution.

    They are order statistics: how many of n values lie below the quantile is binomial (Conover,
    *Practical Nonparametric Statistics*, 1999, section 3.2).

    Args:
        values: Shape (n,), at least one.
        share: Which quantile, between 0 and 1.
        tail: Chance that a bound is wrong, each of them.

    Returns:
        The quantile and its bounds, infinite where there are too few values to tell.

    Example:
        >>> quantile_bounds(np.arange(1.0, 1001.0), 0.95, 0.025)
        Interval(value=950.0, low=936.0, high=964.0)
    """
    ordered = np.sort(values)
    below = int(stats.binom.ppf(tail, len(ordered), share))
    above = int(stats.binom.isf(tail, len(ordered), share)) + 1
    return Interval(
        float(np.quantile(ordered, share, method="inverted_cdf")),
        float(ordered[below - 1]) if below >= 1 else -np.inf,
        float(ordered[above - 1]) if above <= len(ordered) else np.inf,
    )


def judge(
    settings: CanarySettings,
    trial: Trial,
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
        trial: Project, versions and metric.
        evidence: Predictions of both over one period; None when one of them made none.
        looks: What was recorded of this trial so far, in order; none of it decided the trial.
        resamples: Bootstrap resamples.
        seed: Seed of the resamples.
        now: Real time (UTC).

    Returns:
        The verdict; with a `number` when it must be recorded, because it is a look or decides.
    """
    known = [look for look in looks if look.look is not None]
    common = {
        "trial": trial.key(settings),
        "project": trial.project,
        "champion_version": trial.champion,
        "challenger_version": trial.challenger,
        "metric": trial.metric,
        "judged_at": now,
    }
    if evidence is None:
        reason = (
            f"champion version {trial.champion} and challenger version {trial.challenger} have no "
            "predictions of one period yet: send the challenger traffic, or shadow the champion with it"
        )
        return CanaryVerdict(
            verdict="keep_watching", reason=reason, needed=settings.minimum_labels, **common
        )
    expired = settings.maximum_days is not None and (
        evidence.end - evidence.start >= timedelta(days=settings.maximum_days)
    )
    needed = _needed(settings, known[-1].labelled if known else None)
    # Time is up: a last look at whatever came since the last.
    last = expired and evidence.labelled > max(
        [settings.minimum_labels - 1, *(look.labelled for look in known)]
    )
    found: Interval | None = None
    look: int | None = None
    if evidence.labelled >= needed or last:
        look = len(known) + 1
        found = grouped_difference(
            trial.metric,
            evidence.champion,
            evidence.challenger,
            paired=evidence.traffic == "shadow",
            tail=error_of(look, settings.confidence),
            resamples=resamples,
            seed=seed,
        )
    performance = _performance(settings, trial, evidence, found=found, look=look, needed=needed)
    latency, latency_look, too_slow = _latency(settings, evidence, looks)
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
        needed=_needed(settings, evidence.labelled) if look is not None else needed,
        champion_score=evidence.champion.metric(trial.metric) if found else None,
        challenger_score=evidence.challenger.metric(trial.metric) if found else None,
        improvement=found.value if found else None,
        interval=(found.low, found.high) if found else None,
        error=error_of(look, settings.confidence) if look is not None else None,
        look=look,
        latency_look=latency_look,
        gates=gates,
        **common,
    )


def _needed(settings: CanarySettings, labelled: int | None) -> int:
    """Return how many labelled requests the next look needs."""
    if labelled is None:
        return settings.minimum_labels
    return max(labelled + 1, ceil(labelled * (1 + settings.look_growth)))


def _performance(
    settings: CanarySettings,
    trial: Trial,
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
        f"{trial.metric} improves by {found.value:+.4g} ({found.low:+.4g} to {found.high:+.4g}) over version "
        f"{trial.champion}, on {evidence.labelled:,} labelled requests at look {look}: {says} the "
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


def _latency(
    settings: CanarySettings, evidence: Evidence, looks: Sequence[CanaryVerdict]
) -> tuple[Gate | None, int | None, bool]:
    """Return the gate, which look it was (if any), and whether the challenger is surely too slow."""
    limit = settings.latency_ratio
    if limit is None:
        return None, None, False
    before, after = evidence.champion_latency, evidence.challenger_latency
    count, asked = min(len(before), len(after)), settings.minimum_labels
    if count < asked:
        reason = f"{count:,} requests with latencies of one of them at least, {asked:,} needed"
        return Gate(name="latency", verdict="not_run", reason=reason, threshold=limit), None, False
    known = [look for look in looks if look.latency_look is not None]
    seen = min(known[-1].champion_rows, known[-1].challenger_rows) if known else 0
    now = min(evidence.champion_rows, evidence.challenger_rows)
    look = len(known) + 1 if not known or now >= _needed(settings, seen) else None
    # Both bounds must hold at once: half of the look's chance each.
    tail = error_of(look or len(known) + 1, settings.confidence) / 2
    ours, theirs = (quantile_bounds(values, LATENCY_SHARE, tail) for values in (after, before))
    surely = look is not None and ours.low > limit * theirs.high
    ratio = ours.value / theirs.value if theirs.value > 0 else np.inf
    within = ours.value <= limit * theirs.value
    gate = Gate(
        name="latency",
        verdict="passed" if within else "failed",
        reason=f"95% of requests take the challenger at most {ours.value * 1e3:.4g} ms, the champion "
        f"{theirs.value * 1e3:.4g} ms: {ratio:.3g} times as long, at most {limit:g} allowed"
        + (", and not by chance" if surely else ""),
        value=ratio,
        threshold=limit,
    )
    return gate, look, surely


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
