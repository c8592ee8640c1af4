"""How predictions are written down: the same text in every database, and back into Arrow.

Moments are integers, microseconds since 1970 UTC (a BSON date only holds milliseconds). Features,
scores, prediction and label are JSON text of ASCII characters: a feature name with a dot, a dollar or
a quote stays a name, whatever the database thinks of such characters. Beyond plain JSON:

| value | text |
| --- | --- |
| not a number, infinities | `NaN`, `Infinity`, `-Infinity` |
| datetime | `{"datetime": "2026-01-31T12:00:00+00:00"}` |

A column takes the narrowest type that holds the values a window has of it:

| values | Arrow type |
| --- | --- |
| one kind: booleans, integers of 64 bits, numbers, text | `bool`, `int64`, `float64`, `string` |
| booleans and integers | `int64` |
| numbers of several kinds, or integers beyond 64 bits | `float64` |
| datetimes with a zone, without one | `timestamp[us, UTC]`, `timestamp[us]` |
| any other mixture | `string`, as Python's `str` writes the values |
| none at all | `null`; for the label, the prediction's type |
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from .interface import Prediction

FIELDS = ("model", "id", "role", "version", "at", "features", "prediction", "score", "label")
READ_FIELDS = ("id", "version", "at", "features", "prediction", "score", "label")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATETIME = "datetime"


def plain(value: Any) -> Any:
    """Turn NumPy and pandas scalars into Python's own.

    Args:
        value: Any scalar.

    Returns:
        Python's own value; None for pandas' `NaT` and `NA`. Anything unknown is returned as it is.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime):
        convert = getattr(value, "to_pydatetime", None)
        return value if convert is None else convert(warn=False)
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        # A NumPy datetime finer than microseconds would become an integer.
        exact = value.astype("datetime64[us]") if value.dtype.kind == "M" else value
        return plain(exact.item())
    return value


def encode(value: Any) -> str:
    """Write a scalar, or a mapping of scalars, as text."""
    return json.dumps(value, separators=(",", ":"), default=_encode_special)


def decode(text: str) -> Any:
    """Read what `encode` wrote."""
    return _as_moment(json.loads(text))


def encode_prediction(prediction: Prediction) -> tuple[Any, ...]:
    """Return a prediction's stored values, in the order of `FIELDS`."""
    return (
        prediction.model,
        prediction.id,
        prediction.role,
        prediction.version,
        microseconds(prediction.at),
        encode(prediction.features),
        encode(prediction.prediction),
        None if prediction.score is None else encode(prediction.score),
        None if is_missing(prediction.label) else encode(prediction.label),
    )


def is_missing(label: Any) -> bool:
    """Whether a label is none: None, or not a number, as pandas writes a missing value."""
    return label is None or (isinstance(label, float) and math.isnan(label))


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def table_of(rows: Sequence[tuple[Any, ...]], columns: Sequence[str] | None) -> pa.Table:
    """Lay stored rows out as `PredictionStore.read` promises.

    Args:
        rows: Stored values in the order of `READ_FIELDS`.
        columns: Features to keep; one that no row has becomes nulls. None: all.

    Returns:
        One row a prediction, in the order given.
    """
    import pyarrow as pa

    count = len(READ_FIELDS)
    ids, versions, moments, features, predictions, scores, labels = (
        zip(*rows, strict=True) if rows else ((),) * count
    )
    prediction = column_of(_load(predictions))
    label = column_of(_load(labels))
    arrays = {
        "id": pa.array(ids, pa.string()),
        "version": pa.array(versions, pa.string()),
        "at": pa.array(moments, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "prediction": prediction,
        "label": label.cast(prediction.type) if label.type == pa.null() else label,
    }
    for name, values in _by_name(_load(scores), None).items():
        numbers = [None if value is None else float(value) for value in values]
        arrays[f"score.{name}"] = pa.array(numbers, pa.float64())
    for name, values in _by_name(_load(features), columns).items():
        arrays[f"features.{name}"] = column_of(values)
    return pa.table(arrays)


def column_of(values: list[Any]) -> pa.Array | pa.ChunkedArray:
    """Make a column of decoded values, of the narrowest type that holds them all."""
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    if dict in kinds:
        values = [_as_moment(value) for value in values]
        kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {bool, int}:
        try:
            return pa.array([None if v is None else int(v) for v in values], pa.int64())
        except OverflowError:
            return pa.array([None if v is None else _as_float(v) for v in values], pa.float64())
    if kinds <= {bool, int, float}:
        return pa.array([None if v is None else _as_float(v) for v in values], pa.float64())
    if kinds == {datetime}:
        zoned = {value.tzinfo is not None for value in values if value is not None}
        if len(zoned) == 1:
            return pa.array(values, pa.timestamp("us", "UTC" if zoned == {True} else None))
    texts = [None if value is None else str(value) for value in values]
    try:
        return pa.array(texts, pa.string())
    except (
        UnicodeEncodeError
    ):  # Half of a surrogate pair: no UTF-8, and no reason to lose the window.
        return pa.array([t and t.encode("utf-8", "replace").decode() for t in texts], pa.string())


def _encode_special(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    python = plain(value)
    if isinstance(python, datetime):
        return {_DATETIME: python.isoformat()}
    if python is not None and type(python) not in (bool, int, float, str):
        raise TypeError(
            f"{type(value).__name__} {value!r} cannot be logged: expected text, a number, a boolean, a "
            "datetime or None"
        )
    return python


def _as_moment(value: Any) -> Any:
    return datetime.fromisoformat(value[_DATETIME]) if type(value) is dict else value


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _load(texts: Sequence[str | None]) -> list[Any]:
    # One parse of the whole window is twice as fast as one a row.
    return json.loads(f"[{','.join([text or 'null' for text in texts])}]")


def _by_name(
    rows: Sequence[Mapping[str, Any] | None], names: Sequence[str] | None
) -> dict[str, list[Any]]:
    found = [row or {} for row in rows]
    if names is None:
        names = list(dict.fromkeys(name for row in found for name in row))
    return {name: [row.get(name) for row in found] for name in names} if found else {}
