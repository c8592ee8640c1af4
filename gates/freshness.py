"""Judges how old the newest row is that a model has learnt."""

from __future__ import annotations

from datetime import datetime

from ..core.results import Gate
from ..core.settings import FreshnessSettings

NAME = "data age"
_SECONDS_A_DAY = 86_400.0


def data_age(newest: datetime | None, now: datetime, settings: FreshnessSettings) -> list[Gate]:
    """Judge the age of the newest row that a model was fitted on.

    Args:
        newest: Its moment (UTC), None where it is unknown.
        now: The moment (UTC) that counts, of the promotion.
        settings: How old it may be.

    Returns:
        A gate that decides where there is a limit; advice where there is none; nothing where there is
        neither limit nor moment.

    Example:
        >>> from datetime import UTC
        >>> limit = FreshnessSettings(maximum_data_age_days=30)
        >>> (gate,) = data_age(
        ...     datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), limit
        ... )
        >>> gate.verdict, gate.value
        ('failed', 59.0)
    """
    limit = settings.maximum_data_age_days
    if newest is None:
        if limit is None:
            return []
        reason = (
            "nobody knows how old the newest training row is: name the timestamp in columns.timestamp, or "
            "lift gates.freshness.maximum_data_age_days"
        )
        return [Gate(name=NAME, verdict="not_run", reason=reason, threshold=limit)]
    days = (now - newest).total_seconds() / _SECONDS_A_DAY
    said = f"the newest training row is of {newest:%Y-%m-%d %H:%M} UTC, {days:.1f} days ago"
    if limit is None:
        reason = f"{said}; no bound is set (gates.freshness.maximum_data_age_days)"
        return [Gate(name=NAME, verdict="passed", reason=reason, value=days, blocking=False)]
    old = days > limit
    reason = f"{said}; at most {limit:g} are asked" + (": train on newer rows" if old else "")
    verdict = "failed" if old else "passed"
    return [Gate(name=NAME, verdict=verdict, reason=reason, value=days, threshold=limit)]
