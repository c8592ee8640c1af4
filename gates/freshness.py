"""Judges how old the newest row is that a model has learnt."""

from __future__ import annotations

from datetime import datetime

from ..core.results import Gate
from ..core.settings import FreshnessSettings

NAME = "data age"
_SECONDS_A_DAY = 86_400.0
# Clocks differ, and moments without a time zone are read as UTC, which is up to 14 hours off. A row further ahead
# is a mistyped year or a placeholder, and says nothing about how old the others are.
DAYS_AHEAD = 1.0


def data_age(
    newest: datetime | None,
    now: datetime,
    settings: FreshnessSettings,
    *,
    column: str | None = None,
) -> list[Gate]:
    """Judge the age of the newest row that a model was fitted on.

    Args:
        newest: Its moment (UTC), None where it is unknown.
        now: The moment (UTC) that counts, of the promotion.
        settings: How old it may be.
        column: Column that the moment is from, to be named. None: unknown.

    Returns:
        A gate that decides where there is a limit; advice where there is none; nothing where there is
        neither limit nor moment. A moment more than a day ahead is `not_run`: nobody knows the age then.

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
    if days < -DAYS_AHEAD:
        named = f"{column!r} (columns.timestamp)" if column else "columns.timestamp"
        reason = (
            f"nobody knows how old the newest training row is: the largest value of {named} is "
            f"{newest:%Y-%m-%d %H:%M} UTC, {-days:,.1f} days after now, {now:%Y-%m-%d %H:%M} UTC: expected none of a "
            "day to come. Mend or drop such rows at the source"
        )
        return [
            Gate(
                name=NAME,
                verdict="not_run",
                reason=reason,
                threshold=limit,
                blocking=limit is not None,
            )
        ]
    said = f"the newest training row is of {newest:%Y-%m-%d %H:%M} UTC, {days:.1f} days ago"
    if limit is None:
        reason = f"{said}; no bound is set (gates.freshness.maximum_data_age_days)"
        return [Gate(name=NAME, verdict="passed", reason=reason, value=days, blocking=False)]
    old = days > limit
    reason = f"{said}; at most {limit:g} are asked" + (": train on newer rows" if old else "")
    verdict = "failed" if old else "passed"
    return [Gate(name=NAME, verdict=verdict, reason=reason, value=days, threshold=limit)]
