"""Numeric columns of new rows: broken ones are findings, moved ones advice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.broken_columns import judge_numbers
from prefect_mlops.validation.row_comparison import Judgement, RowComparison

RNG = np.random.default_rng(0)
KNOWN = pd.DataFrame(
    {"a": RNG.normal(50, 8, 1_000), "b": RNG.normal(5, 1, 1_000), "y": ["no", "yes"] * 500}
)
NEW = pd.DataFrame(
    {"a": RNG.normal(50, 8, 500), "b": RNG.normal(5, 1, 500), "y": ["no", "yes"] * 250}
)


def judged(new, rising=(), **options) -> Judgement:
    rows = pd.concat([KNOWN, new], ignore_index=True)
    comparison = RowComparison(
        KNOWN, rows, np.arange(1_000, 1_500), Columns(target="y", ordered=True), Judgement()
    )
    comparison.judged.rising = list(rising)
    judge_numbers(comparison, ["a", "b"], **{"caused": (), "logged": (), **options})
    return comparison.judged


def names(found: Judgement) -> set[str]:
    return {finding.name for finding in found.findings if finding.blocking}


def test_rows_as_before_are_no_finding():
    found = judged(NEW)
    assert (found.findings, found.moved) == ([], {})


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NEW.assign(a=NEW["a"] * 1_000), {"a: same unit"}),
        (NEW.assign(a=NEW["a"].where(NEW.index % 10 > 0, -999.0)), {"a: no filler values"}),
        (NEW.assign(a=NEW["a"].where(NEW.index < 400, 47.5)), {"a: not stuck at a value"}),
        (NEW.assign(a=NEW["b"], b=NEW["a"]), {"a: not exchanged with b"}),
    ],
    ids=["unit", "filler", "stuck", "exchanged"],
)
def test_what_broke_is_named(new, expected):
    assert expected <= names(judged(new))


def test_a_move_that_the_cause_names_is_advice_and_trained_on():
    far = NEW.assign(a=NEW["a"] + 400)
    found = judged(far, caused=["a"])
    assert names(found) == set()
    assert list(found.moved) == ["a"]
    assert "a moved: 500 of 500 new rows" in found.findings[0].reason


def test_a_column_that_rose_so_far_may_not_fall_back():
    found = judged(NEW.assign(a=NEW["a"] - 300), rising=["a"])
    assert "a: rises on" in names(found)
