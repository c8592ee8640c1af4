import csv
import gzip
import io
import logging
import uuid

import fsspec
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.core.settings import Columns, CsvSource
from prefect_mlops.sources.csv_files import read_csv
from pydantic import ValidationError

COLUMNS = Columns(target="y", id="id", categorical=["postcode"])


def read(path, text, **settings):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(CsvSource(path=str(path), **settings), COLUMNS)


def test_ids_and_declared_categories_keep_their_zeros(tmp_path):
    table = read(tmp_path / "a.csv", "id,postcode,n,y\n007,01234,1,no\n")
    assert table.to_pylist() == [{"id": "007", "postcode": "01234", "n": 1, "y": "no"}]


def test_several_files_are_read_in_order_of_their_names(tmp_path):
    for name in ("b", "c", "a"):
        (tmp_path / f"{name}.csv").write_text(f"n,y\n1,{name}\n")
    table = read_csv(CsvSource(path=str(tmp_path / "*.csv")), COLUMNS)
    assert table["y"].to_pylist() == ["a", "b", "c"]


def test_a_type_that_widens_from_file_to_file_is_followed(tmp_path):
    (tmp_path / "a.csv").write_text("n,y\n1,a\n")
    (tmp_path / "b.csv").write_text("y,n\nb,1.5\n")
    table = read_csv(CsvSource(path=str(tmp_path / "*.csv")), COLUMNS)
    assert table.to_pylist() == [{"n": 1.0, "y": "a"}, {"n": 1.5, "y": "b"}]


def test_files_with_different_columns_or_types_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("n,y\n1,a\n")
    (tmp_path / "b.csv").write_text("m,y\n1,a\n")
    with pytest.raises(DataRejected, match=r"differ in columns \['m', 'n'\]"):
        read_csv(CsvSource(path=str(tmp_path / "*.csv")), COLUMNS)
    (tmp_path / "b.csv").write_text("n,y\nmany,a\n")
    with pytest.raises(DataRejected, match="different types"):
        read_csv(CsvSource(path=str(tmp_path / "*.csv")), COLUMNS)


def test_a_file_behind_a_url_and_a_compressed_one_are_read(tmp_path):
    url = f"memory://{uuid.uuid4().hex}/a.csv"
    with fsspec.open(url, "w") as file:
        file.write("n,y\n1,a\n")
    assert read_csv(CsvSource(path=url), COLUMNS).num_rows == 1
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"n,y\n1,a\n"))
    assert read_csv(CsvSource(path=str(tmp_path / "a.csv.gz")), COLUMNS).num_rows == 1


def test_a_name_that_looks_like_a_glob_is_a_file_when_it_exists(tmp_path):
    assert read(tmp_path / "calls[1].csv", "n,y\n1,a\n").num_rows == 1


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert read(tmp_path / "a.csv", "\ufeffn,y\n1,a\n").column_names == ["n", "y"]


def test_other_encodings_are_read_when_named_and_suggested_when_not(tmp_path):
    text = "n,y\n1,São\n".encode("latin-1")
    table = read(tmp_path / "a.csv", text, encoding="latin-1")
    assert table["y"].to_pylist() == ["São"]
    with pytest.raises(SourceUnavailable, match="latin-1"):
        read(tmp_path / "a.csv", text)
    with pytest.raises(ConfigurationError, match="klingon"):
        read(tmp_path / "a.csv", text, encoding="klingon")


@pytest.mark.parametrize("right", [";", "\t", "|", ","])
def test_a_wrong_separator_is_recognised(tmp_path, right):
    text = "\n".join(right.join(row) for row in (["n", "m", "y"], *[["1", "2", "no"]] * 5))
    assert read(tmp_path / "a.csv", text, separator=right).num_columns == 3
    with pytest.raises(DataRejected, match="probably separated by") as caught:
        read(tmp_path / "a.csv", text, separator=";" if right == "," else ",")
    assert repr(right) in str(caught.value)


def test_repeated_columns_are_refused_instead_of_renamed(tmp_path):
    with pytest.raises(DataRejected, match=r"\['n'\] appear more than once"):
        read(tmp_path / "a.csv", "n,n,y\n1,2,a\n")
    # A column that only looks like a renamed one is fine.
    assert read(tmp_path / "a.csv", "n,n.1,y\n1,2,a\n").column_names == ["n", "n.1", "y"]


@pytest.mark.parametrize("text", ["n,y\n1,a,9\n2,b,9\n", "n,y\n1,a\n2,b,9\n"])
def test_rows_longer_than_the_header_lose_nothing_silently(tmp_path, text):
    with pytest.raises(DataRejected, match="do not fit its header"):
        read(tmp_path / "a.csv", text)


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(DataRejected, match="is empty"):
        read(tmp_path / "a.csv", "")


def test_every_digit_of_a_number_counts(tmp_path):
    numbers = [0.1 + 0.2, 1 / 3, 2.2250738585072014e-308, 123456.78901234567]
    text = "n,y\n" + "".join(f"{number!r},a\n" for number in numbers)
    assert read(tmp_path / "a.csv", text)["n"].to_pylist() == numbers


def column(path, values, name="n", **settings):
    """A column of these fields, and what it was read as."""
    lines = io.StringIO()
    csv.writer(lines).writerows([[name, "y"], *([value, "no"] for value in values)])
    return read(path / "a.csv", lines.getvalue(), **settings)[name]


@pytest.mark.parametrize("word", ["NA", "None", "null", "NaN", "n/a", "N/A", "nan"])
@pytest.mark.parametrize("name", ["country", "postcode", "id", "y"])
def test_words_are_values_of_text_and_only_an_empty_field_is_null(tmp_path, word, name):
    text = f"{name},n\n{word},1\nPT,2\n,3\n"
    assert read(tmp_path / "a.csv", text)[name].to_pylist() == [word, "PT", None]


def test_words_that_stand_for_nothing_can_be_named(tmp_path):
    found = column(tmp_path, ["?", "unknown", "PT"], null_words=["?", "unknown"])
    assert found.to_pylist() == [None, None, "PT"]
    assert column(tmp_path, ["?", "3"], null_words=["?"]).to_pylist() == [None, 3]


def test_the_usual_words_are_missing_numbers_and_booleans(tmp_path):
    assert column(tmp_path, ["1.5", "NA", "None", ""]).to_pylist() == [1.5, None, None, None]
    assert column(tmp_path, ["7", "null"]).to_pylist() == [7, None]
    assert column(tmp_path, ["true", "NA", "False"]).to_pylist() == [True, None, False]


def test_fields_of_spaces_are_empty_and_spaces_around_values_go(tmp_path):
    assert column(tmp_path, ["1", "  ", " 2 ", "\t"]).to_pylist() == [1, None, 2, None]
    assert column(tmp_path, [" <=50K", ">50K ", " "]).to_pylist() == ["<=50K", ">50K", None]


@pytest.mark.parametrize(
    "values", [["01000", "12345"], ["007", ""], ["01", "02"], ["00", "1"], ["1.5", "01.5"]]
)
def test_a_column_with_a_leading_zero_is_text(tmp_path, values):
    for name in ("n", "y"):
        text = f"{name},other\n" + "".join(f"{value},1\n" for value in values)
        found = read(tmp_path / "a.csv", text)[name].to_pylist()
        assert found == [value or None for value in values]


@pytest.mark.parametrize("values", [["0", "0.5", "-0.5", "0e3"], ["0", "-0", "10"], ["0."]])
def test_a_zero_before_a_point_is_no_leading_zero(tmp_path, values):
    assert column(tmp_path, values).to_pylist() == [float(value) for value in values]


def test_codes_and_numbers_of_several_files_are_codes(tmp_path):
    (tmp_path / "a.csv").write_text("n,y\n01000,a\n")
    (tmp_path / "b.csv").write_text("n,y\n12345,a\n")
    (tmp_path / "c.csv").write_text("n,y\nNA,a\n")
    table = read_csv(CsvSource(path=str(tmp_path / "*.csv")), COLUMNS)
    assert table["n"].to_pylist() == ["01000", "12345", "NA"]


def test_other_marks_of_numbers_are_read_when_named(tmp_path):
    for values, marks, expected in [
        (["0,5", "-3,25", "7"], {"decimal": ","}, [0.5, -3.25, 7.0]),
        (["100,000.5", "1,000,000", "7"], {"thousands": ","}, [100000.5, 1e6, 7.0]),
        (["1.000", "12.345"], {"decimal": ",", "thousands": "."}, [1000, 12345]),
        (["1\u202f000", "2 000", "3\u00a0000"], {"thousands": " "}, [1000, 2000, 3000]),
    ]:
        assert column(tmp_path, values, **marks).to_pylist() == expected
    # With a decimal comma, a point is no part of a number.
    assert column(tmp_path, ["1.5", "2"], decimal=",").to_pylist() == ["1.5", "2"]
    # Thousands come in threes.
    assert column(tmp_path, ["1,5", "2"], thousands=",").to_pylist() == ["1,5", "2"]
    with pytest.raises(ValidationError, match="decimal and thousands are both ','"):
        CsvSource(path="a.csv", decimal=",", thousands=",")


@given(numbers=st.lists(st.one_of(st.none(), st.integers()), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whole_numbers_stay_whole_beside_nulls(tmp_path, numbers):
    read_ = column(tmp_path, ["" if number is None else str(number) for number in numbers])
    if any(number is not None for number in numbers):
        assert read_.to_pylist() == numbers


@given(numbers=st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_float_is_read_to_its_last_digit(tmp_path, numbers):
    fields = ["" if number is None else repr(number) for number in numbers]
    assert column(tmp_path, fields).to_pylist() == numbers


@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=2, max_size=2
        ),
        min_size=1,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_comes_back_without_the_spaces_around_it(tmp_path, rows):
    # Arrow and Python differ in which characters are spaces at the ends.
    trim = pa.compute.utf8_trim_whitespace
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([["postcode", "id"], *rows])
    table = read(tmp_path / "a.csv", lines.getvalue())
    for position, name in enumerate(["postcode", "id"]):
        expected = [trim(pa.scalar(row[position])).as_py() or None for row in rows]
        assert table[name].to_pylist() == expected


def test_a_row_number_without_a_name_is_left_out_and_said(tmp_path, caplog):
    frame = pd.DataFrame({"rid": ["a", "b"], "x": [1.5, 2.5], "y": ["no", "yes"]})
    frame.to_csv(tmp_path / "a.csv")
    with caplog.at_level(logging.INFO):
        table = read_csv(CsvSource(path=str(tmp_path / "a.csv")), COLUMNS)
    assert table.column_names == ["rid", "x", "y"]
    assert "columns ['Unnamed: 0'] only number the rows, left out" in caplog.text
    # Written, read and written again, it has pandas' name for it.
    pd.read_csv(tmp_path / "a.csv").to_csv(tmp_path / "a.csv", index=False)
    table = read_csv(CsvSource(path=str(tmp_path / "a.csv")), COLUMNS)
    assert table.column_names == ["rid", "x", "y"]
    from_one = read(tmp_path / "a.csv", ",x,y\n1,5,a\n2,6,b\n")
    assert from_one.column_names == ["x", "y"]


@pytest.mark.parametrize("labels", [["4", "2"], ["0", "0"], ["1", "3"], ["a", "b"], ["0", ""]])
def test_another_column_without_a_name_is_refused_unless_it_has_a_role(tmp_path, labels):
    text = ",x,y\n" + "".join(f"{label},1,a\n" for label in labels)
    with pytest.raises(DataRejected, match="a column without a name") as caught:
        read(tmp_path / "a.csv", text)
    assert caught.value.column == "Unnamed: 0"
    assert "index=False" in str(caught.value)
    for roles in ({"ignored": ["Unnamed: 0"]}, {"features": ["x"]}, {"id": "Unnamed: 0"}):
        source = CsvSource(path=str(tmp_path / "a.csv"))
        assert read_csv(source, Columns(target="y", **roles)).num_rows == 2


def test_an_empty_column_after_the_last_separator_is_left_out(tmp_path):
    assert read(tmp_path / "a.csv", "n,y,\n1,a,\n2,b,\n").column_names == ["n", "y"]


@pytest.mark.parametrize(
    "above",
    [
        "\n\n",
        "  \n\t\n",
        "# exported on 2026-04-03\n",
        "\n# by me, and you, and them\n#\n\n",
        "\r\n",
    ],
)
def test_empty_lines_and_comments_above_the_header_are_left_out(tmp_path, above):
    table = read(tmp_path / "a.csv", f"{above}n,y\n1,a\n\n2,b\n")
    assert table.to_pylist() == [{"n": 1, "y": "a"}, {"n": 2, "y": "b"}]


def test_a_comment_as_wide_as_the_header_is_told_from_it_by_the_roles(tmp_path):
    table = read(tmp_path / "a.csv", "# by me, and you\nn,y\n1,a\n")
    assert table.to_pylist() == [{"n": 1, "y": "a"}]


def test_the_separator_that_a_spreadsheet_names_is_no_header(tmp_path):
    text = "sep=;\nn;y\n1;a\n"
    assert read(tmp_path / "a.csv", text, separator=";").to_pylist() == [{"n": 1, "y": "a"}]
    with pytest.raises(DataRejected, match="probably separated by ';'"):
        read(tmp_path / "a.csv", text)


def test_a_header_may_begin_with_the_sign_of_a_comment(tmp_path):
    assert read(tmp_path / "a.csv", "#n,y\n1,a\n").column_names == ["#n", "y"]


def test_lines_above_the_header_can_be_left_out_by_number(tmp_path):
    text = "Calls of March\nn,y\n1,a\n2,b\n"
    with pytest.raises(
        DataRejected, match=r"begins with a line of one value, 'Calls of March', above"
    ):
        read(tmp_path / "a.csv", text)
    assert read(tmp_path / "a.csv", text, skip_lines=1).num_rows == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("# only a comment\n", "has no header below its first 1 lines"),
        ("words\nmore words\n", "expected a header of several; set dataset.source.separator"),
        ("n,y\n1,a\n# the end\n", "line 3 has 1 values for 2 columns, '# the end'"),
        ("\n# by me\nn,y\n1,a\n2\n", "line 5 has 1 values for 2 columns, '2'"),
        ('n,y\n1,"a\n2,b\n', "do not fit its header: line 3: unexpected end of data"),
    ],
)
def test_what_is_said_fits_what_is_there(tmp_path, text, complaint):
    with pytest.raises(DataRejected, match=r"a\.csv") as caught:
        read(tmp_path / "a.csv", text)
    assert complaint in str(caught.value)
    assert "probably separated by ','" not in str(caught.value)


def test_a_quoted_header_may_go_over_lines(tmp_path):
    table = read(tmp_path / "a.csv", '"n\n(each)",y\n1,"a\nb"\n')
    assert table.to_pylist() == [{"n\n(each)": 1, "y": "a\nb"}]


def test_more_rows_than_are_read_at_once_keep_their_order(tmp_path):
    found = column(tmp_path, [str(number) for number in range(45_000)])
    assert found.to_pylist() == list(range(45_000))
