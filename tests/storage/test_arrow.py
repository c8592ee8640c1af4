"""Which column type logged values come back in, and that they do."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from prefect_mlops.storage.arrow import Decoder
from prefect_mlops.storage.columns import lay_out
from prefect_mlops.storage.documents import encode_row

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def column_of(values):
    """One feature's values, through documents and back."""
    documents = [
        encode_row(
            model="m",
            id=str(i),
            role="champion",
            version="1",
            at=NOON,
            features={"x": value},
            prediction=1,
        )
        for i, value in enumerate(values)
    ]
    known = frozenset().union(*(document.columns for document in documents))
    decoder = Decoder(lay_out(known, None))
    for document in documents:
        decoder.add(document.body)
    batch = decoder.batch()
    assert batch.schema == decoder.schema
    return batch.column("features.x")


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([None, None], pa.null(), [None, None]),
        ([True, None], pa.bool_(), [True, None]),
        ([1, None, -5], pa.int64(), [1, None, -5]),
        ([1, True], pa.int64(), [1, 1]),
        ([1, 0.5, None, False], pa.float64(), [1.0, 0.5, None, 0.0]),
        ([2**63, 1], pa.float64(), [2.0**63, 1.0]),
        ([10**400, -(10**400), 0.5], pa.float64(), [math.inf, -math.inf, 0.5]),
        ([2**62 + 1, 0.5], pa.float64(), [2.0**62, 0.5]),
        (["a", None], pa.string(), ["a", None]),
        (["1", 1, 1.0, True], pa.string(), ["1", "1", "1.0", "True"]),
        (["2026-01-31T12:00:00"], pa.string(), ["2026-01-31T12:00:00"]),
        ([NOON, None], pa.timestamp("us", "UTC"), [NOON, None]),
        ([NOON.replace(tzinfo=None)], pa.timestamp("us"), [NOON.replace(tzinfo=None)]),
        (
            [NOON, NOON.replace(tzinfo=None)],
            pa.string(),
            ["2026-01-31 12:00:00+00:00", "2026-01-31 12:00:00"],
        ),
        ([NOON, 1], pa.string(), ["2026-01-31 12:00:00+00:00", "1"]),
        ([NOON.date(), None], pa.date32(), [date(2026, 1, 31), None]),
        ([b"\x00\xff", None], pa.binary(), [b"\x00\xff", None]),
        ([Decimal("1.20"), None], pa.decimal256(76, 38), [Decimal("1.2"), None]),
        ([Decimal("1.5"), 2, 0.25], pa.float64(), [1.5, 2.0, 0.25]),
        ([Decimal("1e60"), 1], pa.string(), ["1E+60", "1"]),
        ([math.inf, -math.inf, None, 1.5], pa.float64(), [math.inf, -math.inf, None, 1.5]),
        ([math.inf, None, 2, True], pa.float64(), [math.inf, None, 2.0, 1.0]),
        ([[1, "a"], {"a": None}], pa.string(), ['[1, "a"]', '{"a": null}']),
        ([b"a", "a"], pa.string(), ["b'a'", "a"]),
        (["\ud800", "b"], pa.string(), ["?", "b"]),
    ],
)
def test_a_column_takes_the_narrowest_type_that_holds_it(values, type_, expected):
    column = column_of(values)
    assert column.type == type_
    assert column.to_pylist() == expected


def test_a_number_that_is_none_is_told_from_one_that_is_missing():
    found = column_of([math.nan, None, 1.0]).to_pylist()
    assert math.isnan(found[0])
    assert found[1:] == [None, 1.0]
