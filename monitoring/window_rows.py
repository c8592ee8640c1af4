"""The rows of a window, as they were read from the prediction log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import DataRejected
from ..core.results import (
    Window,
    WindowData,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..core.settings import TaskType


def load_window(data: WindowData) -> pd.DataFrame:
    """Return the rows of a window, laid out as in the prediction log.

    Raises:
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    from ..data.snapshots import load_frame

    return load_frame(data.snapshot)


def labelled_rows(data: WindowData, *, task_type: TaskType) -> pd.DataFrame:
    """Return the labelled rows of a window as rows of the dataset.

    Args:
        data: The window.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.

    Returns:
        Feature columns under their own names, `at` (UTC) and `label`: floats for regression, else as
        logged (`data.class_labels.to_classes` turns them into a model's classes).

    Raises:
        DataRejected: If a feature is called `at` or `label`.
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    import pandas as pd

    from ..core.table_columns import FEATURE_PREFIX

    frame = load_window(data)
    rows = frame[frame["label"].notna()].reset_index(drop=True)
    features = [name for name in rows.columns if name.startswith(FEATURE_PREFIX)]
    named = rows[features].rename(columns=lambda name: name.removeprefix(FEATURE_PREFIX))
    for name in ("at", "label"):
        if name in named:
            raise DataRejected(
                f"feature {name!r} has the name of a column of the prediction log: rename it at its "
                "source",
                column=name,
            )
    named = named.assign(at=pd.to_datetime(rows["at"], utc=True), label=rows["label"])
    if task_type == "regression":
        named["label"] = pd.to_numeric(named["label"], errors="coerce").astype(float)
        named = named[named["label"].notna()].reset_index(drop=True)
    return named


def report_path(window: Window) -> str:
    """Return where a window's drift report is, below the artifacts of the champion's run.

    Example:
        >>> report_path(Window(last=500))
        'monitoring/last-500/drift.html'
    """
    key = window.key.replace("+00:00", "Z").replace(":", "").replace("/", "_")
    return f"monitoring/{key}/drift.html"
