"""Gates that a project does not ask: said where they would have stood, never left out."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.results import Gate
from ..core.settings import GateSettings

_SKIPPED = "skipped: "


def skipped_gate(kind: str, settings: GateSettings) -> list[Gate]:
    """Return the gate that says why a kind of gate is not asked; nothing where it is.

    Args:
        kind: Which one, as `gates.skip` names it.
        settings: What a candidate must pass.

    Example:
        >>> settings = GateSettings(skip={"baseline": "no labels of its own yet"})
        >>> [(gate.name, gate.verdict, gate.reason) for gate in skipped_gate("baseline", settings)]
        [('baseline', 'not_run', 'skipped: no labels of its own yet')]
    """
    reason = settings.skip.get(kind)
    if reason is None:
        return []
    return [Gate(name=kind, verdict="not_run", reason=f"{_SKIPPED}{reason}", blocking=False)]


def is_skipped(gate: Gate) -> bool:
    """Say whether a gate stands for one that was not asked."""
    return gate.verdict == "not_run" and not gate.blocking and gate.reason.startswith(_SKIPPED)


def skipped(gates: Iterable[Gate]) -> dict[str, str]:
    """Return the gates that were not asked, and why.

    Args:
        gates: Gates of a training.

    Returns:
        Gate to reason.
    """
    return {gate.name: gate.reason.removeprefix(_SKIPPED) for gate in gates if is_skipped(gate)}
