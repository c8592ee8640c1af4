"""Latency gate: compares 95% quantiles of challenger and champion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ..core.results import CanaryVerdict, Gate
from ..core.settings import CanarySettings
from ..metrics.bootstrap import Interval
from ..metrics.losses import Floats
from .evidence import Evidence
from .looks import alpha_spent, labels_needed

LATENCY_SHARE = 0.95


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
    bounds = {
        side: stats.quantile_test(values, p=share, alternative=side).confidence_interval(1.0 - tail)
        for side in ("greater", "less")
    }
    low, high = bounds["greater"].low, bounds["less"].high
    return Interval(
        float(np.quantile(values, share, method="inverted_cdf")),
        -np.inf if np.isnan(low) else float(low),
        np.inf if np.isnan(high) else float(high),
    )


def latency_gate(
    settings: CanarySettings, evidence: Evidence, looks: Sequence[CanaryVerdict]
) -> tuple[Gate | None, int | None, bool]:
    """Judge whether the challenger answers as fast as allowed.

    Args:
        settings: How much slower it may be, and how sure that must be.
        evidence: Latencies of both.
        looks: What was recorded of this canary so far, in order.

    Returns:
        The gate (None when latencies are not asked about), which look at latencies it was (None when none
        was taken), and whether the challenger is surely too slow.
    """
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
    look = len(known) + 1 if not known or now >= labels_needed(settings, seen) else None
    # Both bounds must hold at once: half of the look's chance each.
    tail = alpha_spent(look or len(known) + 1, settings.confidence) / 2
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
