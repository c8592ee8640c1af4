"""Permutation importance of each input column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..metrics.losses import metric_value, row_losses
from .predictor import Predictor

_ROWS = 1_000
_REPEATS = 3
# scikit-learn's permutation_importance predicts every shuffle by itself: 2 to 5 times as long for boosted trees.
# About 40 MB: many shuffles of few rows are predicted at once, few of many one by one.
_CELLS = 5_000_000


def permutation_importance(
    predictor: Predictor, rows: pd.DataFrame, truth: np.ndarray, *, metric: str, seed: int = 0
) -> dict[str, float]:
    """Return each column's share of the model's permutation importance.

    A column's importance is how much the metric rises when its values are shuffled: the mean of 3
    shuffles of at most 1,000 rows, a fall counted as 0 (Breiman 2001, doi 10.1023/A:1010933404324).

    Args:
        predictor: The model.
        rows: Conformed holdout rows, n.
        truth: True labels, shape (n,).
        metric: Name of the metric; lower is better.
        seed: Seed of sample and shuffles.

    Returns:
        Input column to share; they sum to 1. All the same when no column matters.
    """
    rng = np.random.default_rng(seed)
    count = min(len(rows), _ROWS)
    chosen = np.sort(rng.choice(len(rows), count, replace=False))
    sample, labels = rows.iloc[chosen].reset_index(drop=True), truth[chosen]

    names = list(predictor.feature_types)
    together = max(1, _CELLS // (count * len(names)))

    def losses(frames: list[pd.DataFrame]) -> list[float]:
        predicted = predictor.predict_conformed(pd.concat(frames, ignore_index=True))
        return [
            metric_value(metric, row_losses(metric, labels, part, predictor.classes))
            for part in np.split(predicted, len(frames))
        ]

    (before,) = losses([sample])
    rises = np.zeros(len(names))
    shuffles = [position for position in range(len(names)) for _ in range(_REPEATS)]
    for start in range(0, len(shuffles), together):
        positions = shuffles[start : start + together]
        frames = []
        for position in positions:
            name = names[position]
            shuffled = sample.copy()
            shuffled[name] = sample[name].to_numpy()[rng.permutation(count)]
            frames.append(shuffled)
        for position, after in zip(positions, losses(frames), strict=True):
            rises[position] += max(after - before, 0.0) / _REPEATS
    if not rises.sum() > 0:
        return dict.fromkeys(names, 1.0 / len(names))
    return {name: float(rise / rises.sum()) for name, rise in zip(names, rises, strict=True)}
