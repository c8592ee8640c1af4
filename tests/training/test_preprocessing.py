import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.data.schema import conform
from prefect_mlops.training.preprocessing import (
    TREE_CATEGORIES,
    default_preprocessor,
    without_counting,
)
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from skops import io

FEATURE_TYPES = {"age": "number", "vip": "boolean", "job": "category", "at": "datetime"}
STYLES = pytest.mark.parametrize("style", ["trees", "linear"])


def frame(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    raw = pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "vip": rng.random(rows) < 0.5,
            "job": rng.choice(["admin", "student", "retired"], rows),
            "at": pd.date_range("2026-01-01", periods=rows, freq="7h", tz="UTC"),
        }
    )
    return conform(raw, FEATURE_TYPES)[0]


@STYLES
def test_unknown_categories_and_missing_values_pass(style):
    fitted = default_preprocessor(FEATURE_TYPES, style).fit(frame())
    fresh = frame(3, seed=1)
    fresh["job"] = ["astronaut", None, "admin"]
    fresh["age"] = [np.nan, 1e300, -1e300]
    fresh["at"] = [pd.NaT, pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")]
    matrix = fitted.transform(fresh)
    assert not np.isinf(matrix.astype(np.float32)).any()
    assert np.isfinite(matrix).all() or style == "trees"


@STYLES
def test_columns_without_values_and_constant_columns_survive(style):
    rows = frame()
    rows["age"] = np.nan
    rows["vip"] = 1.0
    rows["job"] = pd.Series([None] * len(rows), dtype=object)
    rows["at"] = pd.Series([pd.NaT] * len(rows), dtype="datetime64[ns]")
    fitted = default_preprocessor(FEATURE_TYPES, style).fit(rows)
    width = fitted.transform(rows).shape[1]
    assert fitted.transform(frame()).shape == (60, width)


def test_trees_see_missing_and_unknown_categories_as_missing():
    fitted = default_preprocessor({"job": "category"}).fit(frame())
    fresh = pd.DataFrame({"job": pd.Series(["admin", None, "astronaut"], dtype=object)})
    codes = fitted.transform(fresh)[:, 0]
    assert codes[0] == 0.0
    assert np.isnan(codes[1:]).all()


def test_category_codes_stay_within_what_gradient_boosting_takes():
    names = [f"c{number}" for number in range(1_000)] * 2
    rows = pd.DataFrame({"job": pd.Series(names, dtype=object)})
    codes = default_preprocessor({"job": "category"}).fit_transform(rows)
    assert codes.max() < TREE_CATEGORIES


@pytest.mark.parametrize(
    ("values", "counted"), [(TREE_CATEGORIES - 1, False), (TREE_CATEGORIES, True)]
)
def test_categories_are_counted_only_where_that_changes_a_code(values, counted):
    names = [f"c{number}" for number in range(values - 1)] + [None]
    rows = pd.DataFrame({"job": pd.Series(names * 2, dtype=object)})

    def pipeline():
        return Pipeline([("preprocessor", default_preprocessor({"job": "category"}))])

    model = without_counting(pipeline(), values)
    (encoder,) = [part for _, part, _ in model[0].transformers]
    assert (encoder.max_categories is not None) is counted
    np.testing.assert_array_equal(model.fit_transform(rows), pipeline().fit_transform(rows))


def test_an_encoder_of_ones_own_keeps_its_limit():
    mine = ColumnTransformer([("codes", OrdinalEncoder(max_categories=20), ["zip"])])
    rows = pd.DataFrame({"zip": np.arange(500.0)})
    model = without_counting(Pipeline([("mine", mine)]), 0)
    assert model.fit_transform(rows).max() == 19


def test_category_columns_come_first_for_trees():
    rows = frame()
    matrix = default_preprocessor(FEATURE_TYPES).fit_transform(rows)
    assert set(matrix[:, 0]) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(matrix[:, 1], rows["age"])


def test_a_moment_becomes_days_and_phases():
    rows = pd.DataFrame({"at": pd.to_datetime(["1970-01-08 06:00"]).astype("datetime64[ns]")})
    matrix = default_preprocessor({"at": "datetime"}).fit_transform(rows)
    np.testing.assert_allclose(matrix, [[7.25, 0.25, 0.25, 7.25]])


def test_phases_meet_at_midnight_for_linear_models():
    moments = ["2026-03-01 23:59:59", "2026-03-02 00:00:01", "2026-03-02 12:00:00"]
    rows = pd.DataFrame({"at": pd.to_datetime(moments).astype("datetime64[ns]")})
    day = default_preprocessor({"at": "datetime"}, "linear").fit_transform(rows)[:, 1:3]
    assert np.linalg.norm(day[0] - day[1]) < 0.001
    assert np.linalg.norm(day[0] - day[2]) > 1.9


def test_one_shifted_column_cannot_leave_the_range_of_a_linear_model():
    rows = pd.DataFrame({"age": np.random.default_rng(0).normal(0, 1, 500)})
    fitted = default_preprocessor({"age": "number"}, "linear").fit(rows)
    assert fitted.transform(pd.DataFrame({"age": [1e6]}))[0, 0] == 5.0


@STYLES
def test_it_comes_back_from_skops_the_same_with_known_types_only(style):
    rows = frame()
    fitted = default_preprocessor(FEATURE_TYPES, style).fit(rows)
    content = io.dumps(fitted)
    found = io.get_untrusted_types(data=content)
    assert set(found) <= {"numpy.clip", "numpy.dtype", "operator.methodcaller"}
    again = io.loads(content, trusted=found)
    np.testing.assert_array_equal(again.transform(rows), fitted.transform(rows))


def test_no_feature_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"columns\.features"):
        default_preprocessor({})


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.none() | st.floats(allow_infinity=False),
            st.none() | st.text(max_size=3),
            st.none() | st.booleans(),
        ),
        min_size=2,
        max_size=20,
    ),
    style=st.sampled_from(["trees", "linear"]),
)
def test_any_conformed_frame_becomes_a_matrix_without_infinities(values, style):
    feature_types = {"a": "number", "b": "category", "c": "boolean"}
    raw = pd.DataFrame(values, columns=["a", "b", "c"])
    rows = conform(raw, feature_types)[0]
    matrix = default_preprocessor(feature_types, style).fit_transform(rows)
    assert len(matrix) == len(rows)
    assert not np.isinf(matrix).any()
