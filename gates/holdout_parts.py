"""Parts of a holdout against the whole of it: their metric with intervals, and how sure it is beyond a tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from ..core.settings import GateSettings
from ..data.row_weights import FEWEST_GROUPS
from ..metrics.losses import Floats
from ..metrics.power import detectable_effect
from ..metrics.resampled_ratios import resampled_ratios
from ..metrics.sampling import Sampling


@dataclass(frozen=True)
class Part:
    """A part of the rows, judged.

    Attributes:
        rows: How many rows it has.
        value: Metric in it.
        low: Lower bound of its bootstrap interval.
        high: Upper bound.
        outside: Metric of the other rows; NaN where there are none.
        whole: Metric of all rows.
        allowed: What the tolerance allows.
        p_value: Chance to see this if the part were not beyond it, one-sided, by the resamples.
        error: Standard error of how far it is beyond.
    """

    rows: int
    value: float
    low: float
    high: float
    outside: float
    whole: float
    allowed: float
    p_value: float
    error: float

    def detectable(self, confidence: float, looks: int) -> float:
        """Return the smallest true metric that such a part tells four times in five, the first of many looks."""
        level = 1 - 2 * (1 - confidence) / max(looks, 1)
        return self.allowed + detectable_effect(self.error, confidence=level)


def judge_parts(
    metric: str,
    losses: Floats,
    parts: Mapping[str, np.ndarray],
    *,
    tolerance: float,
    settings: GateSettings,
    seed: int,
    sampling: Sampling,
) -> dict[str, Part]:
    """Hold the metric of parts of the rows against that of all rows.

    Args:
        metric: Name of a loss.
        losses: The model's, shape (n,).
        parts: Name to which rows are in it, booleans of shape (n,).
        tolerance: Share by which a part may be worse than the whole.
        settings: Confidence and resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together.

    Returns:
        Name to part.

    Raises:
        DataRejected: If there are no rows, or a loss is not finite.
    """
    if not parts:
        return {}
    # The smallest p-value that resamples can give, corrected for all parts of both halves, must be below the level,
    # or the worst of parts could not fail.
    resamples = max(settings.resamples, math.ceil(4 * len(parts) / (1 - settings.confidence)))
    inside = np.column_stack([np.asarray(part, dtype=float) for part in parts.values()])
    among = np.hstack([inside, 1.0 - inside, np.ones((len(losses), 1))])
    found = resampled_ratios(
        losses[:, None] * among,
        among,
        sampling=sampling,
        resamples=resamples,
        seed=seed,
    )
    found = found.rooted() if metric == "rmse" else found
    count = len(parts)
    whole = float(found.values[-1])
    beyond = found.drawn[:, :count] - (1 + tolerance) * found.drawn[:, -1:]
    # A resample without a row of a part says nothing against it.
    within = 1 + (~(beyond > 0)).sum(axis=0)
    tails = [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]
    bounds: Any = np.nanquantile(found.drawn[:, :count], tails, axis=0)
    return {
        name: Part(
            rows=int(inside[:, at].sum()),
            value=float(found.values[at]),
            low=float(bounds[0, at]),
            high=float(bounds[1, at]),
            outside=float(found.values[count + at]),
            whole=whole,
            allowed=(1 + tolerance) * whole,
            p_value=float(within[at] / (resamples + 1)),
            error=float(np.nanstd(beyond[:, at])),
        )
        for at, name in enumerate(parts)
    }


def corrected(p_values: list[float]) -> list[float]:
    """Return p-values corrected for how many there are, by Benjamini and Hochberg.

    *J. R. Stat. Soc. B* 57 (1995), 289-300. Where no part is beyond its tolerance, the chance to find one is what a
    single test allows, as with Holm's correction; where some are, it finds more of them.

    Example:
        >>> corrected([0.01, 0.5])
        [0.02, 0.5]
    """
    return stats.false_discovery_control(p_values).tolist() if p_values else []


def big_enough(part: np.ndarray, sampling: Sampling, rows: int) -> bool:
    """Return whether a part has the rows, and the groups, that tell chance from a difference.

    Args:
        part: Which rows are in it, booleans of shape (n,).
        sampling: What rows count, and which belong together.
        rows: Fewest rows that count anything.
    """
    inside = sampling.take(part)
    if inside.clusters is not None and inside.clusters < FEWEST_GROUPS:
        return False
    return inside.counting(int(part.sum())) >= max(rows, 1)
