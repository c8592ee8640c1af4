"""Which column type logged values come back in, and that they do."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from prefect_mlops.storage.arrow import ArrowDecoder
from prefect_mlops.storage.columns import column_layouts
from prefect_mlops.storage.documents import encode_row

WEST = timezone(timedelta(hours=-3))
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def column_of(values, kinds=None):
    """One feature's values, through documents and back; `kinds`: those that were listed for it."""
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
    if kinds is not None:
        known = {(field, kind) for field, kind in known if field != "f_x"}
        known |= {("f_x", kind) for kind in kinds}
    decoder = ArrowDecoder(column_layouts(known, None))
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
        ([2**62 + 1, None, 7], pa.int64(), [2**62 + 1, None, 7]),
        ([2**62 + 1, 2**63 + 1], pa.decimal256(76, 0), [2**62 + 1, 2**63 + 1]),
        ([2**63, 1, None, True, -(2**70)], pa.decimal256(76, 0), [2**63, 1, None, 1, -(2**70)]),
        ([2**63, Decimal("0.5")], pa.decimal256(76, 38), [2**63, Decimal("0.5")]),
        ([10**38 - 1, 1 - 10**38], pa.decimal256(76, 0), [10**38 - 1, 1 - 10**38]),
        ([10**38, 1], pa.string(), [str(10**38), "1"]),
        ([10**400, 0.5], pa.string(), [str(10**400), "0.5"]),
        ([2**62 + 1, 0.5], pa.string(), [str(2**62 + 1), "0.5"]),
        ([2**62, 0.5], pa.float64(), [2.0**62, 0.5]),
        ([2**62, math.inf], pa.float64(), [2.0**62, math.inf]),
        ([2**63 + 1, 0.5], pa.string(), [str(2**63 + 1), "0.5"]),
        ([2**63 + 1, "a"], pa.string(), [str(2**63 + 1), "a"]),
        ([{b"a": 1, NOON: [Decimal(1)]}], pa.string(), [f'{{"b\'a\'": 1, "{NOON}": ["1"]}}']),
        (
            [NOON.replace(year=9999), None],
            pa.timestamp("us", "UTC"),
            [NOON.replace(year=9999), None],
        ),
        (
            [datetime.max.replace(tzinfo=WEST)],
            pa.string(),
            [str(datetime.max.replace(tzinfo=WEST))],
        ),
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
        ([Decimal("1.5"), 2, True], pa.decimal256(76, 38), [Decimal("1.5"), 2, 1]),
        ([Decimal("1.5"), 2, 0.25], pa.float64(), [1.5, 2.0, 0.25]),
        ([Decimal("0.10"), math.inf], pa.float64(), [0.1, math.inf]),
        (
            [Decimal("0.12345678901234567890"), 0.25],
            pa.string(),
            ["0.12345678901234567890", "0.25"],
        ),
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


@pytest.mark.parametrize(
    ("values", "kinds", "expected"),
    [
        ([2**62 + 1, 0.5], {"integer", "number"}, [2.0**62, 0.5]),
        ([2**62 + 1, math.inf], {"integer", "nonfinite"}, [2.0**62, math.inf]),
        ([2**62 + 1, 2**63 + 1], {"integer", "large"}, [str(2**62 + 1), str(2**63 + 1)]),
        ([Decimal("0.12345678901234567890"), 2], {"decimal", "number"}, [0.12345678901234568, 2.0]),
    ],
)
def test_what_was_logged_before_integers_were_told_apart_can_be_read(values, kinds, expected):
    assert column_of(values, kinds=kinds).to_pylist() == expected
