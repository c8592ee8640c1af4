"""Extracts a project's rows into a snapshot, and refuses rows that cannot be trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import LogUnavailable, SourceUnavailable
from ..core.results import Snapshot
from ..core.settings import DataSettings
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..sources.reading import describe_source, read_source
from ..validation.row_checks import check_rows

if TYPE_CHECKING:
    from ..blocks.dataset import Dataset
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..storage.redaction import Redaction


@step("extract {stores.name}", retry_on=(SourceUnavailable, LogUnavailable))
def extract(
    *,
    dataset: Dataset,
    columns: Columns | None = None,
    task_type: TaskType,
    settings: DataSettings | None = None,
    redaction: Redaction | None = None,
    protected: list[str] | None = None,
    stores: Stores,
) -> Snapshot:
    """Read a project's dataset and keep it as a snapshot.

    Rows are cut to the dataset's time window and sorted by time. The same rows give the same digest.
    Infinities in features are left to `validate_data`. What was read, and may not be what was meant, is said in
    the run's log.

    Args:
        dataset: The rows.
        columns: What each column is for. None: as the dataset says.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: Data validation and splitting. None: the defaults.
        redaction: What of a column may be kept in the prediction log. None: everything.
        protected: Columns to compare groups of people by, which are kept beside the rows although no model may see
            them. None: none.
        stores: Where the model's things are kept.

    Returns:
        The rows, as a handle.

    Raises:
        SourceUnavailable: If the source cannot be reached or read; retried, as it may come back.
        DataRejected: If a column with a role is missing, repeated or mixes types, numbers or moments are
            written in a way that nobody declared, the target is empty somewhere or does not fit the
            task, a timestamp has no time zone, an id is there twice, or there are too few rows.
        WorkspaceUnavailable: If the snapshot cannot be written.
    """
    from ..data.snapshots import save_snapshot

    protected = protected or []
    table = read_source(
        dataset,
        own=True,
        stores=stores,
        task_type=task_type,
        redaction=redaction,
        protected=protected,
    )
    described = describe_source(stores.registry, dataset)
    for remark in check_rows(
        table,
        described,
        columns=columns or dataset.columns,
        task_type=task_type,
        settings=settings or DataSettings(),
        protected=protected,
    ):
        run_logger().warning("%s", remark)
    snapshot = save_snapshot(
        stores.open_workspace(), table, described, timestamp=dataset.columns.timestamp
    )
    run_logger().info(
        "%d rows of %s are snapshot %s", snapshot.rows, described, snapshot.digest[:12]
    )
    return snapshot
