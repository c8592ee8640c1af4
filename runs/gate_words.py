"""Gates in words and marks: those that decide first, advice apart, so that nobody takes one for the other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..evidence.markdown import MARKS
from ..gates.skipping import is_skipped, skipped
from .run_logger import run_logger

if TYPE_CHECKING:
    from ..core.results import Gate, TrainingOutcome

# No cross and no tick: advice that noted something stands beside a model that was rightly promoted.
_ADVICE_MARKS = {"passed": "· nothing noted", "failed": "• note", "not_run": "• not looked at"}
_SKIPPED_MARK = "⚠ skipped"


def mark_of(gate: Gate) -> str:
    """Return a gate's mark: a tick or a cross where it decides, another sign where it is advice.

    Args:
        gate: The gate.
    """
    if gate.blocking:
        return MARKS[gate.verdict]
    return _SKIPPED_MARK if is_skipped(gate) else _ADVICE_MARKS[gate.verdict]


def deciding_first(gates: Sequence[Gate]) -> list[Gate]:
    """Return gates in the order to read them in: what refused, what decided, what was skipped, notes, the rest."""
    return sorted(gates, key=_rank)


def _rank(gate: Gate) -> int:
    if gate.blocking:
        return 0 if gate.blocks else 1
    if is_skipped(gate):
        return 2
    return 4 if gate.verdict == "passed" else 3


def notes_of(gates: Sequence[Gate]) -> list[Gate]:
    """Return the advice that noted something, or could not look."""
    return [
        gate
        for gate in gates
        if not gate.blocking and gate.verdict != "passed" and not is_skipped(gate)
    ]


def gates_in_words(gates: Sequence[Gate]) -> str:
    """Return how many deciding gates passed and, apart from them, how much advice there is.

    Args:
        gates: Gates of a step or of a training.

    Example:
        >>> from prefect_mlops.core.results import Gate
        >>> loads = Gate(name="loads", verdict="passed", reason="it loads")
        >>> drift = Gate(name="drift", verdict="failed", reason="far", blocking=False)
        >>> gates_in_words([loads, drift])
        'the only deciding gate passed; 1 note'
    """
    deciding = [gate for gate in gates if gate.blocking]
    refused = sum(gate.blocks for gate in deciding)
    notes, left_out = len(notes_of(gates)), skipped(gates)
    if not deciding:
        said = "no deciding gates"
    elif refused:
        said = f"{refused} of {len(deciding)} deciding gates did not pass"
    else:
        said = f"all {len(deciding)} deciding gates passed"
        said = "the only deciding gate passed" if len(deciding) == 1 else said
    if left_out:
        said += f"; skipped: {', '.join(left_out)}"
    if notes:
        said += f"; {notes} note{'' if notes == 1 else 's'}"
    return said


def ending_in_words(outcome: TrainingOutcome) -> str:
    """Return the message of the state that a training ends in.

    Args:
        outcome: How it ended.

    Returns:
        The version where it was promoted, else the reasons; and how many gates decided so.
    """
    said = "; ".join(outcome.reasons)
    if not said:
        said = f"version {outcome.version.version}" if outcome.version else outcome.outcome
    return f"{said} ({gates_in_words(outcome.gates)})" if outcome.gates else said


def log_gates(what: str, gates: Sequence[Gate]) -> None:
    """Log gates: a warning a deciding one that did not pass or that was skipped, a line a note.

    Args:
        what: What was looked at, such as `baseline`.
        gates: The gates.
    """
    logger = run_logger()
    logger.info("%s: %s", what, gates_in_words(gates))
    for gate in deciding_first(gates):
        if gate.verdict == "passed":
            continue
        level = logging.WARNING if gate.blocks or is_skipped(gate) else logging.INFO
        kind = "deciding gate" if gate.blocking else "advice"
        reason = " ".join(gate.reason.split())
        logger.log(level, "%s %s: %s, %s", kind, gate.name, mark_of(gate), reason)
