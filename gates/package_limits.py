"""Judges how big a model's files are, and how much memory and time loading them takes."""

from __future__ import annotations

from ..core.results import Gate
from ..core.settings import PackageSettings

SIZE, MEMORY, LOAD_TIME = "size", "memory", "load time"
LATENCY = "latency"
_MEGABYTE = 1_000_000


def size_gate(size: int, settings: PackageSettings) -> Gate:
    """Judge the size of a model's files.

    Args:
        size: Their size, bytes.
        settings: How big they may be.

    Example:
        >>> size_gate(3_000_000, PackageSettings(maximum_megabytes=2)).verdict
        'failed'
    """
    limit = settings.maximum_megabytes
    return _limited(
        SIZE, size / _MEGABYTE, limit, "its files take {} MB", "gates.package.maximum_megabytes"
    )


def resource_gates(
    memory: int | None, seconds: float | None, settings: PackageSettings
) -> list[Gate]:
    """Judge what loading a model takes, where a project bounds it.

    Args:
        memory: Most memory of the process that loaded it and scored, bytes; None if nobody knows.
        seconds: How long loading took, or None.
        settings: What they may be.

    Returns:
        A gate a bound; `not_run` where there is a bound and no measurement.

    Example:
        >>> [gate.verdict for gate in resource_gates(None, 1.0, PackageSettings())]
        []
    """
    megabytes = None if memory is None else memory / _MEGABYTE
    bounds = (
        (
            MEMORY,
            megabytes,
            settings.maximum_memory_megabytes,
            "a process that loads it and scores takes up to {} MB",
            "gates.package.maximum_memory_megabytes",
        ),
        (
            LOAD_TIME,
            seconds,
            settings.maximum_load_seconds,
            "loading it in a new process takes {} seconds",
            "gates.package.maximum_load_seconds",
        ),
    )
    return [_limited(*bound) for bound in bounds if bound[2] is not None]


def _limited(name: str, value: float | None, limit: float | None, words: str, setting: str) -> Gate:
    if value is None:
        reason = f"{words.format('?')}: it could not be measured ({setting})"
        return Gate(name=name, verdict="not_run", reason=reason, threshold=limit)
    bound = "no bound is set" if limit is None else f"at most {limit:g} is asked"
    return Gate(
        name=name,
        verdict="passed" if limit is None or value <= limit else "failed",
        reason=f"{words.format(f'{value:.3g}')}; {bound} ({setting})",
        value=value,
        threshold=limit,
    )
