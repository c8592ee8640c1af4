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

from ..core.errors import DataRejected
from ..core.results import ColumnDrift, DriftReport
from ..core.settings import DriftThresholds
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..data.class_labels import class_text, match_classes
from ..data.rising_features import RISING
from ..data.schema import Kind, conform
from ..metrics.losses import Floats
from .null_threshold import chance_of_categories, chance_of_numbers, chance_of_rise, jensen_shannon
from .profile import (
    LABEL,
    CategoryProfile,
    NumberProfile,
    Profile,
    Reference,
    block_means,
    measurable,
)

SignalKind = Literal["distance", "nulls", "new_categories", "rising", "unusable"]

_KINDS: dict[str, str] = {
    "number": "a number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "a moment",
}


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
            _column(window, FEATURE_PREFIX + name, reference.kinds[name]),
            alpha,
            thresholds,
            importance=reference.importance.get(name, 0.0),
        )
        for name, profile in reference.columns.items()
    ]
    for name, profile in reference.predictions.items():
        found = _column(window, answers.get(name.removeprefix(SCORE_PREFIX), name), "number")
        scored.append(_score(ScoredColumn(name, "prediction", profile), found, alpha, thresholds))
    labels = known_labels(window, reference.classes)
    if len(labels) >= thresholds.minimum_rows:
        kind: Kind = "number" if reference.classes is None else "category"
        target = ScoredColumn(LABEL, "target", reference.target)
        found = _Found(kind, labels)
        scored.append(_score(target, found, thresholds.false_alarm_rate, thresholds))
    return scored


def score_columns(window: pd.DataFrame, classes: list[str]) -> dict[str, str]:
    """Return the window's score column of each class that has one."""
    found = [name for name in window.columns if str(name).startswith(SCORE_PREFIX)]
    matched = match_classes([name.removeprefix(SCORE_PREFIX) for name in found], classes)
    return {name: column for name, column in zip(matched, found, strict=True) if name is not None}


def known_labels(window: pd.DataFrame, classes: list[str] | None) -> pd.Series:
    """Return the labels that are known, in the reference's terms.

    Args:
        window: Rows of the prediction log.
        classes: The model's classes as text; None for regression.

    Returns:
        Class names as text (a label that is no class keeps its own text), or floats; indexed by the
        position of the row in the window.
    """
    if LABEL not in window:
        return pd.Series([], dtype=object)
    labels = window[LABEL].reset_index(drop=True).dropna()
    if classes is None:
        numbers = pd.to_numeric(labels, errors="coerce").astype(float)
        return numbers[np.isfinite(numbers)]
    matched = match_classes(labels, classes)
    texts = [
        class_text(label) if name is None else name
        for name, label in zip(matched, labels, strict=True)
    ]
    return pd.Series(texts, index=labels.index, dtype=object)


def judge(scored: list[ScoredColumn], rows: int, thresholds: DriftThresholds) -> DriftReport:
    """Turn scores into a verdict.

    Args:
        scored: What `score_window` returned.
        rows: Rows in the window.
        thresholds: When drift is an alarm.

    Returns:
        `failed` when the drifted columns' importance reaches `thresholds.importance` or the
        predictions drifted; `not_run` with fewer rows than `thresholds.minimum_rows`.
    """
    if rows < thresholds.minimum_rows:
        return too_few_rows(rows, thresholds)
    drifted = [c for c in scored if c.role == "feature" and c.drifted]
    importance = min(sum(c.signals[0].importance for c in drifted), 1.0)
    prediction = any(c.drifted for c in scored if c.role == "prediction")
    target = [c.drifted for c in scored if c.role == "target"]
    # Sums of shares such as 0.1 + 0.05 must reach a limit of 0.15.
    heavy = importance >= thresholds.importance - 1e-9 and bool(drifted)
    names = ", ".join(c.name for c in sorted(drifted, key=lambda c: -c.signals[0].importance)[:5])
    more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""
    found = (
        f"{len(drifted)} drifted columns ({names}{more}) carry {importance:.2f} of the importance, "
        f"alarm from {thresholds.importance:.2f}"
        if drifted
        else "no column drifted"
    )
    predictions = "the predictions drifted" if prediction else "the predictions did not drift"
    out = [c for c in scored if c.redacted]
    unseen = ""
    rising = [c for c in scored if any(signal.kind == "rising" for signal in c.signals)]
    if rising:
        share = min(sum(c.signals[0].importance for c in rising), 1.0)
        unseen = (
            f"; {', '.join(c.name for c in rising)} with {share:.2f} of the importance only rises: its "
            "distance does not count"
        )
    if out:
        share = min(sum(c.signals[0].importance for c in out), 1.0)
        unseen += (
            f"; {len(out)} redacted columns ({', '.join(c.name for c in out)}) with {share:.2f} of the "
            "importance are left out"
        )
    return DriftReport(
        verdict="failed" if heavy or prediction else "passed",
        reason=f"{found}; {predictions}{unseen}",
        rows=rows,
        columns=[signal for column in scored for signal in column.signals],
        drifted_importance=importance,
        prediction_drifted=prediction,
        target_drifted=target[0] if target else None,
    )


def feature_drift(
    reference: Reference,
    window: pd.DataFrame,
    thresholds: DriftThresholds,
    redacted: Collection[str] = (),
) -> DriftReport:
    """Judge the features of a window alone, whoever made its predictions.

    Args:
        reference: What to compare with.
        window: Rows of the prediction log.
        thresholds: When it is drift.
        redacted: Features to leave out.

    Returns:
        The report, without predictions and labels.
    """
    if len(window) < thresholds.minimum_rows:
        return too_few_rows(len(window), thresholds)
    scored = score_window(reference, window, thresholds, redacted)
    return judge([c for c in scored if c.role == "feature"], len(window), thresholds)


def too_few_rows(rows: int, thresholds: DriftThresholds) -> DriftReport:
    """Return the report on a window that is too small to judge."""
    return DriftReport(
        verdict="not_run",
        reason=f"{rows} predictions; drift needs at least {thresholds.minimum_rows}",
        rows=rows,
    )


@dataclass(frozen=True)
class _Found:
    """A column of the window as it was found: conformed values, or why there are none."""

    kind: Kind
    values: pd.Series | None = None
    problem: str = ""


def _column(frame: pd.DataFrame, name: str, kind: Kind) -> _Found:
    same = np.asarray(frame.columns == name)
    if same.sum() != 1:
        times = int(same.sum())
        problem = f"there {times} times, expected once" if times else "missing from the window"
        return _Found(kind, problem=problem)
    try:
        clean, coerced = conform(frame.loc[:, same], {name: kind})
    except (DataRejected, TypeError, ValueError, ArithmeticError) as error:
        return _Found(kind, problem=f"its values cannot be read as {_KINDS[kind]}: {error}")
    lost = coerced.unreadable.get(name, 0) + coerced.infinite.get(name, 0)
    note = f"{lost} values cannot be read as {_KINDS[kind]}: counted as missing" if lost else ""
    return _Found(kind, clean[name], note)


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
    found: _Found,
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
        why = f"no value in {len(found.values)} rows can be read as {_KINDS[found.kind]}"
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
