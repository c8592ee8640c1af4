"""Which columns a table has, in which order, and the Arrow type that holds every kind of value seen."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.storage.columns import column_layouts, stored_fields

KINDS = (
    "boolean", "integer", "wide", "number", "text", "bytes", "moment", "local", "date", "long",
    "decimal", "precise", "nonfinite", "large", "other",
)  # fmt: skip


def types_of(known, columns=None):
    return {layout.name: layout.type for layout in column_layouts(known, columns)}


def type_of(*kinds):
    return types_of([("f_x", kind) for kind in kinds])["features.x"]


def test_prediction_and_label_come_first_then_scores_then_features_by_name():
    known = [("f_b", "text"), ("s_yes", "number"), ("f_a", "text"), ("s_no", "number")]
    names = [layout.name for layout in column_layouts(known, None)]
    assert names == ["prediction", "label", "score.no", "score.yes", "features.a", "features.b"]


def test_columns_asked_for_keep_their_order_and_one_never_logged_is_null():
    known = [("f_a", "integer"), ("f_b", "text")]
    found = types_of(known, ["b", "never", "a"])
    assert list(found)[2:] == ["features.b", "features.never", "features.a"]
    assert found["features.never"] == pa.null()
    assert list(types_of(known, [])) == ["prediction", "label"]


def test_names_are_decoded_from_their_fields():
    assert "features.a.b $c" in types_of([("f_a%2Eb%20%24c", "integer")])
    [*_, layout] = column_layouts([], ["a.b $c"])
    assert layout.field == "f_a%2Eb%20%24c"


def test_a_label_that_is_not_known_yet_has_the_type_of_the_prediction():
    assert types_of([("prediction", "text")])["label"] == pa.string()
    known = [("prediction", "text"), ("label", "integer")]
    assert types_of(known)["label"] == pa.int64()
    assert types_of([])["label"] == types_of([])["prediction"] == pa.null()


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["boolean"], pa.bool_()),
        (["boolean", "integer"], pa.int64()),
        (["wide"], pa.int64()),
        (["integer", "long"], pa.decimal256(76, 0)),
        (["decimal"], pa.decimal256(76, 38)),
        (["long", "precise"], pa.decimal256(76, 38)),
        (["integer", "number"], pa.float64()),
        (["number", "nonfinite"], pa.float64()),
        (["decimal", "number"], pa.float64()),
        # What no float equals is not rounded beside one.
        (["wide", "number"], pa.string()),
        (["precise", "number"], pa.string()),
        (["moment"], pa.timestamp("us", "UTC")),
        (["local"], pa.timestamp("us")),
        (["date"], pa.date32()),
        (["bytes"], pa.binary()),
        (["moment", "local"], pa.string()),
        (["text", "integer"], pa.string()),
        (["large"], pa.string()),
        (["other"], pa.string()),
        (["null"], pa.null()),
        (["null", "boolean"], pa.bool_()),
    ],
)
def test_a_column_has_the_narrowest_type_that_holds_every_kind(kinds, expected):
    assert type_of(*kinds) == expected


@pytest.mark.parametrize("kind", ["number", "integer", "nonfinite"])
def test_scores_are_always_floats(kind):
    assert types_of([("s_yes", kind)])["score.yes"] == pa.float64()


@given(st.sets(st.sampled_from(KINDS), min_size=1), st.sets(st.sampled_from(KINDS)))
def test_a_further_kind_never_changes_a_column_back(some, more):
    # Text takes any value: once a column is text because kinds do not agree, more of them leave it so.
    if len(some) > 1 and type_of(*some) == pa.string():
        assert type_of(*some, *more) == pa.string()


@given(st.lists(st.sampled_from(KINDS), min_size=1))
def test_the_order_in_which_kinds_arrived_does_not_matter(kinds):
    assert type_of(*kinds) == type_of(*reversed(kinds)) == type_of(*kinds, *kinds)


def test_special_values_are_read_from_a_field_of_their_own():
    layouts = column_layouts(
        [("f_x", "number"), ("f_x", "nonfinite"), ("f_y", "integer")], ["x", "y"]
    )
    assert list(stored_fields(layouts)) == ["prediction", "label", "f_x", "x_f_x", "f_y"]
    x, y = layouts[2:]
    assert (x.native, x.special, y.special) == ({"number"}, True, False)
    assert stored_fields(column_layouts([("f_m", "moment")], ["m"]))[2:] == ["f_m", "x_f_m"]


@pytest.mark.parametrize(
    ("kinds", "decoded"),
    [
        (["integer", "text"], True),
        (["text"], False),
        (["integer", "number"], False),
        (["wide", "number"], True),
        (["text", "bytes"], False),
    ],
)
def test_only_native_values_that_arrow_cannot_tell_apart_are_decoded(kinds, decoded):
    [*_, layout] = column_layouts([("f_x", kind) for kind in kinds], None)
    assert layout.decoded is decoded
