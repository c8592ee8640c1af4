"""Collects what the readiness report looks at: the newest training, the champion, the journal and the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import Decision, Gate, ModelVersion, RunRecord, TrainingOutcome, Window
from ..evidence.readiness_facts import ReadinessFacts
from .absence import missing_of
from .card_reading import OUTCOME
from .promotion_log import promotion_log
from .references import reference_of
from .rollback import champion_before, is_rollback
from .run_files import read_result
from .run_records import run_metadata
from .version_rows import trials_of
from .versions import find_version, get_version

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Setup
    from ..storage.interface import PredictionStore

_LOOKED_AT_RUNS = 50
_LOOKED_AT_ROWS = 500
_COMPLETE = "complete"


def readiness_facts(stores: Stores, setup: Setup, redacted: list[str]) -> ReadinessFacts:
    """Return what can be seen of a project.

    Args:
        stores: Where the model's things are kept; all of them are needed.
        setup: The project's settings.
        redacted: Features that are logged redacted.

    Returns:
        The facts; what is not there is empty.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the workspace cannot be read.
    """
    registry = stores.registry
    judged = [
        run
        for run in run_metadata(stores, _LOOKED_AT_RUNS)
        if run.kind == "train" and run.outcome in ("promoted", "challenger", "rejected")
    ]
    newest = next((run for run in judged if run.run_id), None)
    outcome = read_result(registry, newest.run_id, OUTCOME, TrainingOutcome) if newest else None
    champion = find_version(registry, tags.CHAMPION)
    moves = promotion_log(stores)
    previous = champion_before(reversed(moves), champion.version if champion else None)
    with stores.predictions.get_client() as store:
        decisions = store.journal("decision", stores.name, limit=1)
        canaries = store.journal("canary", stores.name)
        rows, unstable = _stability(store, registry.model_name)
    return ReadinessFacts(
        now=datetime.now(UTC),
        setup=setup,
        redacted=redacted,
        gates=outcome.gates if outcome else _no_gates(),
        training=newest,
        earlier=_earlier(judged, newest),
        trials=trials_of(stores, newest.run_id).get(_COMPLETE, 0) if newest else 0,
        champion=champion.version if champion else None,
        importance=_importance(stores, champion),
        trained_to=_moment(champion.tags.get(tags.CUTOFF)) if champion else None,
        suite=champion.tags.get(tags.SUITE_URI) if champion else None,
        decision=Decision.model_validate(decisions[0]) if decisions else None,
        canaries=[*canaries],
        rollbacks=[move for move in moves if is_rollback(move)],
        previous=previous,
        previous_missing=_missing(stores, previous),
        backtests=_backtests(stores),
        logged_rows=rows,
        unstable_rows=unstable,
    )


def _no_gates() -> list[Gate]:
    return []


def _earlier(judged: list[RunRecord], newest: RunRecord | None) -> list[RunRecord]:
    return [run for run in judged if newest is not None and run.run_id not in ("", newest.run_id)]


def _importance(stores: Stores, champion: ModelVersion | None) -> dict[str, float]:
    if champion is None:
        return {}
    try:
        return reference_of(stores.registry, champion).importance
    except ModelUnavailable:
        return {}


def _missing(stores: Stores, previous: str | None) -> str | None:
    if previous is None:
        return None
    try:
        return missing_of(stores.registry, get_version(stores.registry, previous))
    except ModelUnavailable as error:
        return str(error)


def _stability(store: PredictionStore, model: str) -> tuple[int, int]:
    """Return how many of the newest predictions there are, and how many have no finite answer."""
    import numpy as np

    from ..core.table_columns import SCORE_PREFIX

    table = store.read(model, Window(last=_LOOKED_AT_ROWS), columns=[])
    wrong = np.zeros(table.num_rows, dtype=bool)
    for name in table.column_names:
        if name != "prediction" and not name.startswith(SCORE_PREFIX):
            continue
        values = table.column(name).to_pylist()
        wrong |= np.array([_unstable(value) for value in values], dtype=bool)
    return table.num_rows, int(wrong.sum())


def _unstable(value: Any) -> bool:
    import math

    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _backtests(stores: Stores) -> list[str]:
    """Return the summaries of backtests that have the policy of never training again."""
    from ..backtest.policies import NEVER
    from ..core.errors import WorkspaceUnavailable

    workspace = stores.open_workspace()
    folder = f"backtests/{stores.name}"
    found: list[str] = []
    for name in workspace.names(folder):
        summary = f"{folder}/{name}/summary.json"
        if not workspace.exists(summary):
            continue
        try:
            replays = workspace.read_json(summary).get("replays", [])
        except WorkspaceUnavailable:
            # Not written to its end.
            continue
        if any(replay.get("name") == NEVER for replay in replays):
            found.append(workspace.uri(summary))
    return found


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
