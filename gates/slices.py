"""Judges declared slices by themselves: how much worse a model is on each than on the whole holdout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.results import Gate
from ..core.settings import GateSettings
from ..data.slice_values import MOST_SLICES, slice_values
from ..metrics.losses import Floats, metric_value
from ..metrics.sampling import Sampling
from .holdout_parts import Part, big_enough, corrected, judge_parts

# How the name of every gate about a declared slice begins.
SLICE = "slice "
# A slice that is compared with the champion's is a gate of its own.
_SUFFIX = "against all rows"


def slice_gates(
    metric: str,
    rows: pd.DataFrame,
    columns: list[str],
    *,
    losses: Floats,
    expected: Floats | None = None,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[list[Gate], list[dict[str, Any]]]:
    """Judge each value of each column that has rows enough.

    A slice fails where its metric is beyond the tolerance with the settings' confidence, one-sided, after the
    correction for all slices that are judged.

    Args:
        metric: Name of a loss.
        rows: The holdout, n rows.
        columns: Columns whose values are the slices.
        losses: The model's, shape (n,).
        expected: Loss that the model itself expects, shape (n,). None: unknown.
        settings: What a candidate must pass.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        A gate for every slice that was judged, advice unless `gates.slices.decides`; and a row for each of the
        largest slices of every column, those too small to be judged included.

    Raises:
        DataRejected: If a column is missing.
    """
    drawn_as = sampling or Sampling()
    masks: dict[str, np.ndarray] = {}
    for column in columns:
        if column not in rows:
            raise DataRejected(
                f"columns.slices names {column!r}, not among {list(rows)}", column=column
            )
        values = slice_values(rows[column])
        for value in pd.Series(values).value_counts().head(MOST_SLICES).index:
            masks[f"{column}={value}"] = values == value
    tolerance = settings.slices.tolerance
    judged = {
        name: mask
        for name, mask in masks.items()
        if tolerance is not None and big_enough(mask, drawn_as, settings.minimum_slice_rows)
    }
    parts = judge_parts(
        metric,
        losses,
        judged,
        tolerance=tolerance or 0.0,
        settings=settings,
        seed=seed,
        sampling=drawn_as,
    )
    fixed = dict(zip(parts, corrected([part.p_value for part in parts.values()]), strict=True))
    gates: list[Gate] = []
    table: list[dict[str, Any]] = []
    for name, mask in masks.items():
        own = None if expected is None else _mean(metric, expected, mask, drawn_as)
        row: dict[str, Any] = {"slice": name, "rows": int(mask.sum())}
        if name in parts:
            bad = fixed[name] <= 1 - settings.confidence
            part = parts[name]
            gates.append(
                _gate(
                    metric,
                    name,
                    part,
                    fixed[name],
                    looks=len(parts),
                    expected=own,
                    settings=settings,
                )
            )
            row |= {"judged": True, "weak": bad, "p_value": fixed[name], **numbers_of(part)}
        else:
            row |= {"judged": False, "value": _mean(metric, losses, mask, drawn_as)}
        table.append({**row, "expected": own})
    return gates, table


def numbers_of(part: Part) -> dict[str, float | None]:
    """Return what the evidence keeps of a part."""
    found = {"value": part.value, "low": part.low, "high": part.high, "allowed": part.allowed}
    outside = None if np.isnan(part.outside) else part.outside
    return {**found, "outside": outside, "whole": part.whole, "uncorrected_p_value": part.p_value}


def _gate(
    metric: str,
    name: str,
    part: Part,
    p_value: float,
    *,
    looks: int,
    expected: float | None,
    settings: GateSettings,
) -> Gate:
    bad = p_value <= 1 - settings.confidence
    told = part.detectable(settings.confidence, looks)
    others = f", corrected for {looks} slices" if looks > 1 else ""
    return Gate(
        name=f"{SLICE}{name} {_SUFFIX}",
        verdict="failed" if bad else "passed",
        reason=f"on {part.rows} rows {metric} is {part.value:.4g}, between {part.low:.4g} and {part.high:.4g} with "
        f"{settings.confidence:.0%} confidence, on the whole holdout {part.whole:.4g}; at most {part.allowed:.4g} "
        f"is asked (gates.slices.tolerance): {'surely worse' if bad else 'not surely worse'} (p {p_value:.2g}"
        f"{others}){expected_words(expected)}; such rows tell a true {metric} of {told:.4g} four times in five",
        value=part.value,
        threshold=part.allowed,
        blocking=settings.slices.decides,
        detectable=told,
    )


def expected_words(expected: float | None) -> str:
    """Return what the model itself expects of a part, in words."""
    return "" if expected is None else f"; the model itself expects {expected:.4g} there"


def _mean(metric: str, losses: Floats, mask: np.ndarray, sampling: Sampling) -> float | None:
    weights = sampling.take(mask).weights
    if not mask.any() or (weights is not None and not weights.sum() > 0):
        return None
    return metric_value(metric, losses[mask], weights)
