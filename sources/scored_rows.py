"""Rows to score: what identifies each of them, when it was, and what of it is logged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError, DataRejected
from ..core.results import ModelVersion
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..data.identifiers import id_texts

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..blocks.dataset import Dataset
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..models.predictor import Predictor
    from ..storage.redaction import Redaction
    from .given_rows import GivenRows

_EXACT = 2**53


@dataclass(frozen=True)
class ScoredRows:
    """Rows to score.

    Attributes:
        table: As the source gave them.
        frame: The same; whole numbers that no float holds are Python's own.
        ids: Id of each, as it is logged.
        timestamps: When each was.
    """

    table: pa.Table
    frame: pd.DataFrame
    ids: list[str]
    timestamps: list[datetime]


def read_rows(
    dataset: Dataset | GivenRows,
    *,
    columns: Columns,
    task_type: TaskType,
    redaction: Redaction | None,
    stores: Stores,
) -> ScoredRows:
    """Read the rows of a dataset to score.

    Raises:
        DataRejected: If a timestamp has no zone, or an id is missing.
        ConfigurationError: If the project redacts a column that the rows do not have, or redacts without
            a key and the rows have no id.
        SourceUnavailable: If the rows cannot be read.
    """
    from .reading import read_source

    table = read_source(dataset, stores=stores, task_type=task_type, redaction=redaction)
    frame = table.to_pandas()
    if redaction is not None:
        own = columns
        redaction.check(dataset.columns, [*frame, *own.ignored, *filter(None, [own.id])])
    timestamps = timestamps_of(frame, dataset)
    name, exact = dataset.columns.id, exact_frame(table, frame)
    ids = _digests(frame, redaction) if name is None else identifiers(exact, name, redaction)
    return ScoredRows(table, exact, ids, timestamps)


def exact_frame(table: pa.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table's frame, its whole numbers as they are.

    pandas makes floats of whole numbers beside a null, which changes the large ones.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = frame.copy(deep=False)
    for field in table.schema:
        values = table.column(field.name)
        if pa.types.is_integer(field.type) and 0 < values.null_count < len(values):
            bounds = pc.call_function("min_max", [values]).as_py()
            if bounds["min"] < -_EXACT or bounds["max"] > _EXACT:
                exact[field.name] = values.to_pandas(integer_object_nulls=True)
    return exact


def timestamps_of(frame: pd.DataFrame, dataset: Dataset | GivenRows) -> list[datetime]:
    """Return when each row was; now without a timestamp column."""
    name = dataset.columns.timestamp
    if name is None:
        return [datetime.now(UTC)] * len(frame)
    if name not in frame:
        raise DataRejected(
            f"timestamp column {name!r} is missing; found {list(frame)}: name another one in "
            "dataset.columns, or add it at the source",
            column=name,
        )
    # `read_source` has brought them to UTC, or refused them.
    return [moment.to_pydatetime() for moment in frame[name]]


def identifiers(frame: pd.DataFrame, name: str, redaction: Redaction | None) -> list[str]:
    """Return the id of each row, as it is logged."""
    if name not in frame:
        raise DataRejected(
            f"id column {name!r} is missing; found {list(frame)}: name another one in dataset.columns, "
            "or add it at the source",
            column=name,
        )
    values = logged_ids(id_texts(frame[name]), redaction)
    nulls = int(values.isna().sum())
    repeated = values[values.duplicated() & values.notna()]
    if nulls or len(repeated):
        such = f", such as {repeated.unique()[:3].tolist()}" if len(repeated) else ""
        raise DataRejected(
            f"id column {name!r} has {nulls} nulls and {len(repeated)} duplicates{such}: an id "
            "identifies one prediction, mend them at the source",
            column=name,
        )
    return values.tolist()


def logged_ids(texts: pd.Series, redaction: Redaction | None) -> pd.Series:
    """Return ids as they are logged: hashed, if the project redacts their column."""
    if redaction is None or texts.name not in redaction.columns:
        return texts
    return texts.map(redaction.hashed, na_action="ignore")


def _digests(frame: pd.DataFrame, redaction: Redaction | None) -> list[str]:
    import pandas as pd

    digests = pd.util.hash_pandas_object(frame.astype(str), index=True)
    if redaction is None:
        return [hashlib.sha256(str(value).encode()).hexdigest()[:24] for value in digests]
    # Whoever knows most of a row could try the rest out against a digest without a key.
    if redaction.key is None:
        raise ConfigurationError(
            "these rows have no id, and a digest of them would tell of what is redacted: set "
            "redaction.key, or columns.id"
        )
    return [f"{redaction.hashed(f'row {value}')}" for value in digests]


def records(frame: pd.DataFrame, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the features of each row as they are logged, but for what is redacted."""
    features = frame[list(names)].astype(object)
    for record in features.where(features.notna(), None).to_dict("records"):
        yield {str(name): plain_value(value) for name, value in record.items()}


def plain_value(value: Any) -> Any:
    """Turn NumPy and pandas scalars into Python's own, timestamps into those of UTC."""
    if hasattr(value, "to_pydatetime"):
        moment = value.to_pydatetime()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value.item() if hasattr(value, "item") else value


def refuse_unloggable(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse values that the log could not hold, before any row is logged.

    Raises:
        DataRejected: Naming the column and one value.
    """
    from ..storage.codec import encode

    for name in names:
        if frame[name].dtype.kind in "biufM":
            continue
        for value in frame[name].dropna():
            try:
                if type(value) is not str:
                    encode(plain_value(value))
            except (TypeError, ValueError) as error:
                raise DataRejected(
                    f"column {name!r} cannot be logged: {error}. Convert it at the source, or list it in "
                    "columns.ignored",
                    column=name,
                ) from error


def scores_table(
    rows: ScoredRows,
    predictor: Predictor,
    predicted: Any,
    champion: ModelVersion,
    redaction: Redaction | None,
) -> pa.Table:
    """Return what is known of scored rows, laid out like the prediction log.

    Args:
        rows: The rows.
        predictor: The model.
        predicted: What it predicted, as `Predictor.predict` returns it.
        champion: Its version.
        redaction: What of a feature may be kept.

    Returns:
        `row` (the place in the order that they were read in, from 0), `id`, `at`, `version`,
        `prediction`, `score.<class>` and `features.<name>`.
    """
    import pyarrow as pa

    classes = [] if predictor.classes is None else predictor.classes.tolist()
    columns: dict[str, Any] = {
        "row": pa.array(range(len(rows.ids)), pa.int64()),
        "id": pa.array(rows.ids, pa.string()),
        "at": pa.array(rows.timestamps, pa.timestamp("us", "UTC")),
        "version": pa.array([champion.version] * len(rows.ids), pa.string()),
        "prediction": pa.array(predictor.labels(predicted).tolist()),
    }
    for place, name in enumerate(classes):
        columns[f"{SCORE_PREFIX}{name}"] = pa.array(predicted[:, place])
    rules = {} if redaction is None else redaction.columns
    redacted = [name for name in predictor.feature_types if name in rules]
    for name in predictor.feature_types:
        if name not in rules:
            columns[f"{FEATURE_PREFIX}{name}"] = rows.table.column(name)
    if redaction is not None and redacted:
        kept = [redaction.apply(record) for record in records(rows.frame, redacted)]
        for name in redacted:
            if rules[name] != "drop":
                columns[f"{FEATURE_PREFIX}{name}"] = pa.array(
                    [row[name] for row in kept], pa.string()
                )
    return pa.table(columns)


def differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a feature that both have is another one.

    Example:
        >>> differs({"age": 41, "job": "admin"}, {"age": 41.0, "region": "north"})
        False
    """
    return any(
        name in before and before[name] != value and not (_is_nan(before[name]) and _is_nan(value))
        for name, value in after.items()
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124
