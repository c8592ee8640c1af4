import gzip
import uuid

import fsspec
import pandas as pd
import pytest
from prefect_mlops.blocks.dataset import CsvSource, ParquetSource
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.core.settings import Columns
from prefect_mlops.tasks.csv_files import read_csv
from prefect_mlops.tasks.files import public_url, read_parquet

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


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceUnavailable, match=r"gone\.csv does not exist"):
        read_csv(CsvSource(path=str(tmp_path / "gone.csv")), COLUMNS)
    with pytest.raises(SourceUnavailable, match=r"no file matches .*\*\.parquet"):
        read_parquet(ParquetSource(path=str(tmp_path / "*.parquet")))
    with pytest.raises(SourceUnavailable, match="is a folder"):
        read_parquet(ParquetSource(path=str(tmp_path)))
    with pytest.raises(ConfigurationError, match="fsspec"):
        read_parquet(ParquetSource(path="nosuchthing://bucket/a.parquet"))


def test_credentials_in_a_url_are_never_shown():
    url = "http://me:hunter2@127.0.0.1:9/a.csv?signature=topsecret"
    assert public_url(url) == "http://127.0.0.1:9/a.csv"
    with pytest.raises((SourceUnavailable, ConfigurationError)) as caught:
        read_csv(CsvSource(path=url), COLUMNS)
    assert "hunter2" not in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_parquet_files_are_read_in_order_of_their_names(tmp_path):
    for name in ("2", "10", "1"):
        pd.DataFrame({"n": [int(name)]}).to_parquet(tmp_path / f"{name}.parquet")
    table = read_parquet(ParquetSource(path=str(tmp_path / "*.parquet")))
    assert table["n"].to_pylist() == [1, 10, 2]


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("n,y\n1,a\n")
    with pytest.raises(SourceUnavailable, match="no readable Parquet"):
        read_parquet(ParquetSource(path=str(tmp_path / "a.parquet")))


def test_row_labels_that_pandas_stored_are_no_column(tmp_path):
    frame = pd.DataFrame({"n": [1, 2, 3]})
    frame[frame["n"] != 2].to_parquet(tmp_path / "a.parquet")
    assert read_parquet(ParquetSource(path=str(tmp_path / "a.parquet"))).column_names == ["n"]


def test_every_digit_of_a_number_counts(tmp_path):
    numbers = [0.1 + 0.2, 1 / 3, 2.2250738585072014e-308, 123456.78901234567]
    text = "n,y\n" + "".join(f"{number!r},a\n" for number in numbers)
    assert read(tmp_path / "a.csv", text)["n"].to_pylist() == numbers
