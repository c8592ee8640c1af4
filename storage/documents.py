"""Encodes a prediction as one BSON document: the same in MongoDB, in SQLite and in the logger's spool.

| field | holds |
| --- | --- |
| `_id` | JSON of model and id, and of the role unless it is the champion's |
| `model`, `id`, `role`, `version`, `request` | text; `request` only when there is one |
| `at` | when it was made, microseconds since 1970 UTC |
| `made` | the same as a date in milliseconds, for MongoDB's expiry |
| `draw` | 0 to 2^31 - 1, from the id alone: which rows a sample takes |
| `latency_seconds` | only when measured |
| `prediction`, `label` | the value; `label` only once it is known, no `prediction` where the version failed |
| `f_<feature>`, `s_<class>` | the value of a feature, the score of a class |
| `x_<field>` | text of a value that BSON cannot hold (`codec`); the field itself is then missing |

The names of features and classes are percent-encoded: whatever users write, it is neither an
operator nor a path. A feature that was None is null; one that was not there has no field. Fields
are flat because nested ones take three times as long to read into Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted
from math import isfinite
from typing import Any, NamedTuple
from zlib import crc32

import bson

from .codec import decode, from_microseconds, is_missing_label, python_scalar, to_microseconds
from .fields import (
    FEATURE,
    SCORE,
    SPECIAL,
    Column,
    encode_fields,
    python_label,
    unescaped,
    write_field,
)
from .predictions import Prediction, Role

SAMPLE_BUCKETS = 2**31
_OPTIONAL = ("label", "latency_seconds", "request")
# What MongoDB takes is 16 MiB; a label may still arrive.
MAX_DOCUMENT_BYTES = 15 * 2**20


class Document(NamedTuple):
    """An encoded prediction.

    Attributes:
        model: Registered model's name.
        id: Identifies the prediction within model and role.
        role: Whose prediction.
        version: Version that predicted.
        at: Microseconds since 1970 UTC.
        body: The BSON document.
        columns: Fields and the kinds of value that they have.
    """

    model: str
    id: str
    role: str
    version: str
    at: int
    body: bytes
    columns: frozenset[Column]


class UnreadDocument:
    """An encoded prediction whose model and columns are known: the rest is decoded once asked for.

    Args:
        model: Registered model's name.
        body: The BSON document.
        columns: Fields and the kinds of value that they have; may have more than the document.
    """

    __slots__ = ("_content", "body", "columns", "model")

    def __init__(self, model: str, body: bytes, columns: frozenset[Column]) -> None:
        self.model, self.body, self.columns = model, body, columns
        self._content: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """Identifies the prediction within model and role."""
        return self._decoded()["id"]

    @property
    def role(self) -> str:
        """Whose prediction."""
        return self._decoded()["role"]

    @property
    def at(self) -> int:
        """Microseconds since 1970 UTC."""
        return self._decoded()["at"]

    def _decoded(self) -> dict[str, Any]:
        if self._content is None:
            self._content = bson.decode(self.body)
        return self._content


AnyDocument = Document | UnreadDocument


def document_key(model: str, id: str, role: str = "champion") -> str:
    """Return `_id`: only the same model, id and role give the same."""
    names = f"{_quoted(model)}, {_quoted(id)}"
    return f"[{names}]" if role == "champion" else f"[{names}, {_quoted(role)}]"


def sample_bucket(id: str) -> int:
    """Return which samples a row belongs to, 0 to 2^31 - 1: the same for every role and store."""
    # Checksums of short ids that count upwards are far from random in their upper bits.
    mixed = crc32(id.encode("utf-8", "surrogatepass")) * 2_654_435_761 & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) & (SAMPLE_BUCKETS - 1)


def encode_prediction(prediction: Prediction) -> Document:
    """Encode a prediction. See `encode_row` and, for one without an answer, `encode_failure`."""
    if prediction.prediction is None:
        asked = ("model", "id", "role", "version", "at", "request")
        return encode_failure(**{name: getattr(prediction, name) for name in asked})
    return encode_row(**{name: getattr(prediction, name) for name in Prediction.model_fields})


def encode_failure(
    *, model: str, id: str, role: Role, version: str, at: datetime, request: str | None = None
) -> Document:
    """Encode that a version was asked for a prediction and made none.

    Returns:
        The document: a row without prediction, score and features.

    Raises:
        TypeError: If version, request or moment are none.
        ValueError: If the id or model is missing, the moment has no zone or is out of range, or the row
            is larger than the 16 MiB that MongoDB takes.

    Example:
        >>> from datetime import UTC, datetime
        >>> row = encode_failure(model="calls", id="1", role="challenger", version="4",
        ...                      at=datetime(2026, 1, 1, tzinfo=UTC))
        >>> decode_document(row.body).prediction is None
        True
    """
    document = _head(model=model, id=id, role=role, version=version, at=at, request=request)
    body = _checked(id, bson.encode(document))
    return Document(model, id, role, version, document["at"], body, frozenset())


def encode_row(
    *,
    model: str,
    id: str,
    role: Role,
    version: str,
    at: datetime,
    features: Mapping[str, Any],
    prediction: Any,
    score: Mapping[str, float] | None = None,
    label: Any = None,
    latency_seconds: float | None = None,
    request: str | None = None,
) -> Document:
    """Encode what `Prediction` holds.

    Returns:
        The document.

    Raises:
        TypeError: If a value cannot be logged, or version, request or moment are none.
        ValueError: If the id, model or prediction is missing, the moment has no zone or is out of range,
            the latency is not finite, two features have the same name, a name or value has no text, or
            the row is larger than the 16 MiB that MongoDB takes.

    Example:
        >>> from datetime import UTC, datetime
        >>> row = encode_row(model="calls", id="1", role="champion", version="3", features={"age": 41},
        ...                  at=datetime(2026, 1, 1, tzinfo=UTC), prediction="yes")
        >>> decode_document(row.body).features
        {'age': 41}
    """
    document = _head(model=model, id=id, role=role, version=version, at=at, request=request)
    if latency_seconds is not None:
        document["latency_seconds"] = latency = float(latency_seconds)
        if not isfinite(latency):
            raise ValueError(f"prediction {id!r} took {latency} seconds: expected a finite number")
    answers = (prediction,) if label is None or is_missing_label(label) else (prediction, label)
    try:
        body, columns = encode_fields(document, answers, features, {} if score is None else score)
    except AttributeError:
        for name, given in (("features", features), ("score", score)):
            if given is not None and not isinstance(given, Mapping):
                raise TypeError(f"{name} {given!r} are no mapping of a name to a value") from None
        raise
    return Document(model, id, role, version, document["at"], _checked(id, body), columns)


def encode_label(label: Any) -> tuple[dict[str, Any], frozenset[Column]]:
    """Return the fields that hold a label, and their kinds."""
    fields: dict[str, Any] = {}
    return fields, frozenset([write_field(fields, "label", python_label("label", label))])


def decode_document(body: bytes) -> Prediction:
    """Return what `encode_row` was given."""
    # BSON's integers of 64 bits come as a kind of their own.
    document = {field: python_scalar(value) for field, value in bson.decode(body).items()}
    values = document | {
        field[2:]: decode(text) for field, text in document.items() if field.startswith(SPECIAL)
    }
    return Prediction.model_construct(
        **{name: values[name] for name in ("id", "model", "version", "role")},
        at=from_microseconds(document["at"]),
        features=_named(values, FEATURE),
        score=_named(values, SCORE) or None,
        **{name: values.get(name) for name in ("prediction", *_OPTIONAL)},
    )


def _named(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {unescaped(field): value for field, value in values.items() if field.startswith(prefix)}


def _checked(id: str, body: bytes) -> bytes:
    if len(body) > MAX_DOCUMENT_BYTES:
        raise ValueError(
            f"prediction {id!r} takes {len(body)} bytes: a row has at most {MAX_DOCUMENT_BYTES}, leave out or "
            "shorten its largest feature"
        )
    return body


def _head(
    *, model: str, id: str, role: Role, version: str, at: datetime, request: str | None
) -> dict[str, Any]:
    if not (id and model and type(id) is type(model) is str):
        raise ValueError(f"model {model!r} and id {id!r} must be text that is not empty")
    # Of another type, they would end every later read of a window that they are in.
    if not (type(version) is str and version and (request is None or type(request) is str)):
        raise TypeError(
            f"version {version!r} and request {request!r} of prediction {id!r} must be text"
        )
    if not isinstance(at, datetime):
        raise TypeError(
            f"prediction {id!r} was made at {at!r}: expected a datetime with a time zone"
        )
    if at.tzinfo is None:
        raise ValueError(f"prediction {id!r} was made at {at}, which has no time zone")
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValueError(
            f"prediction {id!r} was made at {at}: expected a moment of the years 1 to 9999 in UTC"
        ) from None
    head = {
        "_id": document_key(model, id, role),
        "model": model,
        "id": id,
        "role": role,
        "version": version,
        "at": to_microseconds(at),
        "made": at,
        "draw": sample_bucket(id),
    }
    if request is not None:
        head["request"] = request
    return head
