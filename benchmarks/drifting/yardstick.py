"""How much worse a model becomes that is trained once, on each window of a stream.

The model is scikit-learn's HistGradientBoosting with its default settings and seed 0. Beside the one that is
trained on the history only stand one retrained before every window on all rows so far, and one retrained on
as many rows as the history has, the latest: it tells drift from the gain of having more rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from .stream import TARGET, Stream

HARMS, HARMLESS = 1.10, 1.05
HARMS_WINDOW, WINDOWS_HARMED = 1.25, 0.25
Score = Callable[[pd.DataFrame], float]


@dataclass(frozen=True)
class Yardstick:
    """The losses of a stream's windows, by when the model was trained.

    Log loss for classes; for numbers, the squared error as a share of the variance of all windows' targets.
    """

    never: tuple[float, ...]
    always: tuple[float, ...]
    recent: tuple[float, ...]

    @property
    def never_to_always(self) -> float:
        """Return how many times as much a model trained once loses as one of all rows so far."""
        return sum(self.never) / sum(self.always)

    @property
    def never_to_recent(self) -> float:
        """Return how many times as much a model trained once loses as one of the latest rows."""
        return sum(self.never) / sum(self.recent)

    @property
    def by_window(self) -> tuple[float, ...]:
        """Return, for each window, the loss of a model trained once over that of one of the latest rows."""
        return tuple(once / late for once, late in zip(self.never, self.recent, strict=True))

    @property
    def harmful(self) -> bool | None:
        """Return whether the stream harms a model trained once; None where that is not clear.

        It does if the latest rows serve better on the whole, or clearly so in a quarter of the windows:
        where a concept comes and goes, the latest rows are often those of the other one.
        """
        worse = np.mean([ratio >= HARMS_WINDOW for ratio in self.by_window])
        if self.never_to_recent >= HARMS or worse >= WINDOWS_HARMED:
            return True
        return False if self.never_to_recent <= HARMLESS else None


@threadpool_limits.wrap(limits=1)
def measure(stream: Stream) -> Yardstick:
    """Return a stream's losses, window by window.

    One thread: with more, a fit waits for them twenty times as long where the processors are busy.
    """
    frame = stream.build()
    categories = {
        name: pd.CategoricalDtype(sorted(frame[name].dropna().unique()))
        for name in stream.features(frame)
        if not pd.api.types.is_numeric_dtype(frame[name])
    }
    frame = frame.astype(categories)
    scale = (
        float(frame[TARGET].iloc[stream.history :].var()) if stream.task == "regression" else 1.0
    )
    once = _fit(stream, frame.iloc[: stream.history])
    never, always, recent = [], [], []
    for past, window in stream.windows(frame):
        never.append(once(window) / scale)
        always.append(_fit(stream, past)(window) / scale)
        recent.append(_fit(stream, past.iloc[-stream.history :])(window) / scale)
    return Yardstick(tuple(never), tuple(always), tuple(recent))


def _fit(stream: Stream, rows: pd.DataFrame) -> Score:
    features = stream.features(rows)
    if stream.task == "regression":
        regressor = HistGradientBoostingRegressor(random_state=0, categorical_features="from_dtype")
        regressor.fit(rows[features], rows[TARGET])
        return lambda window: float(
            np.mean((regressor.predict(window[features]) - window[TARGET]) ** 2)
        )
    classifier = HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype")
    classifier.fit(rows[features], rows[TARGET])
    known = classifier.classes_
    return lambda window: float(
        log_loss(window[TARGET], classifier.predict_proba(window[features]), labels=known)
    )
