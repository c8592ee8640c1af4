"""Attaches labels that arrive late to the predictions they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import DataRejected
from ..core.tags import CHAMPION
from ..data.identifiers import earlier_texts, id_texts
from ..registry.versions import find_version
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..sources.given_rows import as_dataset
from ..sources.scored_rows import exact_frame, logged_ids, plain_value

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.dataset import Dataset
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..storage.interface import LabelReport
    from ..storage.redaction import Redaction


@step()
def attach_labels(
    rows: Dataset | Rows,
    *,
    overwrite: bool = False,
    new_classes: bool = False,
    columns: Columns | None = None,
    task_type: TaskType,
    redaction: Redaction | None = None,
    stores: Stores,
) -> LabelReport:
    """Attach labels to the predictions with the same ids.

    Args:
        rows: A dataset, a pandas frame, an Arrow table or a snapshot, with the id column and the target.
        overwrite: Whether a label that is known already may become another one; what it was is kept in
            the prediction log's journal.
        new_classes: Whether labels may be of a class that the champion does not know.
        columns: What each column is for, of rows that are no dataset.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        redaction: What of a column may be kept in the prediction log. None: everything.
        stores: Where the model's things are kept.

    Returns:
        What became of them: attached, changed, and ids that no prediction has.

    Raises:
        DataRejected: If the id or target column is not set or missing, a label has no id, an id has
            two different labels, a label is of no class that the champion knows or, for a regression,
            no finite number, or known labels would change; none was attached.
        SourceUnavailable: If the rows cannot be read.
        ModelUnavailable: If the champion does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        LogUnavailable: If the log cannot be written.
    """
    from ..data.label_checks import finite_numbers
    from ..sources.reading import read_source

    dataset = as_dataset(rows, columns)
    identifier, target = dataset.columns.id, dataset.columns.target
    if identifier is None:
        raise DataRejected(
            "labels need an id column: set columns.id to the prediction's id. Rows that were scored "
            "without one were given ids: they are in the Parquet file that the score flow names as "
            "scores_uri, column 'id'"
        )
    table = read_source(dataset, stores=stores, task_type=task_type, redaction=redaction)
    frame = exact_frame(table, table.to_pandas())
    for name in (identifier, target):
        if name not in frame:
            raise DataRejected(f"column {name!r} is missing; found {list(frame)}", column=name)
    known = frame[frame[target].notna()]
    if task_type == "regression":
        known = known.assign(**{target: finite_numbers(known[target])})
    elif not new_classes and len(known):
        _refuse_new_classes(known[target], registry=stores.registry, task_type=task_type)
    labels, earlier_ids = _labels_by_id(known, identifier, target, redaction=redaction)
    with stores.predictions.get_client() as store:
        report = store.attach_labels(
            stores.registry.model_name, labels, overwrite=overwrite, earlier_ids=earlier_ids
        )
    run_logger().info(
        "%d labels attached, %d changed, %d without a prediction",
        report.attached,
        report.changed,
        len(report.unknown),
    )
    return report


def _refuse_new_classes(labels: pd.Series, *, task_type: TaskType, registry: ModelRegistry) -> None:
    from ..data.label_checks import refuse_new_classes

    champion = find_version(registry, CHAMPION)
    if champion is None:
        run_logger().warning(
            "%s has no champion yet: nobody can tell whether these labels are of its classes",
            registry.model_name,
        )
        return
    classes = registry.load_model(champion.uri, task_type).classes
    if classes is not None:
        refuse_new_classes(labels, classes.tolist())


def _labels_by_id(
    known: pd.DataFrame, identifier: str, target: str, *, redaction: Redaction | None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the label of each id as it is logged, and what it was logged as before."""
    given = known[identifier]
    ids = logged_ids(id_texts(given), redaction)
    missing = int(ids.isna().sum())
    if missing:
        raise DataRejected(
            f"id column {identifier!r} has {missing} nulls in rows with a label: fill it in, or leave "
            "these rows out",
            column=identifier,
        )
    pairs = known.assign(**{identifier: ids})[[identifier, target]].drop_duplicates()
    twice = pairs[identifier][pairs[identifier].duplicated()]
    if len(twice):
        raise DataRejected(
            f"id column {identifier!r} has two different labels for {len(twice)} ids, such as "
            f"{twice.iloc[0]!r}: keep the right one at its source",
            column=identifier,
        )
    earlier = logged_ids(given.map(earlier_texts).explode().dropna(), redaction)
    earlier_ids: dict[str, list[str]] = {}
    for id, other in zip(ids.loc[earlier.index], earlier, strict=True):
        earlier_ids.setdefault(id, []).append(other)
    labels = dict(zip(pairs[identifier], map(plain_value, pairs[target]), strict=True))
    return labels, earlier_ids
