"""New rows are those that known ones do not account for, however their columns are typed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.validation.new_rows import FEWEST, new_part, parts, row_hashes, segments


def frame(numbers) -> pd.DataFrame:
    return pd.DataFrame({"a": numbers, "b": [f"t{n}" for n in numbers]})


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 9)))
def test_every_known_row_accounts_for_one(known, more):
    rows = frame([*known, *more])
    found = new_part(frame(known), rows)
    assert found.tolist() == list(range(len(known), len(rows)))


def test_a_changed_row_is_new_and_an_unknown_column_does_not_count():
    known, rows = frame([1, 2, 3]), frame([1, 2, 3]).assign(c=7.0)
    assert new_part(known, rows).tolist() == []
    rows.loc[1, "b"] = "other"
    assert new_part(known, rows).tolist() == [1]
    assert new_part(pd.DataFrame({"z": [1]}), rows).tolist() == [0, 1, 2]


def test_hashes_do_not_depend_on_how_a_whole_number_is_stored():
    whole, floats = frame([1, 2]), frame([1, 2]).astype({"a": float})
    assert row_hashes(whole, ["a", "b"]).tolist() == row_hashes(floats, ["a", "b"]).tolist()
    moments = pd.DataFrame({"at": pd.to_datetime(["2026-01-01", None])})
    assert len(np.unique(row_hashes(moments, ["at"]))) == 2


@given(st.integers(FEWEST, 5_000))
def test_segments_hold_all_rows_the_parts_and_the_latest_half(rows):
    found = segments(rows)
    assert found[0] == (0, rows)
    assert all(0 <= first < end <= rows and end - first >= FEWEST for first, end in found)
    cut = parts(rows)
    assert [first for first, _ in cut] == [0, *(end for _, end in cut[:-1])]
    assert cut[-1][1] == rows
    if rows >= 100:
        assert (rows - rows // 2, rows) in found
