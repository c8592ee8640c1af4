"""What callers send is decoded without guessing, and refused with the column's name and no value."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.serving.v2_codec import Tensor, decode_columns


def test_one_input_is_one_column_flat_or_a_list_a_row():
    tensors = [
        Tensor("age", "INT64", [2], [41, None]),
        Tensor("balance", "FP64", [2, 1], [[1.5], [2]]),
        Tensor("happy", "BOOL", [2], [True, False], "np"),
        Tensor("job", "BYTES", [2, 1], ["ärztin", b"\xc3\xa4rztin"], "str"),
    ]
    assert decode_columns(tensors) == {
        "age": [41, None],
        "balance": [1.5, 2],
        "happy": [True, False],
        "job": ["ärztin", "ärztin"],
    }


def test_a_single_element_may_come_without_a_list():
    assert decode_columns([Tensor("age", "INT64", [1], 41)]) == {"age": [41]}


@given(st.lists(st.none() | st.text(), min_size=1), st.sampled_from(["str", "base64", "pd_json"]))
def test_text_survives_every_content_type(values, content_type):
    coded = {
        "str": lambda value: value,
        "base64": lambda value: value and base64.b64encode(value.encode()),
        "pd_json": lambda value: json.dumps(value).encode(),
    }
    clean = [value and value.encode("utf-8", "ignore").decode() for value in values]
    data = [coded[content_type](value) for value in clean]
    if content_type == "base64":
        clean = [value or None if data[row] is None else value for row, value in enumerate(clean)]
        data = [b"" if value == "" else datum for value, datum in zip(clean, data, strict=True)]
    tensor = Tensor("c", "BYTES", [len(data)], data, content_type)
    assert decode_columns([tensor]) == {"c": clean}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ([], "no inputs"),
        ([Tensor("a", "FP64", [1], [1]), Tensor("a", "FP64", [1], [2])], "'a' is sent twice"),
        ([Tensor("a", "FP64", [0], [])], "'a' has no rows"),
        (
            [Tensor("a", "FP64", [2], [1, 2]), Tensor("b", "FP64", [1], [1])],
            "'b' has 1 rows.*'a' has 2",
        ),
        ([Tensor("a", "FP64", [3], [1, 2])], r"'a' has shape \[3\], but 2 elements"),
        ([Tensor("a", "FP64", [1, 2], [[1, 2]])], r"one input a column"),
        ([Tensor("a", "FP64", [], [])], "one input a column"),
        ([Tensor("a", "FP64", [2], [1, "x"])], "'a' is FP64, but row 1 is text"),
        ([Tensor("a", "FP64", [1], [True])], "row 0 is a boolean"),
        ([Tensor("a", "INT64", [1], [1.5])], "'a' is INT64, but row 0 is a number"),
        ([Tensor("a", "BOOL", [1], [1])], "'a' is BOOL, but row 0 is a number"),
        ([Tensor("a", "COMPLEX", [1], [1])], "datatype 'COMPLEX'"),
        ([Tensor("a", "BYTES", [1], [7])], "row 0 is no UTF-8 text"),
        ([Tensor("a", "BYTES", [1], [b"\xff"])], "row 0 is no UTF-8 text"),
        ([Tensor("a", "BYTES", [1], ["\ud800"])], "row 0 is no UTF-8 text"),
        ([Tensor("a", "BYTES", [1], ["?"], "base64")], "row 0 is no base64"),
        ([Tensor("a", "BYTES", [1], ["{"], "pd_json")], "row 0 is no JSON"),
        ([Tensor("a", "BYTES", [1], ["[" * 100_000], "pd_json")], "row 0 is no JSON"),
        ([Tensor("a", "BYTES", [1], ["x"], "hex")], "content type 'hex'"),
    ],
)
def test_what_is_no_column_is_refused(tensors, message):
    with pytest.raises(DataRejected, match=message):
        decode_columns(tensors)


def test_a_message_quotes_no_value():
    with pytest.raises(DataRejected) as caught:
        decode_columns([Tensor("a", "FP64", [1], ["4111-1111"])])
    assert "4111" not in str(caught.value)
    assert caught.value.column == "a"
