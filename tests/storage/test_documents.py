"""A prediction as one document: exactly what was logged, whatever it was called."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import bson
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect_mlops.storage.documents import (
    SAMPLE_BUCKETS,
    UnreadDocument,
    decode_document,
    document_key,
    encode_failure,
    encode_prediction,
    encode_row,
    sample_bucket,
)
from prefect_mlops.storage.predictions import Prediction

NOON = datetime(2026, 1, 31, 12, 0, 0, 123457, tzinfo=UTC)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-3))))
    | st.lists(st.integers() | st.text(), max_size=3)
    | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3)
)


def row(**fields):
    content = {
        "model": "calls",
        "id": "a",
        "role": "champion",
        "version": "1",
        "at": NOON,
        "features": {},
        "prediction": "yes",
    }
    return encode_row(**{**content, **fields})


def same(found, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(expected) and found == expected


@given(rows=st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), max_size=3))
@example(rows=[{"x": 1}, {"x": 2**70}])
@example(rows=[{"x": "a"}, {"x": "\ud800"}])
@example(rows=[{"x": 1.5}, {"x": math.inf}, {"x": 1e308, "y": 1e308}])
def test_features_come_back_exactly(rows):
    for features in [*rows, *rows]:
        found = decode_document(row(features=features).body).features
        assert list(found) == list(dict.fromkeys(found))
        assert found.keys() == features.keys()
        assert all(same(found[name], features[name]) for name in features)


def test_everything_about_a_prediction_comes_back():
    prediction = Prediction(
        id="a",
        model="calls",
        version="3",
        at=NOON,
        features={"age": 41, "none": None},
        prediction=1.5,
        score={"yes": 0.25, "no": math.nan},
        label="no",
        role="shadow",
        latency_seconds=0.25,
        request="r-1",
    )
    found = decode_document(encode_prediction(prediction).body)
    assert dict(found) | {"score": None} == dict(prediction) | {"score": None}
    assert found.score["yes"] == 0.25
    assert math.isnan(found.score["no"])
    assert decode_document(row().body).score is None


def test_a_none_is_told_from_what_was_not_there():
    assert decode_document(row(features={"a": None}).body).features == {"a": None}


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
def test_what_is_decoded_only_when_asked_for_is_what_was_logged(features):
    known = row(features=features, role="shadow")
    unread = UnreadDocument(known.model, known.body, known.columns)
    for name in ("model", "id", "role", "at", "body", "columns"):
        assert getattr(unread, name) == getattr(known, name)


def test_the_document_is_the_documented_one():
    body = row(
        features={"a.b": 1, "$c": Decimal("1.5"), "naïve": None},
        score={"yes": 0.5},
        role="challenger",
        label="no",
        request="r",
        latency_seconds=0.5,
    ).body
    assert bson.decode(body) == {
        "_id": '["calls", "a", "challenger"]',
        "model": "calls",
        "id": "a",
        "role": "challenger",
        "version": "1",
        "at": 1769860800123457,
        "made": datetime(2026, 1, 31, 12, 0, 0, 123000),
        "draw": sample_bucket("a"),
        "request": "r",
        "latency_seconds": 0.5,
        "prediction": "yes",
        "label": "no",
        "f_a%2Eb": 1,
        "x_f_%24c": '{"decimal":"1.5"}',
        "f_na%C3%AFve": None,
        "s_yes": 0.5,
    }


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_only_the_same_model_and_id_have_the_same_key(one, other):
    assert (document_key(*one) == document_key(*other)) == (one == other)
    assert document_key(*one) != document_key(*one, "shadow")


def test_draws_are_even():
    draws = np.array([sample_bucket(f"call-{i}") for i in range(20_000)])
    assert draws.min() >= 0
    assert draws.max() < SAMPLE_BUCKETS
    counts, _ = np.histogram(draws, bins=20, range=(0, SAMPLE_BUCKETS))
    assert np.abs(counts - 1_000).max() < 150


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"id": ""}, ValueError, "not empty"),
        ({"id": 7}, ValueError, "must be text"),
        ({"model": ""}, ValueError, "not empty"),
        ({"at": datetime(2026, 1, 1)}, ValueError, "no time zone"),
        ({"prediction": None}, TypeError, "prediction None cannot be logged"),
        ({"prediction": [1]}, TypeError, "cannot be logged"),
        ({"features": {"x": np.longdouble(1)}}, TypeError, "longdouble .* cannot be logged"),
        ({"prediction": np.longdouble(1)}, TypeError, "cannot be logged"),
        ({"label": b"x"}, TypeError, "label b'x' cannot be logged"),
        ({"score": {"yes": "much"}}, ValueError, "much"),
        ({"features": {"x": object()}}, TypeError, "cannot be logged"),
        ({"features": {"x": "a" * 2**24}}, ValueError, "largest feature"),
        ({"features": {"x": {(1, 2): "a"}}}, TypeError, r"key \(1, 2\)"),
        ({"features": ["x"]}, TypeError, "no mapping"),
        ({"version": 3}, TypeError, "version 3 and request None .* must be text"),
        ({"version": ""}, TypeError, "must be text"),
        ({"request": 7}, TypeError, "request 7"),
        ({"at": "2026-01-01"}, TypeError, "expected a datetime"),
        ({"latency_seconds": math.nan}, ValueError, "finite"),
    ],
)
def test_what_cannot_be_logged_is_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        row(**wrong)


def test_a_failure_has_the_limits_of_a_row():
    with pytest.raises(ValueError, match="a row has at most"):
        encode_failure(
            model="calls", id="a", role="shadow", version="1", at=NOON, request="r" * 2**24
        )
