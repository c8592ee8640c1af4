"""Rows that the log shows otherwise are broken between source and rows."""

from __future__ import annotations

import pandas as pd
import pytest
from prefect_mlops.validation.log_agreement import agreement

ROWS = pd.DataFrame({"a": [float(i) for i in range(100)], "b": ["x", "y"] * 50})
SAME = ROWS.to_dict("records")
NOTHING = [None] * 100


def shifted(count: int) -> list[dict]:
    return [{**row, "a": row["a"] + (1.0 if i < count else 0.0)} for i, row in enumerate(SAME)]


def test_columns_that_agree_are_named():
    found = agreement(ROWS, SAME, ROWS, NOTHING, ["a", "b", "missing"])
    assert (found.same, found.findings) == (["a", "b"], [])


@pytest.mark.parametrize(("differing", "agrees"), [(5, True), (6, False), (19, False)])
def test_a_few_differences_are_neither_agreement_nor_broken(differing, agrees):
    found = agreement(ROWS, shifted(differing), ROWS, NOTHING, ["a"])
    assert (found.same == ["a"], found.findings) == (agrees, [])


def test_many_differences_are_broken():
    (finding,) = agreement(ROWS, shifted(20), ROWS, SAME, ["a"]).findings
    assert (finding.held, finding.blocking, finding.share) == (False, True, 0.2)
    assert "20 of 100 rows" in finding.reason
    assert "such as 0.0 in the rows and 1.0 in the log" in finding.reason


def test_a_source_that_always_differed_is_told_and_blocks_nothing():
    (finding,) = agreement(ROWS, shifted(50), ROWS, shifted(50), ["a"]).findings
    assert not finding.blocking


def test_rows_that_were_hardly_logged_tell_nothing():
    few = [*shifted(19)[:19], *[None] * 81]
    found = agreement(ROWS, few, ROWS, NOTHING, ["a"])
    assert (found.same, found.findings) == ([], [])


@pytest.mark.parametrize(
    ("value", "logged"),
    [
        (1, 1.0),
        (1.0, 1.0000001),
        (None, float("nan")),
        (pd.Timestamp("2026-01-01"), "2026-01-01T00:00:00Z"),
        ("x", "x"),
    ],
)
def test_one_value_is_the_same_however_it_is_stored(value, logged):
    rows = pd.DataFrame({"a": [value] * 30})
    assert agreement(rows, [{"a": logged}] * 30, rows, [None] * 30, ["a"]).same == ["a"]
