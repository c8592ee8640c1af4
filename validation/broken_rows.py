"""Detects duplicated deliveries of rows, and a target that no longer relates to the features."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ..metrics.losses import Floats

_RUN = 20
_SURPRISE = 14.0
_MORE_OFTEN = 0.2
_ROWS = 20


def repeated_rows(hashes: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Find new rows that are copies of earlier ones, beyond what is usual in this table.

    Either a block comes again in the same order, which chance and its rows' frequencies do not
    explain, or the share of copies is higher by 0.2 than among as many of the rows before.

    Args:
        hashes: A hash of each row's features and target, shape (rows,), in order.
        new: Positions of the new rows.

    Returns:
        Positions of the copies among the new rows; empty when they are as usual.

    Example:
        >>> rows = np.arange(100)
        >>> repeated_rows(np.r_[rows, rows[50:]], np.arange(60, 150)).tolist() == list(range(100, 150))
        True
    """
    if not len(new):
        return np.empty(0, dtype=int)
    is_new = np.zeros(len(hashes), dtype=bool)
    is_new[new] = True
    # Rows at the end are the later copies; known rows come first whatever the order.
    order = np.r_[np.flatnonzero(~is_new), new]
    ordered = hashes[order]
    known = int((~is_new).sum())
    codes, values = pd.factorize(ordered)
    copies = pd.Series(ordered).duplicated().to_numpy()
    runs = _runs(codes, np.bincount(codes, minlength=len(values)))
    if runs[:known].any():
        runs[:] = False
    before = copies[max(known - len(new), 0) : known]
    usual = float(before.mean()) if len(before) else 0.0
    here = copies[known:]
    found = runs[known:]
    if here.sum() >= _ROWS and float(here.mean()) >= usual + _MORE_OFTEN:
        found = found | here
    return order[known:][found]


def _runs(codes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Say which rows end a lag at which at least 20 rows in a row repeat earlier ones."""
    rows = len(codes)
    places = pd.Series(np.arange(rows))
    earlier = places.groupby(codes).shift().to_numpy()
    lag = np.where(np.isnan(earlier), 0, places.to_numpy() - np.nan_to_num(earlier)).astype(int)
    edges = np.flatnonzero(np.r_[True, lag[1:] != lag[:-1], True])
    hit = np.zeros(rows, dtype=bool)
    for first, end in itertools.pairwise(edges):
        if lag[first] == 0 or end - first < _RUN:
            continue
        block = codes[first:end]
        if len(np.unique(block)) < _RUN:
            continue
        # Rows that are there often anyway repeat by chance: a copy tells as much as its row is rare.
        surprise = np.log(rows / np.maximum(counts[block] - 1, 1)).sum()
        if surprise >= _SURPRISE + 2 * np.log(rows):
            hit[first:end] = True
    return hit


def unrelated_target(
    known: dict[str, Floats], target: Floats, new: dict[str, Floats], new_target: Floats
) -> str | None:
    """Find out whether the features have stopped saying anything about the target.

    A target that was shuffled looks like this, and so does a world that changed altogether: it is
    for people to look at.

    Args:
        known: Column to known values.
        target: Known target, as numbers.
        new: Column to new values.
        new_target: New target, as numbers.

    Returns:
        The column that said most, or None.

    Example:
        >>> x = np.arange(400.0)
        >>> shuffled = np.random.default_rng(0).permutation(x[200:])
        >>> unrelated_target({"x": x[:200]}, x[:200], {"x": x[200:]}, shuffled)
        'x'
    """
    before = {name: _rank_correlation(values, target) for name, values in known.items()}
    strong = [name for name, related in before.items() if related >= 0.2]
    if not strong or len(new_target) < 100:
        return None
    noise = 3.0 / np.sqrt(len(new_target))
    if all(
        _rank_correlation(new[name], new_target) < min(noise, before[name] / 3) for name in strong
    ):
        return max(strong, key=lambda name: before[name])
    return None


def _rank_correlation(values: Floats, target: Floats) -> float:
    both = np.isfinite(values) & np.isfinite(target)
    if both.sum() < 30:
        return 0.0
    one, two = values[both], target[both]
    if one.min() == one.max() or two.min() == two.max():
        return 0.0
    found: Any = stats.spearmanr(one, two)
    return abs(float(found.statistic))
