import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected, WorkspaceUnavailable
from prefect_mlops.core.workspace import Workspace
from prefect_mlops.data.snapshots import load_frame, load_table, open_snapshot, save_snapshot

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.floats(allow_nan=False),
            "i": st.integers(-(2**63), 2**63 - 1),
            "s": st.none() | st.text(max_size=5),
            "b": st.booleans(),
        }
    ),
    min_size=1,
    max_size=20,
)
TYPES = pa.schema([("n", pa.float64()), ("i", pa.int64()), ("s", pa.string()), ("b", pa.bool_())])


@pytest.fixture
def workspace(tmp_path):
    return Workspace(str(tmp_path / "w"))


@given(rows=ROWS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_survive_and_the_same_rows_have_the_same_digest(workspace, rows):
    table = pa.Table.from_pylist(rows, TYPES)
    snapshot = save_snapshot(workspace, table, "test")
    assert load_table(snapshot).equals(table)
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    described = chunked.replace_schema_metadata({"pandas": "whatever"})
    assert save_snapshot(workspace, described, "test").digest == snapshot.digest


@given(rows=ROWS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_other_rows_have_another_digest(workspace, rows):
    table = pa.Table.from_pylist(rows, TYPES)
    one = save_snapshot(workspace, table, "test").digest
    more = save_snapshot(workspace, pa.concat_tables([table, table.slice(0, 1)]), "test").digest
    assert one != more


def test_the_digest_is_the_one_of_the_file(workspace):
    snapshot = save_snapshot(workspace, pa.table({"a": [1, 2]}), "test")
    assert hashlib.sha256(Path(snapshot.uri).read_bytes()).hexdigest() == snapshot.digest
    assert Path(snapshot.uri).stem == snapshot.digest
    assert snapshot.columns == {"a": "int64"}
    assert snapshot.rows == 2


def test_the_cutoff_is_the_last_moment_in_utc(workspace):
    moments = pd.date_range("2026-01-01", periods=3, freq="h", tz="Europe/Lisbon")
    snapshot = save_snapshot(workspace, pa.table({"t": pa.array(moments)}), "test", timestamp="t")
    assert snapshot.first == datetime(2026, 1, 1, 0, tzinfo=UTC)
    assert snapshot.last == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_a_zone_survives(workspace):
    moments = pd.date_range("2026-01-01", periods=2, freq="h", tz="UTC")
    snapshot = save_snapshot(workspace, pa.table({"t": pa.array(moments)}), "test")
    assert str(load_frame(snapshot)["t"].dt.tz) == "UTC"


def test_zero_rows_make_a_snapshot_without_moments(workspace):
    table = pa.table({"t": pa.array([], pa.timestamp("us", "UTC"))})
    snapshot = save_snapshot(workspace, table, "test", timestamp="t")
    assert (snapshot.rows, snapshot.first, snapshot.last) == (0, None, None)


def test_a_snapshot_that_someone_changed_is_refused(workspace):
    snapshot = save_snapshot(workspace, pa.table({"a": [1]}), "test")
    other = save_snapshot(workspace, pa.table({"a": [2]}), "test")
    Path(snapshot.uri).write_bytes(Path(other.uri).read_bytes())
    with pytest.raises(WorkspaceUnavailable, match="has changed"):
        load_table(snapshot)


def test_a_snapshot_that_is_gone_is_named(workspace):
    snapshot = save_snapshot(workspace, pa.table({"a": [1]}), "test")
    Path(snapshot.uri).unlink()
    with pytest.raises(WorkspaceUnavailable, match=snapshot.digest):
        load_table(snapshot)
    with pytest.raises(WorkspaceUnavailable, match=snapshot.digest):
        open_snapshot(workspace, snapshot.digest)


def test_an_earlier_snapshot_is_opened_by_its_digest(workspace):
    snapshot = save_snapshot(workspace, pa.table({"a": [1], "b": ["x"]}), "test")
    opened = open_snapshot(workspace, snapshot.digest)
    assert load_table(opened).equals(load_table(snapshot))
    assert (opened.rows, opened.columns) == (snapshot.rows, snapshot.columns)


def test_columns_are_read_in_the_order_asked_for(workspace):
    snapshot = save_snapshot(workspace, pa.table({"a": [1], "b": [np.nan], "c": ["x"]}), "test")
    assert list(load_frame(snapshot, ["c", "a"])) == ["c", "a"]
    with pytest.raises(DataRejected, match=r"\['gone'\] are not in the snapshot") as caught:
        load_frame(snapshot, ["a", "gone"])
    assert caught.value.column == "gone"


def test_a_workspace_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnavailable, match="cannot write"):
        save_snapshot(Workspace(str(tmp_path / "file")), pa.table({"a": [1]}), "test")


def test_spaces_around_text_of_earlier_snapshots_are_left_out_of_their_frames(workspace):
    table = pa.table({"c": [" x", "x ", None], "n": [1, 2, 3]})
    snapshot = save_snapshot(workspace, table, "test")
    assert load_frame(snapshot)["c"].tolist() == ["x", "x", None]
    assert load_table(snapshot).equals(table)
