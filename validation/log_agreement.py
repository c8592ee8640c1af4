"""Compares rows with the features that the prediction log holds for them.

Where the prediction log shows the same values for the same ids, the world really looks like that;
where it shows others, something broke between the source and the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ..core.results import Gate
from ..data.schema import category_text
from .gx_runner import Finding

# How the name of everything that is said here ends.
AS_LOGGED = "as in the prediction log"
_FEWEST = 20
_SAME = 0.95
_DIFFERENT = 0.2
_CLOSE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """Columns held against the log.

    Attributes:
        same: Columns with the same values in at least 95% of the rows.
        findings: One a column that differs in 20% or more: it blocks when the known rows agree.
    """

    same: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def agreement(
    rows: pd.DataFrame,
    logged: Sequence[Mapping[str, Any] | None],
    known: pd.DataFrame,
    logged_known: Sequence[Mapping[str, Any] | None],
    names: Sequence[str],
) -> Agreement:
    """Compare rows with their logged features.

    Args:
        rows: New rows.
        logged: Features logged for each of them, or None.
        known: Rows the champion was trained on.
        logged_known: Features logged for each of those, or None.
        names: Columns to compare.

    Returns:
        What was found. Columns logged for fewer than 20 of the rows are not in it.

    Example:
        >>> rows = pd.DataFrame({"a": range(30)})
        >>> agreement(rows, [{"a": float(i)} for i in range(30)], rows, [None] * 30, ["a"]).same
        ['a']
    """
    found = Agreement()
    for name in names:
        pairs = _pairs(rows, logged, name)
        if len(pairs) < _FEWEST:
            continue
        differing = [(row, log) for row, log in pairs if not _same(row, log)]
        share = len(differing) / len(pairs)
        if share <= 1.0 - _SAME:
            found.same.append(name)
        if share < _DIFFERENT:
            continue
        before = _pairs(known, logged_known, name)
        # A warehouse that always said something else is a matter for people, and no news.
        usual = sum(not _same(row, log) for row, log in before) / len(before) if before else 0.0
        row, log = differing[0]
        title = f"{name}: {AS_LOGGED}"
        found.findings.append(
            Finding(
                title,
                False,
                blocking=len(before) < _FEWEST or usual < _DIFFERENT / 2,
                share=share,
                tolerated=_DIFFERENT,
                reason=f"{title}: {len(differing)} of {len(pairs)} rows looked up by their id differ, such "
                f"as {_shown(row)} in the rows and {_shown(log)} in the log: what the model was asked is "
                "not what it would be trained on",
            )
        )
    return found


def agreed_gates(agreed: Agreement | None) -> list[Gate]:
    """Return the gate that says that rows agree with the log; none where nothing was compared, or something differs.

    A column that differs has a gate of its own. Without this one nobody could tell afterwards whether columns agreed,
    or none was compared.

    Args:
        agreed: What was found, None where nothing was compared.

    Example:
        >>> [(gate.name, gate.verdict) for gate in agreed_gates(Agreement(same=["age"]))]
        [('features: as in the prediction log', 'passed')]
    """
    if agreed is None or agreed.findings or not agreed.same:
        return []
    reason = (
        f"{len(agreed.same)} columns hold what the prediction log has for the same ids in {_SAME:.0%} of the rows or "
        f"more, and no column differs in {_DIFFERENT:.0%}"
    )
    return [Gate(name=f"features: {AS_LOGGED}", verdict="passed", reason=reason, blocking=False)]


def _pairs(
    rows: pd.DataFrame, logged: Sequence[Mapping[str, Any] | None], name: str
) -> list[tuple[Any, Any]]:
    if name not in rows:
        return []
    return [
        (value, features[name])
        for value, features in zip(rows[name], logged, strict=True)
        if features is not None and name in features
    ]


def _same(one: Any, two: Any) -> bool:
    if pd.isna(one) or pd.isna(two):
        return bool(pd.isna(one) and pd.isna(two))
    moments = [isinstance(value, datetime) for value in (one, two)]
    if any(moments):
        first, second = (pd.to_datetime(v, utc=True, errors="coerce") for v in (one, two))
        return bool(first == second)
    try:
        return bool(np.isclose(float(one), float(two), rtol=_CLOSE, atol=1e-9))
    except (TypeError, ValueError):
        return category_text(one) == category_text(two)


def _shown(value: Any) -> str:
    return repr(value.item() if hasattr(value, "item") else value)[:60]
