"""Rows that do not all count the same, or belong together: weighted metrics and cluster resamples.

A weighted metric is a ratio, the sum of weighted losses over that of weights, and resamples draw both.
Rows of one group are drawn together (cluster bootstrap: Field and Welsh, *J. R. Stat. Soc. B* 69, 2007;
Cameron, Gelbach and Miller, *Rev. Econ. Stat.* 90, 2008), so that a customer with forty rows is not
forty customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .losses import Floats


@dataclass(frozen=True)
class Sampling:
    """How rows were drawn, n of them.

    Attributes:
        weights: What each row counts, shape (n,). None: all the same.
        groups: Group of each row, shape (n,). None: every row its own.
    """

    weights: Floats | None = None
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Sampling:
        """Return the same of some of the rows, given as positions or booleans."""
        return Sampling(
            None if self.weights is None else self.weights[rows],
            None if self.groups is None else self.groups[rows],
        )

    def counting(self, rows: int) -> int:
        """Return how many of so many rows count anything: what evidence there is."""
        return rows if self.weights is None else int((self.weights > 0).sum())

    @cached_property
    def clusters(self) -> int | None:
        """How many groups have a row that counts; None where rows have none."""
        if self.groups is None:
            return None
        return len(set(self.groups if self.weights is None else self.groups[self.weights > 0]))

    @property
    def plain(self) -> bool:
        """Whether rows count the same and stand for themselves."""
        return self.weights is None and self.groups is None

    def sums(self, *losses: Floats) -> Floats:
        """Return sums by group: one column for every sample of losses, and one of weights.

        Groups whose rows count nothing are left out.
        """
        count = len(losses[0])
        weights = np.ones(count) if self.weights is None else self.weights
        codes: Any = np.arange(count)
        if self.groups is not None:
            codes = np.unique(self.groups, return_inverse=True)[1]
        found: Any = np.column_stack(
            [
                np.bincount(codes, weights=part)
                for part in (*(weights * of for of in losses), weights)
            ]
        )
        return found[found[:, -1] > 0]
