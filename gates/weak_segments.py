"""Judges segments that nobody named: found on one half of the holdout, tested on the other, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..core.results import Gate
from ..core.settings import GateSettings
from ..data.row_weights import FEWEST_GROUPS
from ..data.schema import FeatureType
from ..metrics.losses import Floats, metric_value
from ..metrics.sampling import Sampling
from .holdout_parts import Part, big_enough, corrected, judge_parts
from .segment_search import find_segments
from .slices import expected_words, numbers_of

NAME = "weak segments"
# In the gate's own words; the others are in its evidence.
_SHOWN = 3


def weak_segments(
    metric: str,
    rows: pd.DataFrame,
    types: Mapping[str, FeatureType],
    *,
    losses: Floats,
    expected: Floats | None = None,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[Gate, list[dict[str, Any]]]:
    """Search for segments on which a model is surely worse than the tolerance allows.

    The holdout is cut into halves by chance, rows of one group together. Leaves of a tree on the losses of one half that
    are beyond the tolerance there are tested on the other half, and the other way round; p-values are corrected for all
    leaves of both. What is found by chance on one half is not there on the other (cross-fitting).

    Args:
        metric: Name of a loss.
        rows: Conformed features of the holdout, n rows.
        types: Column to feature type.
        losses: The model's, shape (n,).
        expected: Loss that the model itself expects, shape (n,). None: unknown.
        settings: What a candidate must pass.
        seed: Seed of halves and resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate, advice unless `gates.slices.segments_decide`, `not_run` where there are too few rows or groups; and a row for
        every segment that was tested.
    """
    wanted, drawn_as = settings.slices, sampling or Sampling()
    fewest = settings.minimum_slice_rows
    half = _halves(len(rows), drawn_as, seed)
    if len(rows) < 4 * fewest or (drawn_as.clusters or 4 * FEWEST_GROUPS) < 4 * FEWEST_GROUPS:
        of = "" if drawn_as.clusters is None else f" of {drawn_as.clusters} groups"
        needed = "" if drawn_as.clusters is None else f" of {4 * FEWEST_GROUPS} groups"
        reason = (
            f"{len(rows)} rows{of} are held out, and searching on one half and testing on the other needs "
            f"{4 * fewest}{needed}: hold out more rows, or lower gates.minimum_slice_rows"
        )
        gate = Gate(name=NAME, verdict="not_run", reason=reason, blocking=wanted.segments_decide)
        return gate, []
    tested: list[tuple[str, Part, float | None]] = []
    for find, test in ((half, ~half), (~half, half)):
        tested += _cross(
            metric,
            rows,
            types,
            find,
            test,
            losses=losses,
            expected=expected,
            settings=settings,
            seed=seed,
            sampling=drawn_as,
        )
    fixed = corrected([part.p_value for _, part, _ in tested])
    found = sorted(zip(tested, fixed, strict=True), key=lambda one: (one[1], -one[0][1].value))
    table = [
        {
            "segment": name,
            "rows": part.rows,
            "weak": p_value <= 1 - settings.confidence,
            "p_value": p_value,
            **numbers_of(part),
            "expected": own,
        }
        for (name, part, own), p_value in found
    ]
    weak = [one for one in found if one[1] <= 1 - settings.confidence]
    whole = metric_value(metric, losses, drawn_as.weights)
    allowed = (1 + wanted.segment_tolerance) * whole
    asked = (
        f"at most {allowed:.4g} is asked (gates.slices.segment_tolerance), {metric} of the whole holdout "
        f"being {whole:.4g}"
    )
    if weak:
        # The same one, found on both halves, is said once.
        distinct = {one[0]: (one, p_value) for one, p_value in reversed(weak)}
        shown = [_in_words(metric, *found) for found in reversed(distinct.values())]
        more = f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        said = "; ".join(shown[:_SHOWN])
        reason = f"surely worse where {said}{more}; {asked}"
    else:
        reason = (
            f"{len(tested)} segments were suspected on one half of {len(rows)} rows, and none is surely worse on "
            f"the other; {asked}"
        )
    gate = Gate(
        name=NAME,
        verdict="failed" if weak else "passed",
        reason=reason,
        value=weak[0][0][1].value if weak else None,
        threshold=allowed,
        blocking=wanted.segments_decide,
    )
    return gate, table


def _cross(
    metric: str,
    rows: pd.DataFrame,
    types: Mapping[str, FeatureType],
    find: np.ndarray,
    test: np.ndarray,
    *,
    losses: Floats,
    expected: Floats | None,
    settings: GateSettings,
    seed: int,
    sampling: Sampling,
) -> list[tuple[str, Part, float | None]]:
    """Find segments on some rows, and judge on others those that look weak."""
    fewest, tolerance = settings.minimum_slice_rows, settings.slices.segment_tolerance
    known, there = sampling.take(find), sampling.take(test)
    searched, judged = rows[find].reset_index(drop=True), rows[test].reset_index(drop=True)
    limit = (1 + tolerance) * metric_value(metric, losses[find], known.weights)
    parts: dict[str, np.ndarray] = {}
    for segment in find_segments(
        searched,
        losses[find],
        types,
        depth=settings.slices.depth,
        minimum_rows=fewest,
        weights=known.weights,
        seed=seed,
    ):
        here = segment.holds(searched)
        mask = segment.holds(judged)
        if not big_enough(here, known, fewest) or not big_enough(mask, there, fewest):
            continue
        if metric_value(metric, losses[find][here], known.take(here).weights) > limit:
            parts[str(segment)] = mask
    found = judge_parts(
        metric,
        losses[test],
        parts,
        tolerance=tolerance,
        settings=settings,
        seed=seed,
        sampling=there,
    )
    own = {
        name: None
        if expected is None
        else metric_value(metric, expected[test][mask], there.take(mask).weights)
        for name, mask in parts.items()
    }
    return [(name, part, own[name]) for name, part in found.items()]


def _halves(count: int, sampling: Sampling, seed: int) -> np.ndarray:
    """Return which rows are in the first half, rows of one group together."""
    codes: Any = np.arange(count)
    if sampling.groups is not None:
        codes = np.unique(sampling.groups, return_inverse=True)[1]
    units = int(codes.max()) + 1 if count else 0
    order = np.random.default_rng(seed).permutation(units)
    return (order < units // 2)[codes] if count else np.zeros(0, dtype=bool)


def _in_words(metric: str, one: tuple[str, Part, float | None], p_value: float) -> str:
    name, part, own = one
    return (
        f"{name}: {metric} is {part.value:.4g} on {part.rows} rows, {part.outside:.4g} outside (p {p_value:.2g}"
        f"{expected_words(own)})"
    )
