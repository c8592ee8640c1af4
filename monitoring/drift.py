"""Scores a window of the prediction log against a reference, one column at a time.

No column can lose the report: what cannot be measured says so.

| signal | measure | drifted above |
| --- | --- | --- |
| `distance` | Wasserstein distance of the winsorised values in standard deviations, or Jensen-Shannon distance of the categories | `thresholds.distance`, or what chance explains at this size |
| `nulls` | rise of the share of missing values | `thresholds.null_rise`, or chance |
| `new_categories` | share of rows with values unknown to the reference | `thresholds.new_category_share`, or chance |
| `rising` | the distance of a feature that only rises (`data.rising_features`) and went on rising | never: it would for ever |
| `unusable` | the column is missing, or has no readable value although the reference has | always |

Features that are logged redacted are left out, and the verdict says which: they differ by intention.

The chance of a false alarm is shared out among the measured columns (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from ..core.results import ColumnDrift
from ..core.settings import DriftThresholds
from ..data.rising_features import RISING
from ..data.schema import Kind
from ..metrics.losses import Floats
from .null_threshold import chance_of_categories, chance_of_numbers, chance_of_rise, jensen_shannon
from .profile import CategoryProfile, NumberProfile, Profile, block_means, measurable
from .reference import FEATURE, LABEL, SCORE, Reference
from .window_columns import READ_AS, FoundColumn, find_column, known_labels, score_columns

SignalKind = Literal["distance", "nulls", "new_categories", "rising", "unusable"]


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


def distance(profile: Profile, values: Floats | pd.Series) -> float:
    """Return the distance of present values from a profile.

    Args:
        profile: The reference's column, not constant.
        values: At least one value, as `monitoring.profile.measurable` returns them.

    Returns:
        Wasserstein distance in standard deviations of the reference after winsorising to its bounds,
        or Jensen-Shannon distance.
    """
    if isinstance(profile, NumberProfile):
        numbers = np.sort(np.clip(np.asarray(values, dtype=float), profile.low, profile.high))
        gaps = np.abs(profile.blocks - block_means(numbers, len(profile.blocks)))
        return float(gaps.mean() / profile.std)
    counts = pd.Series(values).value_counts()
    known = np.array([counts.get(name, 0) for name in profile.shares], dtype=float)
    after = np.append(known, counts.sum() - known.sum()) / counts.sum()
    return float(jensen_shannon(np.array([*profile.shares.values(), profile.rest]), after))


def score_window(
    reference: Reference,
    window: pd.DataFrame,
    thresholds: DriftThresholds,
    redacted: Collection[str] = (),
) -> list[ScoredColumn]:
    """Score every feature, the predictions and, where known, the labels of a window.

    Args:
        reference: What to compare with.
        window: Rows of the prediction log: `features.<name>`, `score.<class>`, `prediction`, `label`.
        thresholds: When a column drifted.
        redacted: Features to leave out.

    Returns:
        Features in the model's order, then predictions, then the labels when there are at least
        `thresholds.minimum_rows` of them.
    """
    kept = {name: p for name, p in reference.columns.items() if name not in redacted}
    watched = [*kept.values(), *reference.predictions.values()]
    alpha = thresholds.false_alarm_rate / max(sum(not p.constant for p in watched), 1)
    answers = score_columns(window, reference.classes or [])
    scored = [
        _left_out(name, profile, reference.importance.get(name, 0.0))
        if name in redacted
        else _score(
            ScoredColumn(name, "feature", profile),
            find_column(window, FEATURE + name, reference.kinds[name]),
            alpha,
            thresholds,
            importance=reference.importance.get(name, 0.0),
        )
        for name, profile in reference.columns.items()
    ]
    for name, profile in reference.predictions.items():
        found = find_column(window, answers.get(name.removeprefix(SCORE), name), "number")
        scored.append(_score(ScoredColumn(name, "prediction", profile), found, alpha, thresholds))
    labels = known_labels(window, reference.classes)
    if len(labels) >= thresholds.minimum_rows:
        kind: Kind = "number" if reference.classes is None else "category"
        target = ScoredColumn(LABEL, "target", reference.target)
        found = FoundColumn(kind, labels)
        scored.append(_score(target, found, thresholds.false_alarm_rate, thresholds))
    return scored


def _left_out(name: str, profile: Profile, importance: float) -> ScoredColumn:
    signal = ColumnDrift(
        column=name,
        kind="distance",
        score=None,
        threshold=None,
        drifted=False,
        importance=importance,
        reason="redacted: left out",
    )
    return ScoredColumn(name, "feature", profile, signals=[signal], redacted=True)


def _score(
    column: ScoredColumn,
    found: FoundColumn,
    alpha: float,
    thresholds: DriftThresholds,
    *,
    importance: float = 0.0,
) -> ScoredColumn:
    profile = column.profile

    def signal(
        kind: SignalKind,
        score: float | None = None,
        threshold: float | None = None,
        reason: str = "",
    ) -> ColumnDrift:
        beyond = score is not None and threshold is not None and score > threshold
        return ColumnDrift(
            column=column.name,
            kind=kind,
            score=score,
            threshold=threshold,
            drifted=beyond or kind == "unusable",
            importance=importance,
            reason=reason,
        )

    if found.values is None:
        return replace(column, signals=[signal("unusable", reason=found.problem)])
    if profile.constant:
        why = "no spread in the reference: set aside"
        return replace(column, signals=[signal("distance", reason=why)])
    present = measurable(found.values, found.kind)
    if not len(present):
        why = f"no value in {len(found.values)} rows can be read as {READ_AS[found.kind]}"
        return replace(column, signals=[signal("unusable", reason=why)])
    chance = (
        chance_of_numbers(profile, len(present), alpha)
        if isinstance(profile, NumberProfile)
        else chance_of_categories(profile, len(present), alpha)
    )
    nulls = _nulls(profile, len(present), len(found.values), alpha, thresholds)
    strayed = signal("distance", distance(profile, present), max(thresholds.distance, chance))
    if column.role == "feature" and _went_on(profile, present):
        strayed = signal("rising", strayed.score, reason=f"{column.name} {RISING}")
    signals = [
        strayed,
        signal("nulls", *nulls, reason=found.problem),
    ]
    if isinstance(profile, CategoryProfile) and found.kind == "category":
        signals.append(signal("new_categories", *_news(profile, present, alpha, thresholds)))
    return replace(column, values=present, signals=signals)


def _went_on(profile: Profile, present: Floats | pd.Series) -> bool:
    if not isinstance(profile, NumberProfile) or not profile.rising:
        return False
    # A table that happened to be sorted looks as if it rose: its windows are within the range.
    values = np.asarray(present, dtype=float)
    low, median = np.quantile(values, [0.01, 0.5])
    return bool(low >= np.median(profile.blocks) and median >= profile.high)


def _nulls(
    profile: Profile, present: int, rows: int, alpha: float, thresholds: DriftThresholds
) -> tuple[float, float]:
    missing = profile.rows - profile.present + rows - present
    chance = chance_of_rise(missing / (profile.rows + rows), rows, profile.rows, alpha)
    return 1.0 - present / rows - profile.null_rate, max(thresholds.null_rise, chance)


def _news(
    profile: CategoryProfile,
    present: Floats | pd.Series,
    alpha: float,
    thresholds: DriftThresholds,
) -> tuple[float, float]:
    rows = len(present)
    unknown = 1.0 - float(pd.Series(present).isin(list(profile.shares)).mean())
    expected = min(profile.rest + profile.unseen, 1.0)
    chance = profile.unseen + chance_of_rise(expected, rows, profile.present, alpha)
    return max(unknown - profile.rest, 0.0), max(thresholds.new_category_share, chance)
