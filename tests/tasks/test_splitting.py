import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.holdout import held_out_by_hash
from prefect_mlops.data.snapshots import load_frame, load_table, save_snapshot
from prefect_mlops.tasks.splitting import split

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def part(make_project):
    """A function that splits a frame with given roles and settings."""

    def run(frame, columns, **overrides):
        dataset = Dataset(source={"type": "parquet", "path": "unused"}, columns=columns)
        project = make_project(
            dataset=dataset,
            data={"minimum_rows": 10, **overrides.pop("data", {})},
            gates={"minimum_holdout_rows": 10},
            **overrides,
        )
        table = pa.Table.from_pandas(frame, preserve_index=False)
        snapshot = save_snapshot(
            project.open_workspace(), table, "test", timestamp=columns.get("timestamp")
        )
        return split.fn(snapshot, **project.arguments(split)), table

    return run


def rows_of(snapshot):
    return load_table(snapshot).to_pylist()


TIMED = {"target": "y", "timestamp": "t"}


def timed(moments):
    rows = len(moments)
    return pd.DataFrame({"t": moments, "x": range(rows), "y": ["a", "b"] * (rows // 2)})


def test_the_latest_rows_are_held_out(part):
    frame = timed(pd.date_range(START, periods=100, freq="h"))
    found, table = part(frame, TIMED)
    assert (found.method, found.train.rows, found.holdout.rows) == ("time", 80, 20)
    assert rows_of(found.train) + rows_of(found.holdout) == table.to_pylist()
    assert found.boundary == START + timedelta(hours=80)
    assert found.first_holdout_row == 80
    assert found.train.last < found.boundary


def test_a_count_of_rows_outranks_the_share(part):
    frame = timed(pd.date_range(START, periods=100, freq="h"))
    found, _ = part(frame, TIMED, data={"holdout_rows": 33})
    assert found.holdout.rows == 33


def test_all_rows_of_one_moment_cannot_be_split(part):
    frame = timed(pd.DatetimeIndex([START] * 100))
    with pytest.raises(DataRejected, match="0 of 100 rows would be held out"):
        part(frame, TIMED)


def test_rows_in_declared_order_are_split_by_position(part):
    frame = pd.DataFrame({"x": range(100), "y": ["a", "b"] * 50})
    found, _ = part(frame, {"target": "y", "ordered": True})
    assert [row["x"] for row in rows_of(found.holdout)] == list(range(80, 100))
    assert found.boundary is None
    assert found.first_holdout_row == 80


def unordered(rows, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"{seed}-{i}" for i in range(rows)],
            "x": rng.normal(size=rows),
            "job": rng.choice(["chef", None], rows),
            "y": rng.choice(["a", "b"], rows),
        }
    )


@pytest.mark.parametrize(
    "columns", [{"target": "y", "id": "id"}, {"target": "y", "ignored": ["id"]}]
)
def test_without_order_a_stable_share_is_held_out(part, columns):
    found, table = part(unordered(1000), columns)
    assert found.method == "hash"
    assert found.boundary is None
    assert found.first_holdout_row is None
    assert 150 < found.holdout.rows < 250
    both = rows_of(found.train) + rows_of(found.holdout)
    assert sorted(row["x"] for row in both) == sorted(table["x"].to_pylist())


@pytest.mark.parametrize(
    "columns", [{"target": "y", "id": "id"}, {"target": "y", "ignored": ["id"]}]
)
def test_no_later_holdout_holds_a_row_that_a_champion_was_fitted_on(part, columns):
    first, later = unordered(500), unordered(400, seed=1)
    champion, _ = part(first, columns)
    grown = pd.concat([later, first.sample(frac=0.7, random_state=2)])
    candidate, _ = part(grown, columns)
    fitted = set(load_frame(champion.train)["x"])
    assert fitted.isdisjoint(load_frame(candidate.holdout)["x"])


CELLS = st.none() | st.integers(-5, 5) | st.text(max_size=3)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20),
    st.lists(st.tuples(CELLS, CELLS), max_size=20),
    st.floats(0, 1),
    st.randoms(use_true_random=False),
)
def test_a_row_lands_on_the_same_side_whatever_else_is_there(rows, others, share, random):
    def sides(pairs):
        frame = pd.DataFrame(pairs, columns=["a", "b"], dtype=object)
        held = held_out_by_hash(frame, None, ["a", "b"], share)
        return dict(zip(pairs, held.tolist(), strict=True))

    mixed = rows + others
    random.shuffle(mixed)
    alone, among = sides(rows), sides(mixed)
    assert all(among[pair] == alone[pair] for pair in rows)


def test_a_null_elsewhere_and_the_order_of_columns_move_no_row():
    whole = pd.DataFrame({"a": range(50), "b": ["x"] * 50})
    floats = pd.concat([whole, pd.DataFrame({"a": [None], "b": ["x"]})])[["b", "a"]]
    assert floats["a"].dtype != whole["a"].dtype
    before = held_out_by_hash(whole, None, ["a", "b"], 0.5)
    after = held_out_by_hash(floats, None, ["b", "a"], 0.5)
    assert after[:50].tolist() == before.tolist()


def test_another_process_draws_the_same_border():
    program = (
        "import pandas as pd; from prefect_mlops.tasks.splitting import held_out_by_hash; "
        "rows = pd.DataFrame({'id': range(40)}); "
        "print(held_out_by_hash(rows, 'id', [], 0.5).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    here = held_out_by_hash(pd.DataFrame({"id": range(40)}), "id", [], 0.5).tolist()
    assert done.stdout.strip() == str(here)


def test_cells_do_not_run_into_each_other():
    pairs = pd.DataFrame({"a": [f"{i}" for i in range(200)], "b": "x"})
    joined = pd.DataFrame({"a": [f"{i}x" for i in range(200)], "b": ""})
    one = held_out_by_hash(pairs, None, ["a", "b"], 0.5)
    assert (one != held_out_by_hash(joined, None, ["a", "b"], 0.5)).any()


def test_duplicates_land_on_the_same_side(part):
    frame = unordered(500)
    found, _ = part(pd.concat([frame, frame]), {"target": "y", "ignored": ["id"]})
    assert set(load_frame(found.train)["x"]).isdisjoint(load_frame(found.holdout)["x"])


def test_a_count_of_rows_needs_an_order(part):
    with pytest.raises(ValueError, match="holdout_rows needs rows in time order"):
        part(unordered(500), {"target": "y", "id": "id"}, data={"holdout_rows": 100})


@pytest.mark.parametrize(
    ("share", "complaint"),
    [(0.05, "5 of 100 rows would be held out"), (0.95, "5 of 100 rows would be left")],
)
def test_a_part_too_small_to_use_is_refused(part, share, complaint):
    frame = timed(pd.date_range(START, periods=100, freq="h"))
    with pytest.raises(DataRejected, match=complaint):
        part(frame, TIMED, data={"holdout_share": share})


def test_a_class_that_only_the_holdout_has_is_refused(part):
    frame = timed(pd.date_range(START, periods=100, freq="h")).assign(y=["a"] * 90 + ["b"] * 10)
    with pytest.raises(DataRejected, match=r"classes \['b'\] in the held out rows only") as caught:
        part(frame, TIMED)
    assert caught.value.column == "y"


def test_numbers_need_no_class_on_both_sides(part):
    frame = timed(pd.date_range(START, periods=100, freq="h")).assign(y=np.arange(100.0))
    found, _ = part(frame, TIMED, task_type="regression")
    assert found.holdout.rows == 20


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=20))
def test_an_id_is_on_one_side_however_it_was_typed(numbers):
    ways = [
        numbers,
        [float(number) for number in numbers],
        [str(number) for number in numbers],
        [f" {number}.0 " for number in numbers],
        pd.array(numbers, dtype="UInt64"),
    ]
    sides = [
        held_out_by_hash(pd.DataFrame({"id": values}), "id", [], 0.5).tolist() for values in ways
    ]
    assert sides == [sides[0]] * len(ways)


def test_ids_stay_where_they_were():
    found = held_out_by_hash(pd.DataFrame({"id": range(12)}), "id", [], 0.5).tolist()
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(12)]
    assert found == [int(digest[0], 16) < 8 for digest in digests]


@pytest.mark.parametrize(
    "give", [lambda frame: frame, pa.Table.from_pandas], ids=["frame", "table"]
)
def test_rows_are_split_without_a_project(give, calls, tmp_path):
    parts = split.fn(
        give(calls(4_000)),
        columns=Columns(target="y", timestamp="called_at", id="call_id"),
        task_type="binary",
        workspace=str(tmp_path / "own"),
    )
    # Half a window of 2,000 rows would be more than a fifth.
    assert (parts.train.rows, parts.holdout.rows) == (3_200, 800)
    assert parts.train.last < parts.holdout.first


def in_groups(rows, groups, seed=0):
    rng = np.random.default_rng(seed)
    frame = unordered(rows, seed)
    return frame.assign(customer=rng.integers(0, groups, rows))


@pytest.mark.parametrize("ordered", [False, True])
def test_a_group_is_on_one_side_alone(part, ordered):
    columns = {"target": "y", "group": "customer", "ordered": ordered}
    parts, table = part(in_groups(900, 400), columns)
    train, holdout = (load_frame(side)["customer"] for side in (parts.train, parts.holdout))
    assert not set(train) & set(holdout)
    if ordered:
        # Earlier rows of customers that are held out teach nothing and judge nothing.
        assert len(train) + len(holdout) < table.num_rows
        assert parts.first_holdout_row == table.num_rows - len(holdout)
        left = load_frame(parts.train)["customer"].isin(set(holdout))
        assert not left.any()
    else:
        assert len(train) + len(holdout) == table.num_rows


def test_a_group_stays_on_its_side_whatever_else_is_there(part):
    columns = {"target": "y", "group": "customer"}
    first, _ = part(in_groups(900, 300), columns)
    later, _ = part(in_groups(1_200, 300, seed=1), columns)
    fitted, held = (set(load_frame(side)["customer"]) for side in (first.train, later.holdout))
    assert not fitted & held


def test_few_groups_are_refused(part):
    with pytest.raises(DataRejected, match=r"rows held out are of .* groups of 'customer', and 20"):
        part(in_groups(900, 30), {"target": "y", "group": "customer"})
    with pytest.raises(DataRejected, match="rows to fit on are of 0 groups of 'customer', and 20"):
        part(in_groups(900, 25), {"target": "y", "group": "customer", "ordered": True})
