"""Building blocks of all results: verdicts, gates, UTC timestamps and digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

Verdict = Literal["passed", "failed", "not_run"]


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC.

    Args:
        moment: A datetime with a zone.

    Returns:
        The same instant in UTC.

    Raises:
        ValueError: If `moment` has no zone: guessing one moves rows between windows.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: append 'Z' or an offset")
    return moment.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(as_utc)]


def digest_of(content: Mapping[str, Any] | BaseModel) -> str:
    """Return a stable SHA-256 of JSON-serialisable content, independent of key order.

    Args:
        content: A mapping or a pydantic model.

    Returns:
        64 hexadecimal characters.

    Example:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


class Result(BaseModel):
    """Base of every result: frozen, strict about its fields, JSON-serialisable."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Gate(Result):
    """One check with a verdict.

    Attributes:
        name: What was checked, unique within its step.
        verdict: `passed`, `failed` or `not_run`.
        reason: One sentence a person can act on.
        value: What was measured, in the unit the name says, or None.
        threshold: What it was held against, or None.
        blocking: Whether a verdict other than `passed` stops a promotion: a deciding gate. Else it is advice.
        detectable: Smallest true value of what was measured that rows like these tell four times in five,
            in the unit of `threshold`; None where chance plays no part or is not reckoned with.
    """

    name: str
    verdict: Verdict
    reason: str
    value: float | None = None
    threshold: float | None = None
    blocking: bool = True
    detectable: float | None = None

    @property
    def blocks(self) -> bool:
        """Whether this gate stops a promotion."""
        return self.blocking and self.verdict != "passed"


def verdict_of(gates: list[Gate]) -> Verdict:
    """Return the verdict of several gates: fails closed.

    Args:
        gates: The gates of one step.

    Returns:
        `passed` when no blocking gate stands in the way and there is at least one gate; else
        `failed` if any blocking gate failed; else `not_run`.
    """
    blocking = [gate for gate in gates if gate.blocks]
    if any(gate.verdict == "failed" for gate in blocking):
        return "failed"
    return "not_run" if blocking or not gates else "passed"
