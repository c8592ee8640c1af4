import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.core.settings import Columns, CsvSource, ParquetSource
from prefect_mlops.sources.csv_files import read_csv
from prefect_mlops.sources.files import public_url, read_parquet

COLUMNS = Columns(target="y", id="id", categorical=["postcode"])


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


def test_row_numbers_that_pandas_wrote_are_no_column_and_other_nameless_ones_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"Unnamed: 0": [0, 1], "n": [5, 6]}).to_parquet(path)
    assert read_parquet(ParquetSource(path=str(path)), COLUMNS).column_names == ["n"]
    pd.DataFrame({"Unnamed: 0": [7, 3], "n": [5, 6]}).to_parquet(path)
    with pytest.raises(DataRejected, match=r"a\.parquet has a column without a name"):
        read_parquet(ParquetSource(path=str(path)), COLUMNS)
