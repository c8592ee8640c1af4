"""What a person sees of a backtest: a table, a picture, an artifact."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact

from ..core.results import digest_of
from ..core.results.backtest import Backtest
from .artifacts import artifact_key

if TYPE_CHECKING:
    from ..core.workspace import Workspace


def report_backtest(workspace: Workspace, result: Backtest) -> Backtest:
    """Keep a backtest in the workspace, and show it as an artifact.

    Args:
        workspace: Where it is kept.
        result: The backtest.

    Returns:
        The same, with the URIs of its summary and its plot.

    Raises:
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    from ..backtest.plot import draw_backtest

    plot = draw_backtest(result)
    folder = f"backtests/{result.project}/{digest_of(result)[:16]}"
    result = result.model_copy(
        update={
            "plot_uri": workspace.write_bytes(f"{folder}/plot.png", plot),
            "summary_uri": workspace.uri(f"{folder}/summary.json"),
        }
    )
    workspace.write_bytes(f"{folder}/summary.json", result.model_dump_json(indent=2).encode())
    image = "data:image/png;base64," + base64.b64encode(plot).decode()
    text = "\n".join(
        [
            f"# {result.project}: {result.recommended}",
            "",
            result.recommendation,
            "",
            *markdown_table(result),
            "",
            f"![Backtest]({image})",
        ]
    )
    create_markdown_artifact(
        text,
        key=artifact_key("backtest", result.project),
        description=f"Backtest of {result.project}: {len(result.replays)} policies",
    )
    return result


def table_rows(result: Backtest) -> list[dict[str, Any]]:
    """Return a backtest as rows of a table, best first.

    Args:
        result: The backtest.

    Returns:
        Policy, metric, its ratio to the best, how many retrainings were asked for and promoted, and in
        how many windows the model was surely worse than promised; the cost where the user said what
        errors and retrainings cost.
    """
    best = min(replay.value for replay in result.replays)
    costs = {cost.name: cost.total for cost in result.costs}
    rows = []
    for replay in sorted(result.replays, key=lambda replay: replay.value):
        row = {
            "policy": replay.name,
            result.metric: f"{replay.value:.4g}",
            "to best": f"{replay.value / best:.3f}" if best else "",
            "retrained": str(replay.retrainings),
            "promoted": str(replay.promotions),
            "worse": str(sum(window.worse for window in replay.windows)),
        }
        if costs:
            row["cost"] = f"{costs[replay.name]:,.6g}"
        rows.append(row)
    return rows


def markdown_table(result: Backtest) -> list[str]:
    """Return `table_rows` as lines of Markdown."""
    rows = table_rows(result)
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for row in rows:
        cells = [
            f"**{cell}**" if row["policy"] == result.recommended else cell for cell in row.values()
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
