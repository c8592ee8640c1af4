import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.expectations import describe, infer_suite


def infer(known, rows=None, task="binary", **roles):
    columns = Columns(target="y", **roles)
    frame = known.assign(y=["no", "yes"] * (len(known) // 2)) if "y" not in known else known
    reference = None if rows is None else frame
    suite = infer_suite(
        "s", frame if rows is None else rows, reference, columns=columns, task=task, minimum_rows=10
    )
    return suite["expectations"]


def wants(expectations, kind, column=None):
    found = [
        e["kwargs"]
        for e in expectations
        if e["type"] == f"expect_{kind}" and e["kwargs"].get("column") == column
    ]
    assert len(found) <= 1
    return found[0] if found else None


def bounds(values, kind="column_values_to_be_between"):
    found = wants(infer(pd.DataFrame({"x": values})), kind, "x")
    return found["min_value"], found["max_value"]


def test_a_range_is_widened_by_its_largest_magnitude():
    assert bounds(np.arange(20, 60)) == (20 - 59, 59 + 59)
    assert bounds(np.linspace(4.855, 4.97, 40)) == (-0.115, 9.94)


def test_a_range_of_few_values_is_widened_more():
    low, high = bounds([1.1, 1.4] * 20)
    assert low < -3.4
    assert high < 999


def test_a_range_with_a_heavy_tail_is_widened_more():
    values = np.r_[np.linspace(0, 1, 398), 500.0, 1000.0]
    assert bounds(values)[1] == 11_000


@pytest.mark.parametrize("values", [[0.0] * 40, [np.inf] * 40])
def test_a_range_nothing_is_known_of_asks_for_finite_numbers_only(values):
    low, high = bounds(values)
    assert low == -high == -np.finfo(float).max


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30).map(
        lambda values: values * 2
    )
)
@settings(max_examples=60)
def test_the_rows_a_range_was_inferred_from_are_within_it_and_it_is_json(values):
    low, high = bounds(values)
    assert low <= min(values) <= max(values) <= high
    json.dumps([low, high], allow_nan=False)


@pytest.mark.parametrize(
    ("nulls", "mostly"), [(0, 0.6), (2, 0.6), (8, 0.5), (20, 0.25), (38, 0.025), (39, 0.0125)]
)
def test_more_nulls_than_known_are_allowed_and_never_only_nulls(nulls, mostly):
    values = pd.Series([None] * nulls + [1.0] * (40 - nulls))
    found = wants(infer(pd.DataFrame({"x": values})), "column_values_to_not_be_null", "x")
    assert found["mostly"] == pytest.approx(mostly, abs=1e-4)


def test_categories_may_be_new_in_half_of_the_rows():
    expectations = infer(pd.DataFrame({"x": ["b", "a", None, "a"] * 10}))
    found = wants(expectations, "column_values_to_be_in_set", "x")
    assert found == {"column": "x", "value_set": ["a", "b"], "mostly": 0.5}
    assert wants(expectations, "column_values_to_be_in_type_list", "x")["type_list"] == ["str"]


@pytest.mark.parametrize("values", [["only"] * 400, [f"street {i}" for i in range(400)]])
def test_one_category_and_very_many_say_nothing_about_others(values):
    expectations = infer(pd.DataFrame({"x": values}))
    assert wants(expectations, "column_values_to_be_in_set", "x") is None


def moved_bounds(**how):
    known = pd.DataFrame({"x": np.arange(100.0), "y": ["no", "yes"] * 50})
    suite = infer_suite(
        "s", known, known, columns=Columns(target="y"), task="binary", minimum_rows=10, **how
    )
    found = wants(suite["expectations"], "column_values_to_be_between", "x")
    return found["min_value"], found["max_value"]


def test_what_moved_is_within_a_range_that_stays_tight_on_the_other_side():
    low, high = moved_bounds(moved={"x": pd.Series([500.0, 900.0])})
    assert low == -99
    assert 900 < high < 920


def test_what_only_rises_has_no_range():
    low, high = moved_bounds(rising=["x"])
    assert low == -high == -np.finfo(float).max


def test_categories_that_moved_are_known():
    known = pd.DataFrame({"x": ["may", "june"] * 20, "y": ["no", "yes"] * 20})
    suite = infer_suite(
        "s", known, known, columns=Columns(target="y"), task="binary", minimum_rows=10,
        moved={"x": pd.Series(["july"])},
    )  # fmt: skip
    found = wants(suite["expectations"], "column_values_to_be_in_set", "x")
    assert found["value_set"] == ["july", "june", "may"]


def test_numbers_declared_as_categories_have_a_set_and_no_range():
    expectations = infer(pd.DataFrame({"x": [1, 2] * 20}), categorical=["x"])
    assert wants(expectations, "column_values_to_be_in_set", "x")["value_set"] == [1, 2]
    assert wants(expectations, "column_values_to_be_between", "x") is None


def test_classes_are_strict_for_two_and_tolerant_for_more():
    frame = pd.DataFrame({"x": range(40)})
    two = wants(infer(frame), "column_values_to_be_in_set", "y")
    assert (two["value_set"], two["mostly"]) == (["no", "yes"], 1.0)
    more = wants(infer(frame, task="multiclass"), "column_values_to_be_in_set", "y")
    assert more["mostly"] == 0.95


def test_a_number_to_predict_has_a_range():
    frame = pd.DataFrame({"x": range(40), "y": np.linspace(1, 9, 40)})
    found = wants(infer(frame, task="regression"), "column_values_to_be_between", "y")
    assert (found["min_value"], found["max_value"]) == (-8, 18)


def test_ids_timestamps_and_rows_are_expected_too():
    frame = pd.DataFrame(
        {"i": range(40), "t": pd.date_range("2026", periods=40, tz="UTC"), "x": 1.0}
    )
    expectations = infer(frame, id="i", timestamp="t")
    assert wants(expectations, "column_values_to_be_unique", "i")
    for role in ("i", "t", "y"):
        assert wants(expectations, "column_values_to_not_be_null", role)
    assert wants(expectations, "table_row_count_to_be_between") == {"min_value": 10}
    columns = wants(expectations, "table_columns_to_match_set")
    assert columns["column_set"] == ["i", "t", "y", "x"]


def test_an_empty_column_nobody_has_seen_before_must_have_a_value():
    expectations = infer(pd.DataFrame({"x": [None] * 40}))
    about = [e for e in expectations if e["kwargs"].get("column") == "x"]
    assert [e["severity"] for e in about] == ["critical", "warning"]


def test_an_empty_column_that_was_always_empty_is_only_advice():
    frame = pd.DataFrame({"x": [None] * 40, "y": ["no", "yes"] * 20})
    rows = pd.DataFrame({"x": [1.0] * 40, "y": ["no", "yes"] * 20})
    about = [e for e in infer(frame, rows) if e["kwargs"].get("column") == "x"]
    assert [e["severity"] for e in about] == ["warning"]


def test_a_new_feature_is_inferred_from_the_rows_themselves():
    frame = pd.DataFrame({"y": ["no", "yes"] * 20})
    rows = frame.assign(x=range(40))
    assert wants(infer(frame, rows), "column_values_to_be_between", "x")


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("column_values_to_not_be_null", {"column": "a"}, "a: values present"),
        ("column_values_to_be_between", {"column": "a", "max_value": 1.5}, "a: values up to 1.5"),
        (
            "column_values_to_be_in_set",
            {"column": "a", "value_set": ["w", "x", "y", "z"]},
            "a: values among w, x, y, …",
        ),
        ("table_row_count_to_be_between", {"min_value": 5}, "rows of at least 5"),
        ("column_mean_to_be_between", {"column": "a"}, "a: column mean to be between"),
        (
            "compound_columns_to_be_unique",
            {"column_list": ["a", "b"]},
            "a, b: compound columns to be unique",
        ),
    ],
)
def test_gates_are_named_in_words(kind, kwargs, said):
    assert describe(f"expect_{kind}", kwargs) == said
