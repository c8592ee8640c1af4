"""Broken rows are told from drifted ones in whole tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.broken_data import judge_rows

COLUMNS = Columns(target="y", ordered=True)


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 9, rows)
    return pd.DataFrame(
        {
            "age": age,
            "job": rng.choice(["clerk", "nurse", "smith"], rows),
            "y": np.where(age + rng.normal(0, 4, rows) > 45, "yes", "no"),
        }
    )


KNOWN, NEW = table(1_500, 0), table(500, 1)


def judged(new, known=KNOWN):
    rows = pd.concat([KNOWN, new], ignore_index=True)
    return judge_rows(known, rows, columns=COLUMNS, task="binary")


def blocking(found) -> set[str]:
    return {finding.name for finding in found.findings if finding.blocking}


def test_drifted_rows_are_not_broken():
    assert blocking(judged(NEW)) == set()
    assert blocking(judged(NEW.assign(age=NEW["age"] + 8))) == set()


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (NEW.assign(job=None), "job: values present in new rows"),
        (NEW.assign(job=NEW["job"].where(NEW.index < 400)), "job: values present in new rows"),
        (NEW.assign(job=NEW["job"].str.upper()), "job: no known categories in another spelling"),
        (KNOWN.tail(500), "rows: each delivered once"),
        (NEW.assign(age=NEW["age"] * 60), "age: same unit"),
    ],
    ids=["emptied", "emptied lately", "spelling", "copies", "unit"],
)
def test_broken_rows_are_named(new, expected):
    assert expected in blocking(judged(new))


def test_a_target_of_other_rows_is_told_and_stops_nothing():
    shuffled = NEW.assign(y=np.random.default_rng(2).permutation(NEW["y"]))
    found = judged(shuffled)
    assert blocking(found) == set()
    assert [finding.name for finding in found.findings] == ["y: related to the features"]


def test_without_known_rows_only_what_rises_is_recognised():
    rows = NEW.assign(day=np.arange(500.0))
    found = judge_rows(None, rows, columns=COLUMNS, task="binary")
    assert found.rising == ["day"]
    assert blocking(found) == set()
    assert found.findings[0].reason.startswith("day only rises")
