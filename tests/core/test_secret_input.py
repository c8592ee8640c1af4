"""Secrets of a block are wrapped before anything can quote them."""

from __future__ import annotations

import pytest
from prefect_mlops.core.secret_input import hidden, unquoted, without_slug
from pydantic import SecretStr, ValidationError

SECRET = "mongodb://me:hunter2@host/db"


def test_uris_are_wrapped_at_every_depth_and_other_values_are_left():
    found = without_slug(
        {
            "block_type_slug": "ml-project",
            "name": "calls",
            "predictions": {"uri": SECRET, "timeout_seconds": 2.0},
        }
    )
    assert set(found) == {"name", "predictions"}
    assert found["name"] == "calls"
    assert found["predictions"]["timeout_seconds"] == 2.0
    assert isinstance(found["predictions"]["uri"], SecretStr)
    assert "hunter2" not in str(found)


def test_what_is_no_mapping_is_left():
    assert without_slug([1]) == [1]
    assert hidden("name", "calls") == "calls"


def test_a_refused_block_is_not_quoted():
    with (
        pytest.raises(
            ValidationError, match="Value error, two options exclude each other"
        ) as caught,
        unquoted(),
    ):
        raise ValueError("two options exclude each other")
    assert caught.value.errors()[0]["input"] == "not shown"
    assert caught.value.__cause__ is None
