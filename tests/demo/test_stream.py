"""The stream: schema, drift, staleness, reading the published file, and the clock."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.demo.published import CATEGORIES, COLUMNS, NUMBERS, WHOLE_NUMBERS
from prefect_mlops.demo.stream import LAST_MOMENT, generate, load_csv, with_ids_and_times

PUBLISHED = Path(__file__).parents[3] / "shared/data/bank-marketing/bank-additional-full.csv"


@pytest.fixture(scope="module")
def stream() -> pd.DataFrame:
    return generate()


def positive_rate(rows: pd.DataFrame) -> float:
    return float((rows["y"] == "yes").mean())


def write(frame: pd.DataFrame, path: Path, separator: str = ";") -> Path:
    frame.to_csv(path, sep=separator, index=False)
    return path


def test_generated_columns_and_values_are_the_documented_ones(stream: pd.DataFrame) -> None:
    assert stream.shape == (41_188, 21)
    assert tuple(stream.columns) == COLUMNS
    assert not stream.isna().any().any()
    for column, known in CATEGORIES.items():
        assert set(stream[column]) <= set(known), column
    for column in NUMBERS:
        assert (stream[column].dtype.kind == "i") == (column in WHOLE_NUMBERS), column
    assert stream["age"].between(17, 98).all()
    assert stream["duration"].between(0, 4_918).all()
    for column in ("job", "marital", "education", "default", "housing", "loan"):
        assert (stream[column] == "unknown").any(), column


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    pd.testing.assert_frame_equal(generate(500, seed=3), generate(500, seed=3))
    assert not generate(500, seed=3).equals(generate(500, seed=4))


def test_economy_and_positive_rate_move_through_plateau_crash_and_recovery(
    stream: pd.DataFrame,
) -> None:
    assert positive_rate(stream[:8_000]) < 0.05
    assert 0.04 < positive_rate(stream[16_000:24_000]) < 0.08
    assert 0.3 < positive_rate(stream[36_000:38_000]) < 0.5
    assert 0.45 < positive_rate(stream[39_000:]) < 0.56
    assert stream["euribor3m"][:20_000].min() > 4.8
    assert stream["euribor3m"][28_000:].max() < 1.6
    lowest = stream["euribor3m"].idxmin()
    assert 38_000 < lowest < 40_000
    assert stream["euribor3m"].iloc[-1] > stream["euribor3m"].iloc[lowest] + 0.3
    assert (stream["contact"][:10_000] == "telephone").all()
    assert (stream["contact"][20_000:] == "cellular").mean() > 0.85
    assert stream["nr.employed"].iloc[-1] < stream["nr.employed"].iloc[0]


def test_previous_contacts_are_constant_in_history_and_informative_later(
    stream: pd.DataFrame,
) -> None:
    history = stream[:20_000]
    assert set(history["pdays"]) == {999}
    assert set(history["previous"]) == {0}
    assert set(history["poutcome"]) == {"nonexistent"}
    late = stream[36_000:]
    rate = {name: positive_rate(rows) for name, rows in late.groupby("poutcome")}
    assert rate["success"] > rate["nonexistent"] + 0.2
    assert ((late["previous"] == 0) == (late["poutcome"] == "nonexistent")).all()
    assert (late.loc[late["poutcome"] == "success", "pdays"] < 999).all()


def test_duration_tells_the_label_so_it_must_be_ignored(stream: pd.DataFrame) -> None:
    median = stream.groupby("y")["duration"].median()
    assert median["yes"] > 2 * median["no"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_model_trained_once_goes_stale_and_retraining_helps(seed: int) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import log_loss

    stream = generate(seed=seed)
    features = stream.drop(columns=["y", "duration"])
    features = features.astype({n: "category" for n in features if features[n].dtype == object})
    labels = (stream["y"] == "yes").to_numpy()

    def fit(end: int) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            categorical_features="from_dtype", random_state=0, max_iter=50
        ).fit(features[:end], labels[:end])

    first = fit(20_000)
    never, always = [], []
    for start in range(20_000, len(stream), 4_000):
        window = features[start : start + 4_000]
        never.append(first.predict_proba(window)[:, 1])
        always.append(fit(start).predict_proba(window)[:, 1])
    served = labels[20_000:]
    lost = log_loss(served, np.concatenate(never)) - log_loss(served, np.concatenate(always))
    assert lost > 0.08


@given(rows=st.integers(100, 3_000), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_every_length_has_its_rows_and_a_quiet_history(rows: int, seed: int) -> None:
    stream = generate(rows, seed)
    assert len(stream) == rows
    assert list(stream.index) == list(range(rows))
    assert (stream["pdays"][: int(rows * 20_000 / 41_188)] == 999).all()


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least 100"):
        generate(rows=99)


def test_generated_rows_survive_the_published_format(tmp_path: Path) -> None:
    stream = generate(500)
    pd.testing.assert_frame_equal(load_csv(write(stream, tmp_path / "bank.csv")), stream)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published table is not on this machine")
def test_the_published_table_loads_whole() -> None:
    table = load_csv(PUBLISHED)
    assert table.shape == (41_188, 21)
    assert tuple(table.columns) == COLUMNS
    assert positive_rate(table) == pytest.approx(0.1127, abs=1e-3)


def test_missing_file_is_unavailable_and_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"bank-additional-full\.csv"):
        load_csv(tmp_path / "absent.csv")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x9f;\x80\n"])
def test_files_that_are_no_table_are_unavailable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(SourceUnavailable):
        load_csv(path)


def test_wrong_separator_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataRejected, match="separates fields by ';'"):
        load_csv(write(generate(100), tmp_path / "bank.csv", ","))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    lacking = generate(100).drop(columns=["euribor3m", "poutcome"])
    with pytest.raises(DataRejected, match="lacks the columns poutcome, euribor3m") as caught:
        load_csv(write(lacking, tmp_path / "bank.csv"))
    assert caught.value.column == "poutcome"


def test_the_older_table_is_recognised(tmp_path: Path) -> None:
    older = generate(100).drop(columns=["euribor3m", "nr.employed"]).assign(balance=1)
    with pytest.raises(DataRejected, match=r"older bank-full\.csv"):
        load_csv(write(older, tmp_path / "bank.csv"))


def test_unknown_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRejected, match="does not have: leak"):
        load_csv(write(generate(100).assign(leak=1), tmp_path / "bank.csv"))


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRejected, match="no rows"):
        load_csv(write(generate(100)[:0], tmp_path / "bank.csv"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("age", "forty"), ("age", "40.5"), ("euribor3m", ""), ("euribor3m", "inf"),
        ("nr.employed", "5.191,0"), ("y", "maybe"), ("job", ""), ("month", "May"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_column_and_row(
    tmp_path: Path, column: str, value: str
) -> None:
    stream = generate(100).astype(object)
    stream.loc[41, column] = value
    with pytest.raises(DataRejected, match="data row 42") as caught:
        load_csv(write(stream, tmp_path / "bank.csv"))
    assert caught.value.column == column
    assert repr(value) in str(caught.value)


@given(rows=st.integers(1, 500))
@settings(max_examples=20, deadline=None)
def test_the_clock_is_unique_increasing_and_inside_the_campaigns(rows: int) -> None:
    clocked = with_ids_and_times(pd.DataFrame({"y": ["no"] * rows}, index=[7] * rows))
    assert clocked["call_id"].is_unique
    assert clocked["call_id"].iloc[0] == "c-000000"
    moments = clocked["called_at"]
    assert str(moments.dt.tz) == "UTC"
    assert (moments.diff().dropna() > pd.Timedelta(0)).all()
    assert moments.iloc[0] == pd.Timestamp("2008-05-01", tz="UTC")
    assert moments.iloc[-1] <= LAST_MOMENT


def test_the_clock_spans_the_campaigns_and_renames_nothing(stream: pd.DataFrame) -> None:
    clocked = with_ids_and_times(stream)
    assert tuple(clocked.columns) == ("call_id", "called_at", *COLUMNS)
    assert LAST_MOMENT - clocked["called_at"].iloc[-1] < pd.Timedelta(days=1)
    pd.testing.assert_frame_equal(clocked[list(COLUMNS)], stream)
    assert "call_id" not in stream


def test_a_second_clock_is_refused() -> None:
    with pytest.raises(DataRejected, match="'call_id' already"):
        with_ids_and_times(with_ids_and_times(generate(100)))
