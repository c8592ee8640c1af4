from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.data.schema import conform, infer_feature_types

DTYPES = {
    "number": "float64",
    "boolean": "float64",
    "category": "object",
    "datetime": "datetime64[ns]",
}
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["1", "1.0", " 7 ", "1e400", "true", "no", "2026-01-01", "9999-12-31T00:00Z"]),
    st.datetimes(),
    st.dates(),
    st.decimals(allow_nan=False),
    st.just(Decimal("NaN")),
)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        ([1.5, None], "number"),
        ([Decimal("1.5"), None], "number"),
        ([1, 2.5, None], "number"),
        ([True, False], "boolean"),
        ([True, None], "boolean"),
        (["a", None], "category"),
        (["1", "2"], "category"),
        ([None, None], "number"),
        ([], "number"),
        ([datetime(2026, 1, 1, tzinfo=UTC)], "datetime"),
        ([datetime(2026, 1, 1), None], "datetime"),
        ([date(2026, 1, 1)], "datetime"),
        (pd.Series(["a", "b"], dtype="category"), "category"),
        (pd.Series([1, 2], dtype="category"), "category"),
        (pd.Series([1, None], dtype="Int64"), "number"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series(["a", None], dtype="string"), "category"),
    ],
)
def test_kinds_follow_the_values(values, kind):
    assert infer_feature_types(pd.DataFrame({"c": values}), ["c"]) == {"c": kind}


def test_a_column_listed_as_categorical_is_one_whatever_it_holds():
    assert infer_feature_types(pd.DataFrame({"c": [1, 2]}), ["c"], ["c"]) == {"c": "category"}


@pytest.mark.parametrize("values", [[1, "a"], [[1], [2]], [{"a": 1}], [True, "yes"], [b"x"]])
def test_values_no_model_takes_are_refused_by_name(values):
    with pytest.raises(DataRejected, match="'c'") as caught:
        infer_feature_types(pd.DataFrame({"c": pd.Series(values, dtype=object)}), ["c"])
    assert caught.value.column == "c"


def test_a_missing_column_is_refused_by_name():
    with pytest.raises(DataRejected, match="'gone' is missing"):
        infer_feature_types(pd.DataFrame({"c": [1]}), ["gone"])
    with pytest.raises(DataRejected, match="'gone' is missing"):
        conform(pd.DataFrame({"c": [1]}), {"gone": "number"})


def test_a_column_there_twice_is_refused():
    frame = pd.DataFrame([[1, 2]], columns=["c", "c"])
    with pytest.raises(DataRejected, match="there 2 times"):
        conform(frame, {"c": "number"})


@given(st.lists(ANYTHING, max_size=8), st.sampled_from(sorted(DTYPES)))
@settings(max_examples=200)
def test_conforming_keeps_rows_gives_the_promised_dtype_and_changes_nothing_twice(values, kind):
    frame = pd.DataFrame({"c": pd.Series(values, dtype=object)}, index=range(5, 5 + len(values)))
    once, report = conform(frame, {"c": kind})
    assert len(once) == len(values)
    assert str(once["c"].dtype) == DTYPES[kind]
    twice, again = conform(once, {"c": kind})
    pd.testing.assert_frame_equal(once, twice)
    assert again.unreadable == {}
    assert again.infinite == {}
    lost = int((once["c"].isna() & frame["c"].notna().to_numpy()).sum())
    assert lost == report.unreadable.get("c", 0) + report.infinite.get("c", 0)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=8))
def test_integers_that_became_text_or_floats_are_the_same_numbers(values):
    plain, _ = conform(pd.DataFrame({"c": values}), {"c": "number"})
    text, _ = conform(pd.DataFrame({"c": [str(v) for v in values]}), {"c": "number"})
    floats, _ = conform(pd.DataFrame({"c": [float(v) for v in values]}), {"c": "number"})
    pd.testing.assert_frame_equal(plain, text)
    pd.testing.assert_frame_equal(plain, floats)


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, None],
        [1.0, 0.0, np.nan],
        [True, False, None],
        ["true", "False", None],
        ["1", "0", ""],
    ],
)
def test_booleans_are_recognised_however_they_were_sent(values):
    rows, _ = conform(pd.DataFrame({"c": pd.Series(values, dtype=object)}), {"c": "boolean"})
    assert rows["c"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(rows["c"].iloc[2])


def test_a_null_elsewhere_does_not_rename_a_category():
    whole, _ = conform(pd.DataFrame({"c": [1, 2]}), {"c": "category"})
    floats, _ = conform(pd.DataFrame({"c": [1.0, None]}), {"c": "category"})
    assert whole["c"].tolist() == ["1", "2"]
    assert floats["c"].tolist() == ["1", None]


def test_an_infinite_category_is_text_like_any_other():
    rows, _ = conform(pd.DataFrame({"c": [np.inf, 1.0]}), {"c": "category"})
    assert rows["c"].tolist() == ["inf", "1"]


def test_what_was_changed_is_counted():
    frame = pd.DataFrame({"n": ["1", "x", None], "i": [1.0, np.inf, -np.inf], "extra": 0})
    rows, report = conform(frame, {"i": "number", "n": "number"})
    assert list(rows) == ["i", "n"]
    assert report.unreadable == {"n": 1}
    assert report.infinite == {"i": 2}
    assert report.extra == ["extra"]


def test_moments_are_compared_in_utc():
    zoned = pd.DataFrame({"t": ["2026-01-01T02:00:00+02:00", "2026-01-01 00:00:00"]})
    rows, _ = conform(zoned, {"t": "datetime"})
    assert rows["t"].tolist() == [pd.Timestamp("2026-01-01")] * 2


def test_no_rows_conform_too():
    rows, report = conform(pd.DataFrame({"a": [], "b": []}), {"b": "category", "a": "number"})
    assert list(rows) == ["b", "a"]
    assert report.unreadable == {}


def test_spaces_around_a_category_are_no_part_of_it():
    rows, _ = conform(pd.DataFrame({"c": [" <=50K", "<=50K ", "<=50K"]}), {"c": "category"})
    assert rows["c"].unique().tolist() == ["<=50K"]


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 + 1, 2**80 + 1, Decimal(2**80 + 1)])
def test_a_category_keeps_every_digit(value):
    frame = pd.DataFrame({"c": pd.Series([value, None], dtype=object)})
    assert conform(frame, {"c": "category"})[0]["c"].tolist() == [str(int(value)), None]


@pytest.mark.parametrize(
    "values",
    [
        np.array(["2026-04-03", "9999-12-31"], "datetime64[us]"),
        [datetime(2026, 4, 3), datetime(9999, 12, 31)],
        ["2026-04-03", "9999-12-31"],
        ["2026-04-03", "03/04/2026"],
        ["2026-04-03", 20260403],
    ],
)
def test_a_datetime_that_cannot_be_read_or_held_is_counted(values):
    rows, report = conform(pd.DataFrame({"t": values}), {"t": "datetime"})
    assert rows["t"].tolist() == [pd.Timestamp("2026-04-03"), pd.NaT]
    assert report.unreadable == {"t": 1}


def test_a_number_is_no_datetime():
    assert conform(pd.DataFrame({"t": [20260403]}), {"t": "datetime"})[1].unreadable == {"t": 1}
