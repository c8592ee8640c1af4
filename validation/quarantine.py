"""Sets broken rows aside, as far as that mends what is broken and keeps within the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import Gate, Snapshot
from .row_gates import gate_of

if TYPE_CHECKING:
    from ..core.settings import Columns, DataSettings
    from ..core.workspace import Workspace
    from .gx_runner import Finding


def set_aside(
    snapshot: Snapshot,
    findings: list[Finding],
    *,
    columns: Columns,
    settings: DataSettings,
    workspace: Workspace,
) -> tuple[list[Gate], Snapshot, Snapshot | None]:
    """Set rows aside if that mends everything that is broken and keeps within the budget."""
    import numpy as np

    from ..data.snapshots import load_table, save_snapshot

    gates = [gate_of(finding) for finding in findings if not finding.held]
    broken = [finding for finding in findings if not finding.held and finding.blocking]
    bad = np.zeros(snapshot.rows, dtype=bool)
    for finding in broken:
        bad[finding.rows] = True
    if not broken or not all(finding.rows for finding in broken):
        return gates, snapshot, None
    budget = settings.quarantine_budget
    share = float(bad.mean())
    kept = snapshot.rows - int(bad.sum())
    if share > budget or kept < settings.minimum_rows:
        why = (
            f"{int(bad.sum())} of {snapshot.rows} rows ({share:.2%}) would be set aside: allowed are "
            f"{budget:.2%} (data.quarantine_budget), and {settings.minimum_rows} rows must remain"
        )
        gate = Gate(name="quarantine", verdict="failed", reason=why, value=share, threshold=budget)
        return [*gates, gate], snapshot, None
    timestamp = columns.timestamp
    table = load_table(snapshot)
    good, aside = (
        save_snapshot(workspace, table.filter(rows), snapshot.source, timestamp=timestamp)
        for rows in (~bad, bad)
    )
    mended = {finding.name for finding in broken}
    gates = [
        gate.model_copy(update={"verdict": "passed", "reason": f"{gate.reason}; set aside"})
        if gate.name in mended
        else gate
        for gate in gates
    ]
    return gates, good, aside
