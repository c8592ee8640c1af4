"""The demo's project: the telemarketing stream, and how its model is trained, gated and watched.

Blocks are imported inside the functions: Prefect reads its settings when it is imported, and by then
the demo's own server must be known.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..blocks import Dataset, MLProject

NAME = "telemarketing"
HISTORY_ROWS = 20_000
WINDOW_ROWS = 2_000

COLUMNS = {
    "target": "y",
    "id": "call_id",
    "timestamp": "called_at",
    "slices": ["contact"],
    # Known only after the call: a model that sees it cannot be used before.
    "ignored": ["duration"],
}

_NO_BETTER = (
    "what told a subscriber in 2008 does not tell one of the next thousand calls: no model of these "
    "rows is better than a guess, and the demo shows how one goes stale"
)


def dataset_at(path: Path | str) -> Dataset:
    """Return the dataset of a Parquet file or glob of the stream."""
    from ..blocks import Dataset

    return Dataset.model_validate(
        {"source": {"type": "parquet", "path": str(path)}, "columns": COLUMNS}
    )


def make_project(
    folder: Path, tracking_uri: str, log_uri: str, collection: str, *, published: bool = False
) -> MLProject:
    """Return the demo's project.

    Args:
        folder: The demo's own folder.
        tracking_uri: MLflow server.
        log_uri: Database of the prediction log.
        collection: Prefix of its tables or collections.
        published: Whether the rows are the published table, of which the first model is no better than a
            guess, and the demo needs a champion that goes stale.

    Returns:
        The project, not saved yet.
    """
    from ..blocks import MLProject, ModelRegistry, PredictionLog

    return MLProject.model_validate(
        {
            "name": NAME,
            "task_type": "binary",
            "dataset": dataset_at(folder / "warehouse" / "*.parquet"),
            "registry": ModelRegistry.model_validate(
                {"tracking_uri": tracking_uri, "model_name": NAME}
            ),
            "predictions": PredictionLog.model_validate({"uri": log_uri, "collection": collection}),
            "workspace": str(folder / "workspace"),
            # The search is short, so that the demo is; everything that decides is as it comes.
            "training": {
                "estimators": ["hist_gradient_boosting"],
                "trials": 6,
                "maximum_tuning_rows": 12_000,
            },
            "gates": {
                "floors": {"log_loss": 1.0},
                "deepchecks_rows": 5_000,
                "skip": {"baseline": _NO_BETTER} if published else {},
            },
            "monitoring": {"window_rows": WINDOW_ROWS},
        }
    )
