"""The age of the newest training row is held against its limit, and not knowing it is no pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import FreshnessSettings
from prefect_mlops.gates.freshness import data_age

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@given(st.floats(0, 1_000), st.floats(0.1, 1_000))
def test_rows_may_be_as_old_as_the_limit_and_no_older(age, limit):
    newest = NOW - timedelta(days=age)
    (gate,) = data_age(newest, NOW, FreshnessSettings(maximum_data_age_days=limit))
    assert gate.blocks == (gate.value > limit)
    assert gate.value == pytest.approx(age, abs=1e-6)


def test_without_a_limit_the_age_is_advice():
    (gate,) = data_age(NOW - timedelta(days=9), NOW, FreshnessSettings())
    assert (gate.verdict, gate.blocking, gate.value) == ("passed", False, 9.0)


def test_a_limit_on_rows_of_unknown_age_is_not_run_and_blocks():
    (gate,) = data_age(None, NOW, FreshnessSettings(maximum_data_age_days=30))
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert "columns.timestamp" in gate.reason


def test_nothing_is_said_where_there_is_neither_a_limit_nor_a_moment():
    assert data_age(None, NOW, FreshnessSettings()) == []


@pytest.mark.parametrize(("limit", "blocks"), [(30, True), (None, False)])
def test_a_row_from_the_future_is_not_run_and_names_column_and_value(limit, blocks):
    settings = FreshnessSettings(maximum_data_age_days=limit)
    (gate,) = data_age(datetime(2999, 1, 1, tzinfo=UTC), NOW, settings, column="called_at")
    assert (gate.verdict, gate.blocks, gate.value) == ("not_run", blocks, None)
    assert "'called_at'" in gate.reason
    assert "2999-01-01" in gate.reason


@given(st.floats(-400, 400))
def test_only_a_day_of_difference_between_clocks_is_forgiven(ahead):
    limit = FreshnessSettings(maximum_data_age_days=500)
    (gate,) = data_age(NOW + timedelta(days=ahead), NOW, limit)
    assert gate.blocks == (timedelta(days=ahead) > timedelta(days=1))
