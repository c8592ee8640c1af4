"""What a drifting table is, and what its generators share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "regression"]
Numbers = NDArray[np.floating[Any]]
ID, TIMESTAMP, TARGET = "id", "at", "y"
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Stream:
    """A table in time order: first the history a model is trained on, then windows of equal size.

    Args:
        name: Its name in the registry.
        task: What is predicted.
        kind: The mechanism, shared by the two streams of a pair.
        harmful: Whether a model trained on the history becomes worse than one trained on rows of late; None
            where nobody has told.
        held_out: Whether defaults must be chosen without a look at it.
        history: How many rows come before the first window.
        window: How many rows a window has.
        build: Returns the table: `id`, `at` (UTC, never falling), the features and `y`.
        story: Who logged it, what drifts and where.
    """

    name: str
    task: Task
    kind: str
    harmful: bool | None
    held_out: bool
    history: int
    window: int
    build: Callable[[], pd.DataFrame]
    story: str = ""

    def features(self, frame: pd.DataFrame) -> list[str]:
        """Return the names of the columns a model may use."""
        return [name for name in frame.columns if name not in {ID, TIMESTAMP, TARGET}]

    def windows(self, frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield all rows before each window, and the window."""
        for start in range(self.history, len(frame) - self.window + 1, self.window):
            yield frame.iloc[:start], frame.iloc[start : start + self.window]


@dataclass(frozen=True)
class Plan:
    """Where the rows of a generated stream lie, and the numbers they are drawn with."""

    rng: Generator
    history: int
    window: int
    count: int

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.history + self.window * self.count

    def row(self, window: float) -> int:
        """Return the row at which a window begins; 2.5 is the middle of the third."""
        return round(self.history + window * self.window)

    def after(self, window: float) -> Numbers:
        """Return 0 for rows before that place, and 1 from there on."""
        return (np.arange(self.rows) >= self.row(window)).astype(float)

    def ramp(self, first: float, last: float) -> Numbers:
        """Return 0 before the first place, 1 after the last, and a straight line between them."""
        start, end = self.row(first), self.row(last)
        return np.clip((np.arange(self.rows) - start) / (end - start), 0, 1)

    def progress(self) -> Numbers:
        """Return how far each row is through the stream, from 0 to 1."""
        return np.arange(self.rows) / (self.rows - 1)

    def normal(self, mean: float | Numbers = 0, spread: float | Numbers = 1) -> Numbers:
        """Draw one normal number for each row."""
        return self.rng.normal(mean, spread, self.rows)

    def category(self, shares: dict[str, float | Numbers]) -> NDArray[np.object_]:
        """Draw one level for each row, in shares that may differ by row."""
        weights = np.column_stack([np.broadcast_to(share, self.rows) for share in shares.values()])
        return np.array(list(shares), dtype=object)[choose(self.rng, weights)]

    def missing(self, values: Numbers, share: float) -> Numbers:
        """Return the numbers with a share of them null, at random."""
        return np.where(self.rng.random(self.rows) < share, np.nan, values)

    def unknown(self, levels: NDArray[np.object_], share: float) -> NDArray[np.object_]:
        """Return the levels with a share of them null, at random."""
        known = levels.copy()
        known[self.rng.random(self.rows) < share] = None
        return known

    def yes(self, logit: Numbers) -> NDArray[np.int_]:
        """Draw 1 with the probability of a log odds, else 0."""
        return (self.rng.random(self.rows) < 1 / (1 + np.exp(-logit))).astype(int)

    def one_of(self, names: list[str], logits: Numbers) -> NDArray[np.object_]:
        """Draw a class for each row from log odds of shape (rows, classes)."""
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.array(names, dtype=object)[choose(self.rng, weights)]

    def every(self, start: str, minutes: int) -> pd.DatetimeIndex:
        """Return a clock that ticks once a row."""
        return pd.date_range(start, periods=self.rows, freq=f"{minutes}min", tz="UTC")

    def arrivals(self, start: str, days: int) -> pd.DatetimeIndex:
        """Return times of events spread over days, more by day than by night."""
        minutes = self.rng.integers(0, days, self.rows) * MINUTES_A_DAY + np.clip(
            self.normal(14 * 60, 4 * 60), 0, MINUTES_A_DAY - 1
        )
        return pd.Timestamp(start, tz="UTC") + pd.to_timedelta(np.sort(minutes), "min").round("s")


Build = Callable[[Plan], pd.DataFrame]


def choose(rng: Generator, weights: Numbers) -> NDArray[np.int_]:
    """Draw a column for each row, with probabilities in proportion to its weights."""
    edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    return (rng.random(len(weights))[:, None] > edges[:, :-1]).sum(axis=1)


def look_up(levels: NDArray[np.object_], values: dict[str, float]) -> Numbers:
    """Return the number that stands for each level."""
    return pd.Series(levels).map(values).to_numpy(dtype=float)


class Registry(dict[str, Stream]):
    """Streams by name, each made by the function that it was read from."""

    def __init__(self, *, held_out: bool) -> None:
        super().__init__()
        self.held_out = held_out

    def add(
        self,
        *,
        task: Task,
        kind: str,
        harmful: bool,
        seed: int,
        history: int,
        window: int,
        count: int,
    ) -> Callable[[Build], Build]:
        """Register a generator; its name is the stream's and its docstring the story."""

        def register(generate: Build) -> Build:
            name = generate.__name__

            def build() -> pd.DataFrame:
                frame = generate(Plan(np.random.default_rng(seed), history, window, count))
                ids = [f"{name}-{row:06d}" for row in range(len(frame))]
                return frame.assign(**{ID: ids})[[ID, *frame.columns]]

            self[name] = Stream(
                name=name,
                task=task,
                kind=kind,
                harmful=harmful,
                held_out=self.held_out,
                history=history,
                window=window,
                build=build,
                story=generate.__doc__ or "",
            )
            return generate

        return register
