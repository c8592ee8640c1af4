"""Which rows a champion has not seen, and which of two models saw more."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core import tags
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.results import ModelVersion, Snapshot, Split
from prefect_mlops.data.training_cutoff import Cutoff, cutoff_of, unseen_rows

SNAPSHOT = Snapshot(uri="a", digest="0", rows=1, columns={}, source="test")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def split_by(method: str, first: int | None = None) -> Split:
    return Split(train=SNAPSHOT, holdout=SNAPSHOT, method=method, first_holdout_row=first)


def version(**found: str) -> ModelVersion:
    return ModelVersion(name="m", version="3", run_id="r", uri="u", tags=found)


@given(st.integers(0, 50), st.integers(0, 100), st.integers(0, 60))
def test_without_timestamps_rows_are_counted_in_the_whole_history(first, seen, rows):
    holdout = pd.DataFrame(index=range(rows))
    unseen = unseen_rows(split_by("time", first), holdout, None, Cutoff(row=seen))
    assert [first + i for i in range(rows) if unseen[i]] == list(
        range(max(first, seen), first + rows)
    )


def test_with_timestamps_a_row_of_the_last_seen_moment_counts_as_seen():
    moments = pd.Series(
        ["2026-01-01T11:00:00Z", "2026-01-01T13:00:00+01:00", "2026-01-01T12:00:01Z"]
    )
    holdout = pd.DataFrame({"at": pd.to_datetime(moments, utc=True)})
    unseen = unseen_rows(split_by("time", 0), holdout, "at", Cutoff(NOON, row=0))
    assert unseen.tolist() == [False, False, True]


def test_rows_held_out_by_hash_were_never_seen_by_a_champion_of_the_same_kind():
    assert unseen_rows(split_by("hash"), pd.DataFrame(index=range(3)), None, Cutoff()).all()


@pytest.mark.parametrize(
    ("split", "cutoff"),
    [
        (split_by("hash"), Cutoff(row=5)),
        (split_by("time", 3), Cutoff()),
        (split_by("time", 3), Cutoff(moment=NOON)),
    ],
)
def test_what_cannot_be_told_is_refused(split, cutoff):
    with pytest.raises(DataRejected, match="cannot be told"):
        unseen_rows(split, pd.DataFrame(index=range(3)), None, cutoff)


def test_a_version_says_what_it_has_seen_in_its_tags():
    found = cutoff_of(version(**{tags.CUTOFF: "2026-01-01T13:00:00+01:00", tags.CUTOFF_ROW: "7"}))
    assert found == Cutoff(NOON, 7)
    assert cutoff_of(version()) == Cutoff()
    for broken in ({tags.CUTOFF: "2026-01-01"}, {tags.CUTOFF_ROW: "many"}):
        with pytest.raises(DataRejected, match="version 3 has a data cutoff that cannot be read"):
            cutoff_of(version(**broken))


def test_moments_outrank_rows_when_both_have_them():
    later = Cutoff(NOON.replace(hour=13), row=1)
    assert Cutoff(NOON, row=9).is_older_than(later) is True
    assert later.is_older_than(Cutoff(NOON, row=9)) is False
    assert Cutoff(row=1).is_older_than(Cutoff(row=2)) is True
    assert Cutoff(row=1).is_older_than(Cutoff(NOON)) is None
