"""What a rule takes away is gone, and what it keeps is the same for the same value."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import Columns
from prefect_mlops.storage.redaction import HASH_CHARACTERS, Redaction
from pydantic import ValidationError

KEY = "0123456789abcdef-hunter2"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])),
)


def redaction(**columns) -> Redaction:
    return Redaction(columns=columns, key=KEY)


def digest_of(value):
    return redaction(a="hash").apply({"a": value})["a"]


def cut(value, characters: int):
    return redaction(a={"truncate": characters}).apply({"a": value})["a"]


def test_columns_without_a_rule_stay_as_they_are_and_in_order():
    features = {"z": [1, 2], "name": "Ana", "a": None, "phone": "912", "m": np.float32(1.5)}
    kept = redaction(name="drop", phone="hash", other="hash").apply(features)
    assert list(kept) == ["z", "a", "phone", "m"]
    assert all(kept[name] is features[name] for name in ("z", "a", "m"))
    assert features["name"] == "Ana"


def test_a_name_that_is_no_text_is_redacted_as_it_would_be_logged():
    rules = Redaction(columns={"1": "drop", "True": "hash"}, key=KEY)
    assert rules.apply({1: "Ana", 2: "b", "x": 1}) == {"2": "b", "x": 1}
    assert rules.apply({True: "912"}) == {"True": digest_of("912")}


def test_a_member_of_an_enumeration_is_redacted_by_its_value():
    phone = Enum("Column", {"PHONE": "phone"}, type=str).PHONE
    assert redaction(phone="drop").apply({phone: "912"}) == {}
    assert digest_of(phone) == digest_of("phone")


def test_names_that_are_the_same_text_are_refused():
    with pytest.raises(ValueError, match=r"\[1, '1'\] are not different texts"):
        redaction(x="drop").apply({1: "a", "1": "b"})


def test_a_hash_is_the_beginning_of_hmac_sha256():
    expected = hmac.new(KEY.encode(), b"912 345 678", hashlib.sha256).hexdigest()
    assert digest_of("912 345 678") == expected[:HASH_CHARACTERS]
    assert redaction(a="hash").hashed("912 345 678") == expected[:HASH_CHARACTERS]
    other = Redaction(columns={"a": "hash"}, key=KEY[::-1])
    assert other.hashed("912 345 678") != digest_of("912 345 678")


@given(SCALARS)
def test_any_value_is_hashed_cut_or_missing_and_never_itself(value):
    found = redaction(a="hash", b={"truncate": 2}, c="drop").apply(dict.fromkeys("abc", value))
    missing = value is None or (isinstance(value, float) and np.isnan(value))
    if missing:
        assert found == {"a": None, "b": None}
    else:
        assert len(found["a"]) == HASH_CHARACTERS
        assert set(found["a"]) <= set("0123456789abcdef")
        assert len(found["b"]) <= 2


@given(st.text(), st.text())
def test_two_texts_have_one_hash_only_if_they_are_the_same(one, other):
    assert (digest_of(one) == digest_of(other)) == (one == other)


@given(st.integers(-(2**53), 2**53))
def test_a_number_has_one_hash_whatever_its_type(number):
    forms = [
        number,
        float(number),
        str(number),
        Decimal(number),
        np.int64(number),
        np.float64(number),
    ]
    assert len({digest_of(form) for form in forms}) == 1


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime.fromisoformat("2026-01-01T14:00:00+02:00")),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), pd.Timestamp("2026-01-01 12:00", tz="UTC")),
        (datetime(2026, 1, 1, 12), np.datetime64("2026-01-01T12:00:00", "ns")),
        ("a", np.str_("a")),
        (True, np.bool_(True)),
        (1.5, np.float32(1.5)),
        (b"\x00a", bytearray(b"\x00a")),
    ],
)
def test_the_same_value_of_another_type_has_the_same_hash(one, same):
    assert digest_of(one) == digest_of(same) is not None


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, pd.NaT, pd.NA, Decimal("NaN")])
def test_what_is_missing_stays_missing(value):
    assert digest_of(value) is None
    assert cut(value, 3) is None


@pytest.mark.parametrize(
    ("value", "characters", "expected"),
    [
        ("1100-148", 4, "1100"),
        ("ab", 4, "ab"),
        (1100148.0, 4, "1100"),
        (datetime(2026, 3, 9, 23, 30, tzinfo=timezone(timedelta(hours=-3))), 10, "2026-03-10"),
        (datetime(2026, 3, 9, 12), 7, "2026-03"),
        (date(2026, 3, 9), 4, "2026"),
        (Decimal("12.50"), 3, "12."),
        (Decimal("-Infinity"), 9, "-Infinity"),
        (Decimal("1E+999999"), 9, "1E+999999"),
        (Decimal("0.99999999999999999999999"), 4, "0.99"),
    ],
)
def test_the_beginning_of_a_values_text_is_kept(value, characters, expected):
    assert cut(value, characters) == expected


@pytest.mark.parametrize("value", [["hunter2"], {"a": "hunter2"}, np.array(["hunter2"]), object()])
def test_a_value_without_a_text_is_refused_unquoted_but_may_be_dropped(value):
    for rule in ("hash", {"truncate": 3}):
        with pytest.raises(TypeError, match="column 'a' cannot be redacted") as caught:
            redaction(a=rule).apply({"a": value})
        assert "hunter2" not in str(caught.value)
    assert redaction(a="drop").apply({"a": value}) == {}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"columns": {"a": "hash"}}, "set a key"),
        ({"columns": {"a": "hash"}, "key": "hunter2"}, "at least 16"),
        ({"columns": {"a": "hash"}, "key": [KEY]}, "valid string"),
        ({"columns": {"a": "mask"}, "key": KEY}, "'drop' or 'hash'"),
        ({"columns": {"a": {"truncate": 0}}, "key": KEY}, "greater than or equal to 1"),
        ({"columns": {}, "key": KEY}, "at least 1"),
        ({"columns": {"a": "drop"}, "key": KEY, "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_work_is_refused_without_the_key(settings, expected):
    with pytest.raises(ValidationError, match=expected) as caught:
        Redaction(**settings)
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.errors()}"


def test_the_key_is_shown_nowhere_and_cannot_be_taken_away():
    made = redaction(a="hash")
    for shown in (repr(made), str(made), str(made.model_dump()), made.model_dump_json()):
        assert "hunter2" not in shown
    for bad in ("hunter2", ["hunter2"], None):
        with pytest.raises(ValidationError) as caught:
            made.key = bad
        assert "hunter2" not in f"{caught.value} {caught.value.errors()}"


def test_a_changed_rule_counts_at_once():
    made = redaction(a="hash")
    made.columns = {"a": "drop"}
    assert made.apply({"a": 1}) == {}


COLUMNS = Columns(
    target="y", timestamp="at", id="phone", features=["name", "age"], ignored=["note"]
)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"nmae": "drop"}, "a misspelled column would be logged as it is"),
        ({"y": "drop"}, "which is the target"),
        ({"at": {"truncate": 10}}, "which is the timestamp"),
        ({"phone": "drop"}, "must be 'hash'"),
        ({"phone": {"truncate": 3}}, "must be 'hash'"),
    ],
)
def test_a_rule_that_could_not_be_kept_is_refused(rules, expected):
    with pytest.raises(ConfigurationError, match=expected):
        redaction(**rules).check(COLUMNS)


def test_features_the_id_and_ignored_columns_may_have_rules():
    made = redaction(name="drop", phone="hash", note="hash")
    made.check(COLUMNS)
    assert made.features(COLUMNS) == ["name"]


def test_without_named_features_the_rows_tell_which_columns_there_are():
    some = Columns(target="y")
    redaction(nmae="drop").check(some)
    with pytest.raises(ConfigurationError, match=r"\['nmae'\]; found \['name', 'y'\]"):
        redaction(nmae="drop").check(some, ["name", "y"])


def test_nobody_trains_on_what_is_redacted():
    made = redaction(name="drop", phone="hash")
    with pytest.raises(ConfigurationError, match=r"\['name'\] redacted only"):
        made.check_training(COLUMNS)
    made.check_training(Columns(target="y", id="phone", features=["age"]))
    made.check_training(Columns(target="y", id="phone", ignored=["name"]))
    with pytest.raises(ConfigurationError, match="redacted only"):
        made.check_training(Columns(target="y", id="phone"))
