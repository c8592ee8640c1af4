"""Scores a window of the prediction log against a reference, one column at a time.

No column can lose the report: what cannot be measured says so.

| signal | measure | drifted above |
| --- | --- | --- |
| `distance` | Wasserstein distance of the winsorised values in standard deviations, or Jensen-Shannon distance of the categories | `thresholds.distance`, or what chance explains at this size |
| `nulls` | rise of the share of missing values | `thresholds.null_rise`, or chance |
| `new_categories` | share of rows with values unknown to the reference | `thresholds.new_category_share`, or chance |
| `rising` | the distance of a feature that only rises (`data.rising_features`) and went on rising | never: it would for ever |
| `unusable` | the column is missing, or has no readable value although the reference has | always |

What measures is an object of `monitoring.drift_methods` each; `thresholds.methods` adds the user's own.
Features that are logged redacted are left out, and the verdict says which: they differ by intention.

The chance of a false alarm is shared out among the measured columns (Bonferroni), each own method on a
column counting as one more.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from ..core.results import ColumnDrift
from ..core.settings import DriftThresholds
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..data.rising_features import RISING
from ..data.schema import FeatureType
from ..metrics.losses import Floats
from .drift_methods.base import ColumnPair, DriftMethod
from .drift_methods.loading import BUILT_IN, load_methods
from .profile import NumberProfile, Profile, measurable
from .reference import LABEL, ProfiledRows
from .window_columns import READ_AS, FoundColumn, find_column, known_labels, score_columns

SignalKind = Literal["distance", "nulls", "new_categories", "rising", "unusable"]
FAILED = "the method failed"


@dataclass(frozen=True)
class ScoredColumn:
    """One column of a window with what was measured on it.

    Attributes:
        name: Feature, `score.<class>`, `prediction` or `label`.
        role: What the column is.
        profile: The reference's side.
        values: The window's present values, as `monitoring.profile.measurable` returns them.
        signals: What was measured.
        redacted: Whether it was left out because it is logged redacted.
    """

    name: str
    role: Literal["feature", "prediction", "target"]
    profile: Profile
    values: Floats | pd.Series = field(default_factory=lambda: np.empty(0))
    signals: list[ColumnDrift] = field(default_factory=list)
    redacted: bool = False

    @property
    def drifted(self) -> bool:
        """Whether any of its signals drifted."""
        return any(signal.drifted for signal in self.signals)


def score_window(
    reference: ProfiledRows,
    window: pd.DataFrame,
    thresholds: DriftThresholds,
    redacted: Collection[str] = (),
) -> list[ScoredColumn]:
    """Score every feature, the predictions and, where known, the labels of a window.

    Args:
        reference: What to compare with.
        window: Rows of the prediction log: `features.<name>`, `score.<class>`, `prediction`, `label`.
        thresholds: When a column drifted, and the user's own methods.
        redacted: Features to leave out.

    Returns:
        Features in the model's order, then predictions, then the labels when there are at least
        `thresholds.minimum_rows` of them.

    Raises:
        ConfigurationError: If one of `thresholds.methods` is no drift method.
    """
    own = load_methods(thresholds.methods)
    methods = [*BUILT_IN, *own]
    kept = [
        name for name, p in reference.columns.items() if name not in redacted and not p.constant
    ]
    tests = sum(1 + len(_suited(own, reference.feature_types[name])) for name in kept)
    tests += sum(
        1 + len(_suited(own, "number")) for p in reference.predictions.values() if not p.constant
    )
    alpha = thresholds.false_alarm_rate / max(tests, 1)
    answers = score_columns(window, reference.classes or [])
    scored: list[ScoredColumn] = []
    for name, profile in reference.columns.items():
        column = ScoredColumn(name, "feature", profile)
        importance = reference.importance.get(name, 0.0)
        if name in redacted:
            scored.append(_left_out(column, importance))
            continue
        found = find_column(window, FEATURE_PREFIX + name, reference.feature_types[name])
        sample = reference.sample.get(FEATURE_PREFIX + name)
        judged = _Measured(column, found, sample, importance)
        scored.append(_score(judged, methods, alpha, thresholds))
    for name, profile in reference.predictions.items():
        found = find_column(window, answers.get(name.removeprefix(SCORE_PREFIX), name), "number")
        judged = _Measured(
            ScoredColumn(name, "prediction", profile), found, reference.sample.get(name)
        )
        scored.append(_score(judged, methods, alpha, thresholds))
    labels = known_labels(window, reference.classes)
    if len(labels) >= thresholds.minimum_rows:
        feature_type: FeatureType = "number" if reference.classes is None else "category"
        judged = _Measured(
            ScoredColumn(LABEL, "target", reference.target),
            FoundColumn(feature_type, labels),
            reference.sample.get(LABEL),
        )
        alpha = thresholds.false_alarm_rate / (1 + len(_suited(own, feature_type)))
        scored.append(_score(judged, methods, alpha, thresholds))
    return scored


@dataclass(frozen=True)
class _Measured:
    """A column to measure, with the reference's sample of it."""

    column: ScoredColumn
    found: FoundColumn
    sample: pd.Series | None
    importance: float = 0.0

    def signal(
        self,
        kind: SignalKind,
        *,
        method: str = "",
        score: float | None = None,
        threshold: float | None = None,
        reason: str = "",
    ) -> ColumnDrift:
        beyond = score is not None and threshold is not None and score > threshold
        return ColumnDrift(
            column=self.column.name,
            kind=kind,
            method=method,
            score=score,
            threshold=threshold,
            drifted=beyond or kind == "unusable",
            importance=self.importance,
            reason=reason,
        )


def _suited(methods: Sequence[DriftMethod], feature_type: FeatureType) -> list[DriftMethod]:
    return [method for method in methods if feature_type in method.feature_types]


def _left_out(column: ScoredColumn, importance: float) -> ScoredColumn:
    signal = ColumnDrift(
        column=column.name,
        kind="distance",
        score=None,
        threshold=None,
        drifted=False,
        importance=importance,
        reason="redacted: left out",
    )
    return replace(column, signals=[signal], redacted=True)


def _score(
    measured: _Measured,
    methods: Sequence[DriftMethod],
    alpha: float,
    thresholds: DriftThresholds,
) -> ScoredColumn:
    column, found, profile = measured.column, measured.found, measured.column.profile
    if found.values is None:
        return replace(column, signals=[measured.signal("unusable", reason=found.problem)])
    if profile.constant:
        why = "no spread in the reference: set aside"
        return replace(column, signals=[measured.signal("distance", reason=why)])
    present = measurable(found.values, found.feature_type)
    if not len(present):
        why = f"no value in {len(found.values)} rows can be read as {READ_AS[found.feature_type]}"
        return replace(column, signals=[measured.signal("unusable", reason=why)])
    sample = found.values.iloc[:0] if measured.sample is None else measured.sample
    pair = ColumnPair(
        name=column.name,
        feature_type=found.feature_type,
        profile=profile,
        sample=measurable(sample, found.feature_type),
        values=present,
        rows=len(found.values),
    )
    rising = column.role == "feature" and _kept_rising(profile, present)
    signals = [
        _apply(method, pair, measured, alpha, thresholds, rising=rising)
        for method in _suited(methods, found.feature_type)
    ]
    return replace(column, values=present, signals=signals)


def _apply(
    method: DriftMethod,
    pair: ColumnPair,
    measured: _Measured,
    alpha: float,
    thresholds: DriftThresholds,
    *,
    rising: bool,
) -> ColumnDrift:
    own = not any(method is known for known in BUILT_IN)
    try:
        score = method.score(pair)
        threshold = max(method.smallest_effect(thresholds), method.null_threshold(pair, alpha))
        if own:
            score, threshold = _number(score, "score"), _number(threshold, "threshold")
    except Exception as error:
        if not own:
            raise
        # A method of the user's must not lose the report of the others.
        why = f"{FAILED}: {type(error).__name__}: {error}"
        return measured.signal(method.measures, method=method.name, reason=why)
    if rising and method.measures == "distance":
        why = f"{pair.name} {RISING}"
        return measured.signal("rising", method=method.name, score=score, reason=why)
    return measured.signal(
        method.measures,
        method=method.name,
        score=score,
        threshold=threshold,
        reason=measured.found.problem if method.measures == "nulls" else "",
    )


def _number(value: object, what: str) -> float:
    number = float(value)  # pyright: ignore[reportArgumentType]
    if math.isnan(number):
        raise ValueError(f"its {what} is not a number")
    return number


def _kept_rising(profile: Profile, present: Floats | pd.Series) -> bool:
    if not isinstance(profile, NumberProfile) or not profile.rising:
        return False
    # A table that happened to be sorted looks as if it rose: its windows are within the range.
    values = np.asarray(present, dtype=float)
    low, median = np.quantile(values, [0.01, 0.5])
    return bool(low >= np.median(profile.blocks) and median >= profile.high)
