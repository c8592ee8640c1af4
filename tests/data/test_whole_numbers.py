import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.whole_numbers import loses_digits, whole_array


@given(st.lists(st.one_of(st.none(), st.integers(-(10**76) + 1, 10**76 - 1))))
def test_whole_numbers_of_up_to_76_digits_come_back_as_they_were(values):
    assert whole_array(values).to_pylist() == values


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([2**63 - 1, -(2**63), None], pa.int64()),
        ([2**62 + 1, 2**63 + 1], pa.uint64()),
        ([-1, 2**63], pa.decimal256(76, 0)),
        ([10**76], pa.float64()),
        ([10**400, -(10**400)], pa.float64()),
        ([None], pa.int64()),
    ],
)
def test_the_narrowest_type_that_holds_them_is_taken(values, kind):
    assert whole_array(values).type == kind


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_a_column_that_loses_no_digits_survives_as_floats(values):
    column = pa.chunked_array([pa.array(values, pa.int64())])
    present = [value for value in values if value is not None]
    if not loses_digits(column):
        assert [int(float(value)) for value in present] == present
