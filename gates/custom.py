"""A user's own gates: functions that look at a candidate and say whether it may be promoted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..core.import_paths import load_function
from ..core.results import Candidate, Gate, ModelVersion
from ..core.settings import Columns, TaskType
from ..models.predictor import Predictor


@dataclass(frozen=True)
class GateContext:
    """What a gate may look at.

    Attributes:
        predictor: The evaluated model, which never saw the holdout: `predictor.predict(frame)` gives
            probabilities of shape (n, classes), or values of shape (n,) for regression.
        train: Rows that it was fitted on, every column with a role. A copy: a gate may change it.
        holdout: Rows that it never saw, likewise.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        candidate: The candidate, with its metrics on the holdout and its importance.
        champion: The version that serves, or None.
        champion_loader: Loads the champion's model, see `load_champion`.
    """

    predictor: Predictor
    train: pd.DataFrame
    holdout: pd.DataFrame
    columns: Columns
    task_type: TaskType
    metric: str
    candidate: Candidate
    champion: ModelVersion | None = None
    champion_loader: Callable[[], Predictor] | None = None

    def load_champion(self) -> Predictor | None:
        """Return the champion's model, or None without a champion.

        Raises:
            ModelUnavailable: If it does not load; the gate is `not_run` then unless it catches this.
            RegistryUnavailable: If MLflow cannot be reached.
        """
        return self.champion_loader() if self.champion_loader else None


OwnGate = Callable[[GateContext], "Gate | list[Gate]"]


def load_gates(paths: Sequence[str]) -> dict[str, OwnGate]:
    """Load a user's own gates.

    Args:
        paths: Import paths, `package.module:name`.

    Returns:
        Import path to function, in their order.

    Raises:
        ConfigurationError: If a path cannot be imported, or names nothing that can be called.
    """
    expected = "gate(context) that returns a Gate or a list of them"
    return {path: load_function(path, "gate", expected) for path in paths}


def ask_gates(gates: dict[str, OwnGate], context: GateContext) -> list[Gate]:
    """Ask every gate about a candidate.

    Args:
        gates: Import path to function.
        context: What they may look at. Each sees rows of its own.

    Returns:
        What they returned, in their order. A gate that raises, or returns anything else, is `not_run`
        under its import path and stops a promotion.
    """
    found: list[Gate] = []
    for path, gate in gates.items():
        own = replace(context, train=context.train.copy(), holdout=context.holdout.copy())
        try:
            answer = gate(own)
        # Whatever it stumbles over, it did not run, and that is a verdict.
        except Exception as error:
            found.append(_not_run(path, f"{type(error).__name__}: {error}"))
        else:
            found += _checked(path, answer)
    return found


def _checked(path: str, answer: Any) -> list[Gate]:
    gates = answer if isinstance(answer, list) else [answer]
    wrong = [type(gate).__name__ for gate in gates if not isinstance(gate, Gate)]
    if gates and not wrong:
        return gates
    shown = f"{type(answer).__name__} of {wrong or 'nothing'}" if answer is gates else wrong[0]
    return [_not_run(path, f"it returned {shown}: expected a Gate or a list of them")]


def _not_run(path: str, reason: str) -> Gate:
    return Gate(name=path, verdict="not_run", reason=reason)
