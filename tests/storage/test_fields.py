"""The fields of a document: names that are no operators, and values as they were, fast or not."""

import string
from datetime import datetime
from enum import Enum

import bson
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.storage.codec import decode
from prefect_mlops.storage.fields import encode_fields, escaped, unescaped


def written(features, prediction="yes", score=()):
    body, columns = encode_fields({}, (prediction,), features, dict(score))
    return bson.decode(body), columns


def test_numpy_scalars_are_logged_as_what_they_are_each_time():
    for number in (np.float32(0.1), np.float32(0.2)):
        features = {"f": number, "i": np.int64(3), "b": np.bool_(True), "t": np.str_("x")}
        features["m"] = np.datetime64("2026-01-31T12:00", "us")
        found, _ = written(features)
        assert decode(found.pop("x_f_m")) == datetime(2026, 1, 31, 12)
        assert found == {
            "prediction": "yes",
            "f_f": float(number),
            "f_i": 3,
            "f_b": True,
            "f_t": "x",
        }
        assert [type(found[name]) for name in ("f_f", "f_b")] == [float, bool]


def test_text_of_numpy_is_logged_as_text_each_time():
    labels = np.array(["yes", "no"])
    for answer in [*labels, *labels]:
        found, _ = written({"job": answer}, prediction=answer)
        assert found == {"prediction": str(answer), "f_job": str(answer)}
        assert {type(value) for value in found.values()} == {str}


# Not a `StrEnum`: those print as their value anyway.
class Answer(str, Enum):  # noqa: UP042
    YES = "yes"


def test_a_member_of_an_enumeration_is_its_value_each_time():
    for features in ({Answer.YES: Answer.YES}, {"yes": "yes"}) * 2:
        found, _ = written(features, prediction=Answer.YES, score={Answer.YES: 1.0})
        assert found == {"prediction": "yes", "f_yes": "yes", "s_yes": 1.0}
        assert {type(value) for value in found.values()} == {str, float}


def test_equal_names_that_are_written_otherwise_stay_apart():
    for name in (1, True, 1.0, "1") * 2:
        found, columns = written({name: 5})
        field = f"f_{str(name).replace('.', '%2E')}"
        assert found == {"prediction": "yes", field: 5}
        assert (field, "integer") in columns


@given(st.text())
def test_a_name_is_letters_and_comes_back(name):
    field = escaped("f_", name)
    assert set(field) <= {*string.ascii_letters, *string.digits, *"_-~%"}
    assert unescaped(field) == name


def test_names_that_are_the_same_text_are_refused():
    with pytest.raises(ValueError, match=r"\['1', 1\] are not different texts"):
        written({"1": "a", 1: "b"})
    assert written({"1": "a"}, score={"1": 0.5})[0] == {"prediction": "yes", "f_1": "a", "s_1": 0.5}
