import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.number_text import (
    NumberFormat,
    is_foreign_number,
    is_plain_number,
    kind_of,
    numbers_of,
)

MARKS = st.sampled_from([(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", "'")])


@given(st.lists(st.decimals(-(10**12), 10**12, places=3), min_size=1), MARKS)
def test_numbers_are_the_same_in_every_way_of_writing_them(numbers, marks):
    point, thousands = marks
    texts = []
    for number in numbers:
        whole, _, fraction = f"{number:,.3f}".partition(".")
        texts.append(whole.replace(",", thousands or "") + point + fraction)
    column, written = pa.chunked_array([texts]), NumberFormat(point, thousands)
    assert kind_of(column, written) == "number"
    assert numbers_of(column, written).to_pylist() == [float(number) for number in numbers]


@given(st.text())
def test_a_number_is_what_python_reads_as_one(text):
    if is_plain_number(text):
        float(text)
    assert not (is_plain_number(text) and is_foreign_number(text))


@pytest.mark.parametrize("text", ["1_000", "0x1", "\u0663", "1e", ".", "+", "", "1 2", "nan"])
def test_what_other_parsers_would_take_is_no_number(text):
    assert not is_plain_number(text)
    assert kind_of(pa.chunked_array([[text, "word"]]), NumberFormat()) == "text"


@pytest.mark.parametrize(
    "text",
    [
        "0,5",
        "100,000.5",
        "\u20ac 3",
        "12 %",
        "12%",
        "$1,000",
        "1.000,5",
        "1 000",
        "-3,2",
        ",5",
        "3\u20ac",
    ],
)
def test_numbers_with_other_marks_are_recognised(text):
    assert is_foreign_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "a7",
        "18-25",
        "10:30",
        "2026-04-03",
        "1.2.3",
        "192.168.0.1",
        "",
        "\u20ac",
        "1,2,3",
        "yes",
    ],
)
def test_other_text_is_not_taken_for_one(text):
    assert not is_foreign_number(text)
