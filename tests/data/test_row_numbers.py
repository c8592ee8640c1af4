import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.row_numbers import without_row_numbers


@given(st.integers(0, 50), st.sampled_from([0, 1]))
def test_row_numbers_from_zero_or_one_are_left_out_as_numbers_and_as_text(rows, first):
    numbers = list(range(first, first + rows))
    for values in (pa.array(numbers, pa.int64()), pa.array(map(str, numbers), pa.string())):
        table, dropped = without_row_numbers(pa.table({"Unnamed: 0": values, "x": values}), "a.csv")
        assert (table.column_names, dropped) == (["x"], ["Unnamed: 0"])


@pytest.mark.parametrize("values", [[0, 2], [2, 3], [1, 0], [0, None], [0.5, 1.5], ["a", "b"]])
def test_what_does_not_number_the_rows_is_refused(values):
    table = pa.table({"Unnamed: 0": values})
    with pytest.raises(DataRejected, match=r"a\.csv has a column without a name \('Unnamed: 0'\)"):
        without_row_numbers(table, "a.csv")
    columns = Columns(target="y", ignored=["Unnamed: 0"])
    assert without_row_numbers(table, "a.csv", columns) == (table, [])


def test_a_column_with_a_name_may_number_the_rows():
    table = pa.table({"n": [0, 1]})
    assert without_row_numbers(table, "a.csv") == (table, [])
