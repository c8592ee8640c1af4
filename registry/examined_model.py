"""A candidate with the rows that a gate looks at it on, and where the gate keeps what it found."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.results import Candidate, Gate, GateCheck, ModelVersion, Split
from ..runs.gate_words import log_gates
from .batches import log_batch
from .compared_models import NamedModel, load_named, named_model
from .run_logging import log_file
from .tracking import registry_errors

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.settings import Columns, GateSettings, TaskType
    from ..data.snapshots import Rows
    from ..models.predictor import Predictor


@dataclass(frozen=True)
class Examined:
    """A model that was loaded to be looked at.

    Attributes:
        model: Which one.
        predictor: The model itself: of a candidate, the evaluated one, which never saw the holdout.
        train: Rows that it was fitted on.
        holdout: Rows that it never saw, without those that count nothing.
    """

    model: NamedModel
    predictor: Predictor
    train: pd.DataFrame
    holdout: pd.DataFrame

    def unseen(self, columns: Columns) -> list[Gate]:
        """Return a gate that says so, if a version was fitted on holdout rows.

        Raises:
            DataRejected: If a version's tag cannot be read, or the timestamp is missing.
        """
        from ..gates.comparable_rows import later_rows

        fitted = self.model.fitted_up_to()
        seen = int((~later_rows(self.holdout, columns, fitted)).sum())
        if not seen:
            return []
        reason = (
            f"{self.model.label} was fitted on rows up to {fitted}: {seen} of {len(self.holdout)} holdout "
            "rows are not later. Give later rows"
        )
        return [
            Gate(name="unseen holdout", verdict="failed", reason=reason, value=seen, threshold=0)
        ]


def examine(
    stores: Stores,
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
) -> Examined:
    """Load a model and the rows to look at it on.

    Args:
        stores: Where the model's things are kept; only the registry is needed.
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: A candidate, a version or a URI, see `named_model`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.

    Returns:
        The model and both.

    Raises:
        ConfigurationError: If rows or model are of another kind.
        DataRejected: If the target is missing, or is not what the task needs.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    from ..data.row_weights import counting_rows
    from ..data.snapshots import as_frame, train_and_holdout
    from ..data.training_rows import labels_of

    first, second = train_and_holdout(split)
    train, holdout = as_frame(first, "split[0]"), as_frame(second, "split[1]")
    for frame in (train, holdout):
        labels_of(frame, columns.target, task_type)
    model = named_model(stores.registry, candidate)
    predictor = load_named(stores.registry, model, holdout, columns=columns, task_type=task_type)
    return Examined(model, predictor, train, counting_rows(holdout, columns).reset_index(drop=True))


def skipped_check(kind: str, settings: GateSettings) -> GateCheck | None:
    """Return what a kind of gate says that a project skips, and log it; None where it is asked.

    Args:
        kind: Which one, as `gates.skip` names it.
        settings: What a candidate must pass.
    """
    from ..gates.skipping import skipped_gate

    gates = skipped_gate(kind, settings)
    if not gates:
        return None
    log_gates(kind, gates)
    return GateCheck(kind=kind, gates=gates)


def keep_found(
    stores: Stores,
    candidate: Candidate | ModelVersion | str,
    check: GateCheck,
    evidence: dict[str, Any] | None = None,
) -> GateCheck:
    """Log what a gate found and keep it: of a candidate in its MLflow run, else in the workspace, if there is one.

    Args:
        stores: Where the model's things are kept.
        candidate: What was looked at.
        check: What was found; `measured` becomes metrics of the run.
        evidence: More of it, for a report `reports/<kind>.json`. None: no report.

    Returns:
        The same with the report's URI.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
        WorkspaceUnavailable: If the report cannot be written.
    """
    if check.gates:
        log_gates(check.kind, check.gates)
    name = f"reports/{check.kind}.json"
    content = None
    if evidence is not None:
        gates = [gate.model_dump(mode="json") for gate in check.gates]
        content = json.dumps({"gates": gates, **evidence}, indent=2, default=str).encode()
    uri = None
    if isinstance(candidate, Candidate):
        finite = {key: value for key, value in check.measured.items() if math.isfinite(value)}
        if finite:
            with registry_errors(stores.registry):
                log_batch(stores.registry.get_client(), candidate.run_id, metrics=finite)
        if content is not None:
            uri = log_file(stores.registry, candidate.run_id, content, name)
    elif content is not None and (workspace := stores.find_workspace()) is not None:
        digest = hashlib.sha256(content).hexdigest()[:16]
        uri = workspace.write_bytes(f"reports/{digest}/{check.kind}.json", content)
    return check.model_copy(update={"report_uri": uri})
