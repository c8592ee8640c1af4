"""Bootstrap intervals of a metric, or of the difference of two, from per-row losses.

Percentile intervals after Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter
13. Two models are compared **paired**: each resample draws the same rows for both, so what the rows
have in common (hard ones, easy ones) cancels out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..core.errors import DataRejected
from .losses import Floats, metric_value
from .sampling import Sampling

# Values drawn at once. Small batches stay in the processor's cache: faster than one big one.
_BATCH_VALUES = 200_000
# Of more groups, neighbours are drawn as one: as exact, and its time has a bound.
_MOST_GROUPS = 2_000
# Resamples beyond a quantile that make it reliable.
_TAIL_RESAMPLES = 20


class Interval(NamedTuple):
    """A value with its bootstrap interval.

    Attributes:
        value: The value on the rows as they are.
        low: Lower bound.
        high: Upper bound.
    """

    value: float
    low: float
    high: float


class Groups(NamedTuple):
    """Losses of rows that belong together, such as those of one request.

    Attributes:
        losses: Sum of each group's losses, shape (g,).
        rows: Rows of each group, shape (g,), at least one each.
    """

    losses: Floats
    rows: Floats

    def metric(self, name: str) -> float:
        """Return the metric of all rows."""
        return float(_metric(name, self.losses.sum(), self.rows.sum()))


def metric_interval(
    metric: str,
    losses: Floats,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    sampling: Sampling | None = None,
) -> Interval:
    """Return a metric with its interval.

    Args:
        metric: Name of a loss of `metrics.losses`.
        losses: Per-row losses from `row_losses`, shape (n,).
        confidence: Level of the interval, two-sided, between 0 and 1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, and each for itself.

    Returns:
        The metric and its bounds. One row, or one group, says nothing about spread: its bounds are infinite.

    Raises:
        DataRejected: If there are no rows, none counts, or a loss is not finite.

    Example:
        >>> losses = np.array([0.0, 1.0] * 50)
        >>> metric_interval("error_rate", losses, confidence=0.9, resamples=500, seed=0).value
        0.5
    """
    if sampling is None or sampling.plain:
        return _interval(metric, (losses,), confidence, resamples, seed)
    return _sampled_interval(
        metric, (losses,), sampling, confidence=confidence, resamples=resamples, seed=seed
    )


def paired_difference(
    metric: str,
    champion_losses: Floats,
    candidate_losses: Floats,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    sampling: Sampling | None = None,
) -> Interval:
    """Return how much better a candidate is than a champion on the same rows, with its interval.

    Args:
        metric: Name of a loss of `metrics.losses`.
        champion_losses: The champion's per-row losses from `row_losses`, shape (n,).
        candidate_losses: The candidate's, of the same rows in the same order.
        confidence: Level of the interval, two-sided, between 0 and 1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, and each for itself.

    Returns:
        Champion's metric minus candidate's, positive when the candidate is better, and its bounds.
        One row, or one group, says nothing about spread: its bounds are infinite.

    Raises:
        DataRejected: If there are no rows, the row counts differ, or a loss is not finite.

    Example:
        >>> champion, candidate = np.ones(100), np.zeros(100)
        >>> paired_difference("mae", champion, candidate, confidence=0.9, resamples=100, seed=0)
        Interval(value=1.0, low=1.0, high=1.0)
    """
    if len(champion_losses) != len(candidate_losses):
        raise DataRejected(
            f"a paired comparison needs the same rows: {len(champion_losses)} losses of the champion "
            f"and {len(candidate_losses)} of the candidate"
        )
    samples = (champion_losses, candidate_losses)
    if sampling is None or sampling.plain:
        return _interval(metric, samples, confidence, resamples, seed)
    return _sampled_interval(
        metric, samples, sampling, confidence=confidence, resamples=resamples, seed=seed
    )


def grouped_difference(
    metric: str,
    champion: Groups,
    challenger: Groups,
    *,
    paired: bool,
    tail: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return how much better a challenger is than a champion, with bounds for small chances of error.

    Groups are drawn, not rows, so that rows which depend on each other do not pass for more evidence
    than they are (cluster bootstrap: Field and Welsh, *J. R. Stat. Soc. B* 69, 2007); of many groups,
    blocks of neighbours. Two cautions keep the chance of error where rows are few, answers rarely
    differ, or a loss has a long tail. Each bound is taken with one more group that speaks against it:
    the most telling one that was seen, the wrong way round (the idea of Agresti and Caffo, *The
    American Statistician* 54, 2000). And a quantile beyond what the resamples can show is extrapolated
    from one that they do show, in proportion to the normal distribution's.

    Args:
        metric: Name of a loss of `metrics.losses`.
        champion: The champion's losses.
        challenger: The challenger's; when paired, of the same rows in the same groups.
        paired: Whether both predicted the same rows. Else the two are drawn independently.
        tail: Chance that a bound is wrong, each of them, below 0.5.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        Champion's metric minus challenger's, positive when the challenger is better, and its bounds.
        One group says nothing about spread: its bounds are infinite.

    Raises:
        DataRejected: If there are no groups, or the group counts of a pair differ.

    Example:
        >>> good, bad = (Groups(np.full(100, loss), np.ones(100)) for loss in (0.1, 0.5))
        >>> found = grouped_difference(
        ...     "mae", bad, good, paired=True, tail=0.01, resamples=500, seed=0
        ... )
        >>> 0 < found.low < found.value == found.high
        True
    """
    sizes = len(champion.rows), len(challenger.rows)
    if min(sizes) == 0 or (paired and sizes[0] != sizes[1]):
        raise DataRejected(
            f"a difference needs requests of both, the same ones when paired: {sizes[0]} of the champion, "
            f"{sizes[1]} of the challenger"
        )
    value = champion.metric(metric) - challenger.metric(metric)
    if min(sizes) == 1:
        return Interval(value, -np.inf, np.inf)
    options = {"paired": paired, "tail": tail, "resamples": resamples, "seed": seed}
    low = _lower_bound(metric, champion, challenger, **options)
    high = -_lower_bound(metric, challenger, champion, **options)
    return Interval(value, min(low, value), max(high, value))


def _lower_bound(
    metric: str,
    worse: Groups,
    better: Groups,
    *,
    paired: bool,
    tail: float,
    resamples: int,
    seed: int,
) -> float:
    """Return the lower bound of how much lower the metric of `better` is."""
    adverse = _adverse(worse, better, paired=paired)
    samples = [_blocks(np.column_stack(groups)) for groups in (worse, better)]
    samples = [np.vstack([sample, row]) for sample, row in zip(samples, adverse, strict=True)]
    rng = np.random.default_rng(seed)
    if paired:
        drawn = _drawn(np.hstack(samples), resamples, rng)
    else:
        drawn = np.hstack([_drawn(sample, resamples, rng) for sample in samples])
    sums = np.hstack([sample.sum(axis=0) for sample in samples])
    differences, center = (
        _metric(metric, found[..., 0], found[..., 1])
        - _metric(metric, found[..., 2], found[..., 3])
        for found in (drawn, sums)
    )
    shown = max(tail, min(0.25, _TAIL_RESAMPLES / resamples))
    stretch = stats.norm.isf(tail) / stats.norm.isf(shown)
    return float(center + stretch * (np.quantile(differences, shown) - center))


def _adverse(worse: Groups, better: Groups, *, paired: bool) -> tuple[list[float], list[float]]:
    """Return one group of each that speaks most against `better`: sum of losses and rows."""
    if paired:
        most = int(np.abs(worse.losses - better.losses).argmax())
        low, high = sorted((float(worse.losses[most]), float(better.losses[most])))
        return [low, float(worse.rows[most])], [high, float(better.rows[most])]
    both = np.vstack([np.column_stack(worse), np.column_stack(better)])
    means = both[:, 0] / both[:, 1]
    return both[means.argmin()].tolist(), both[means.argmax()].tolist()


def _blocks(groups: Floats) -> Floats:
    if len(groups) <= _MOST_GROUPS:
        return groups
    first = np.linspace(0, len(groups), _MOST_GROUPS, endpoint=False).astype(int)
    return np.add.reduceat(groups, first, axis=0)


def _drawn(sample: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Return the column sums of resamples of rows, shape (resamples, columns)."""
    size = len(sample)
    sums = np.empty((resamples, sample.shape[1]))
    step = max(1, _BATCH_VALUES // size)
    for begin in range(0, resamples, step):
        rows = rng.integers(0, size, size=(min(step, resamples - begin), size))
        for column, values in enumerate(sample.T):
            sums[begin : begin + step, column] = np.ascontiguousarray(values)[rows].sum(axis=1)
    return sums


def _metric(name: str, losses: Any, rows: Any) -> Any:
    mean = losses / rows
    return np.sqrt(mean) if name == "rmse" else mean


def _check_losses(metric: str, samples: tuple[Floats, ...]) -> None:
    if len(samples[0]) == 0:
        raise DataRejected("an interval needs at least one row; there are none")
    if not all(np.isfinite(sample).all() for sample in samples):
        raise DataRejected(f"{metric}: a row's loss is not finite; check the predictions")


def _sampled_interval(
    metric: str,
    samples: tuple[Floats, ...],
    sampling: Sampling,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return the metric of one sample, or that of the first minus that of the second."""
    _check_losses(metric, samples)
    sums = sampling.sums(*samples)
    if not len(sums):
        # Says so.
        metric_value(metric, samples[0], sampling.weights)
    value = float(_value(metric, sums.sum(axis=0)[None])[0])
    if len(sums) < 2:
        return Interval(value, -np.inf, np.inf)
    drawn = _value(metric, _drawn(sums, resamples, np.random.default_rng(seed)))
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def _value(metric: str, sums: Floats) -> Floats:
    """Return metrics of sums of losses, the last column being those of weights."""
    metrics = _metric(metric, sums[:, :-1], sums[:, -1:])
    return metrics[:, 0] - metrics[:, 1] if metrics.shape[1] > 1 else metrics[:, 0]


def _interval(
    metric: str, samples: tuple[Floats, ...], confidence: float, resamples: int, seed: int
) -> Interval:
    _check_losses(metric, samples)
    rows = len(samples[0])
    value = metric_value(metric, samples[0]) - (
        metric_value(metric, samples[1]) if samples[1:] else 0.0
    )
    if rows == 1:
        return Interval(value, -np.inf, np.inf)

    def statistic(*draws: Floats, axis: int) -> Any:
        means = [draw.mean(axis=axis) for draw in draws]
        if metric == "rmse":
            means = [np.sqrt(mean) for mean in means]
        return means[0] - means[1] if means[1:] else means[0]

    bounds = stats.bootstrap(
        samples,
        statistic,
        n_resamples=resamples,
        batch=max(1, _BATCH_VALUES // rows),
        vectorized=True,
        paired=True,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    # Where no two resamples differ, interpolating between them rounds each bound on its own.
    low, high = sorted((float(bounds.low), float(bounds.high)))
    return Interval(value, low, high)
