"""What every prediction log does, whatever database is behind it."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected, LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.storage.codec import python_scalar
from prefect_mlops.storage.interface import Coverage
from prefect_mlops.storage.predictions import Prediction

FIXED = ["id", "version", "at", "latency_seconds", "request", "prediction", "label"]


def test_appending_again_changes_nothing(store, predict, window):
    first = [predict("a"), predict("b", 1)]
    assert store.append(first) == 2
    again = [predict("b", 5, prediction="no", features={"age": 99}), predict("c", 2)]
    assert store.append(again) == 1
    rows = store.read("calls", window()).to_pylist()
    assert [(row["id"], row["prediction"], row["features.age"]) for row in rows] == [
        ("a", "yes", 40),
        ("b", "yes", 40),
        ("c", "yes", 40),
    ]


def test_an_id_twice_in_one_batch_is_one_prediction(store, predict, window):
    assert store.append([predict("a"), predict("a", 1), predict("b")]) == 2
    assert store.coverage("calls", window()).rows == 2


def test_a_failure_is_a_row_without_an_answer(store, predict, window):
    failure = predict("b", 1, prediction=None, features={}, score=None, request="r")
    store.append([predict("a"), failure, predict("c", 2)])
    assert store.get("calls", "b") == failure
    rows = store.read("calls", window()).to_pylist()
    assert [(row["id"], row["prediction"], row["features.age"]) for row in rows] == [
        ("a", "yes", 40),
        ("b", None, None),
        ("c", "yes", 40),
    ]
    assert store.attach_labels("calls", {"b": "no"}).attached == 1
    assert store.coverage("calls", window()) == Coverage(rows=3, labelled=1)


def test_appending_nothing_is_fine(store):
    assert store.append([]) == 0


def test_a_window_holds_its_start_and_not_its_end(store, predict, window):
    microsecond = 1e-6
    store.append(
        [
            predict("before", 10 - microsecond),
            predict("start", 10),
            predict("last", 20 - microsecond),
            predict("end", 20),
        ]
    )
    assert store.read("calls", window(10, 20)).column("id").to_pylist() == ["start", "last"]
    assert store.coverage("calls", window(10, 20)) == Coverage(rows=2, labelled=0)


def test_rows_come_in_order_of_time_then_id(store, predict, window):
    store.append(
        [predict("z", 2), predict("é", 1), predict("b", 1), predict("B", 1), predict("a", 3)]
    )
    assert store.read("calls", window()).column("id").to_pylist() == ["B", "b", "é", "z", "a"]


def test_the_last_n_are_the_latest_by_time_then_id_in_ascending_order(store, predict):
    store.append([predict(id, second) for id, second in [("b", 5), ("a", 5), ("c", 1), ("d", 9)]])
    assert store.read("calls", Window(last=2)).column("id").to_pylist() == ["b", "d"]
    assert store.read("calls", Window(last=9)).column("id").to_pylist() == ["c", "a", "b", "d"]
    store.attach_labels("calls", {"d": "no", "c": "yes"})
    assert store.coverage("calls", Window(last=2)) == Coverage(rows=2, labelled=1)


def test_moments_keep_their_microseconds_and_come_back_in_utc(store, predict, window):
    offset = datetime.fromisoformat("2026-01-01T02:00:00.123457+01:30")
    store.append([predict("a").model_copy(update={"at": offset})])
    table = store.read("calls", window())
    assert table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert table.column("at").to_pylist() == [datetime(2026, 1, 1, 0, 30, 0, 123457, tzinfo=UTC)]


def test_an_empty_window_has_the_columns_of_the_others(store, predict, window):
    store.append([predict("a", 100)])
    for window_, columns in ((window(0, 50), None), (window(0, 50), ["age"]), (window(), None)):
        table = store.read("calls", window_, columns=columns)
        assert table.schema == store.read("calls", Window(last=5)).schema
    assert store.read("calls", window(0, 50)).num_rows == 0
    unheard = store.read("unheard-of", Window(last=5))
    assert (unheard.num_rows, unheard.column_names) == (0, FIXED)
    assert unheard.schema.field("at").type == pa.timestamp("us", "UTC")


def test_only_the_asked_features_are_read(store, predict, window):
    store.append([predict("a", features={"x": 1, "y": 2}), predict("b", 1, features={"x": 3})])
    table = store.read("calls", window(), columns=["y", "never"])
    assert [name for name in table.column_names if name.startswith("features.")] == [
        "features.y",
        "features.never",
    ]
    assert table.column("features.y").to_pylist() == [2, None]
    assert table.column("features.never").null_count == 2


def test_rows_may_have_different_features_and_scores(store, predict, window):
    store.append(
        [
            predict("a", features={"old": 1.5}, score={"no": 1.0}),
            predict("b", 1, features={"new": "x"}, score={"yes": 0.5, "no": 0.5}),
            predict("c", 2, features={}, score=None),
        ]
    )
    table = store.read("calls", window())
    assert table.column("features.old").to_pylist() == [1.5, None, None]
    assert table.column("features.new").to_pylist() == [None, "x", None]
    assert table.column("score.no").to_pylist() == [1.0, 0.5, None]
    assert table.column("score.yes").type == pa.float64()


def test_models_versions_and_roles_are_kept_apart(store, predict, window):
    store.append(
        [
            predict("a"),
            predict("a", 1, model="other", prediction="no"),
            predict("b", 2, version="2"),
            predict("shadow", 3, role="challenger", label="no"),
        ]
    )
    rows = store.read("calls", window())
    assert rows.column("id").to_pylist() == ["a", "b"]
    assert rows.column("version").to_pylist() == ["1", "2"]
    assert store.read("other", window()).column("prediction").to_pylist() == ["no"]
    shadow = store.read("calls", window(), role="challenger")
    assert shadow.column("id").to_pylist() == ["shadow"]
    assert store.coverage("calls", window()) == Coverage(rows=2, labelled=0)
    assert store.coverage("calls", window(), role="challenger") == Coverage(rows=1, labelled=1)


@pytest.mark.parametrize(
    ("model", "id"), [('a", "b', "c"), ("a", 'b", "c'), ("a\x00b", "\x00"), ("é", "$ne")]
)
def test_odd_names_and_ids_identify_only_themselves(store, predict, window, model, id):
    store.append([predict(id, model=model), predict("b", model="a"), predict("c", model="b")])
    assert store.read(model, window()).column("id").to_pylist() in ([id], [id, "b"], ["b", id])
    assert store.attach_labels(model, {id: "yes"}).attached == 1
    assert store.coverage("b", window()) == Coverage(rows=1, labelled=0)


def test_champion_and_challenger_may_predict_the_same_row(store, predict, window):
    for role, version in (("champion", "1"), ("shadow", "2"), ("challenger", "3")):
        row = predict("a", role=role, version=version, latency_seconds=0.5, request="r")
        assert store.append([row]) == 1
        assert store.append([row]) == 0
        assert store.get("calls", "a", role=role) == row
    report = store.attach_labels("calls", {"a": "no", "b": "no"})
    assert (report.attached, report.changed, report.unknown) == (1, 0, ["b"])
    for role, version in (("champion", "1"), ("shadow", "2"), ("challenger", "3")):
        [row] = store.read("calls", window(), role=role).to_pylist()
        assert (row["version"], row["label"]) == (version, "no")
        assert (row["latency_seconds"], row["request"]) == (0.5, "r")
        assert store.coverage("calls", window(), role=role) == Coverage(rows=1, labelled=1)
    store.append([predict("b"), predict("b", role="shadow", label="yes")])
    report = store.attach_labels("calls", {"a": "yes", "b": "yes"}, overwrite=True)
    assert (report.attached, report.changed) == (1, 1)
    [entry] = store.journal("label", "calls")
    assert sorted(row["role"] for row in entry["changed"]) == ["challenger", "champion", "shadow"]


def test_one_prediction_is_returned_exactly(store, predict):
    features = {
        "none": None,
        "nan": float("inf"),
        "large": 2**80,
        "decimal": Decimal("1.20"),
        "bytes": b"\x00\xff",
        "moment": datetime(2026, 1, 1, 12, 0, 0, 123457, tzinfo=UTC),
        "nested": {"a.b": [1, None, {"$c": "d"}]},
        "$where": "x",
    }
    prediction = predict("a", features=features)
    store.append([prediction])
    assert store.get("calls", "a") == prediction
    store.attach_labels("calls", {"a": True})
    assert store.get("calls", "a") == prediction.model_copy(update={"label": True})
    assert store.get("calls", "a", role="shadow") is None
    assert store.get("calls", "b") is None


def test_a_sample_is_about_as_large_as_asked_and_the_same_for_every_role(store, predict, window):
    for role in ("champion", "shadow"):
        store.append([predict(f"{i}", i / 10, role=role) for i in range(1_000)])
    for asked in (window(), Window(last=900)):
        sample = store.read("calls", asked, sample=300).column("id").to_pylist()
        assert 240 <= len(sample) <= 360
        assert sample == store.read("calls", asked, sample=300, role="shadow")["id"].to_pylist()
        assert set(sample) <= set(store.read("calls", asked)["id"].to_pylist())
    assert store.read("calls", window(), sample=1_000).num_rows == 1_000
    assert store.read("calls", window(50, 60), sample=5_000).num_rows == 100


def test_a_window_arrives_in_parts_of_one_schema(store, predict, window, monkeypatch):
    monkeypatch.setattr("prefect_mlops.storage.mongodb._ROWS_PER_REPLY", 10)
    monkeypatch.setattr("prefect_mlops.storage.sqlite._ROWS_PER_PAGE", 10)
    monkeypatch.setattr("prefect_mlops.storage.base._BATCH_BYTES", 1)
    rows = [predict(f"{i:02d}", i // 7, features={"x": i, "y": None}) for i in range(35)]
    store.append([*rows, predict("late", 40, features={"x": 0.5})])
    for asked, ids in ((window(0, 30), range(35)), (Window(last=26), [*range(10, 35), "late"])):
        batches = list(store.batches("calls", asked))
        assert [batch.num_rows for batch in batches][:2] == [10, 10]
        assert {batch.schema for batch in batches} == {batches[0].schema}
        found = pa.Table.from_batches(batches)
        assert found.column("id").to_pylist() == [i if i == "late" else f"{i:02d}" for i in ids]
        assert found.schema.field("features.x").type == pa.float64()
    [empty] = store.batches("calls", window(100, 200))
    assert empty.num_rows == 0


def test_a_value_of_a_new_kind_during_a_read_is_never_cut(open_log, predict, window, monkeypatch):
    monkeypatch.setattr("prefect_mlops.storage.mongodb._ROWS_PER_REPLY", 10)
    monkeypatch.setattr("prefect_mlops.storage.sqlite._ROWS_PER_PAGE", 10)
    monkeypatch.setattr("prefect_mlops.storage.base._BATCH_BYTES", 1)
    with open_log() as store, open_log() as other:
        store.append([predict(f"{i:02d}", i, features={"x": 1}) for i in range(25)])
        for value in (0.5, "text"):
            batches = store.batches("calls", window())
            next(batches)
            other.append([predict(f"late {value}", 30, features={"x": value})])
            with pytest.raises(LogUnavailable, match="read again"):
                list(batches)
        column = store.read("calls", window()).column("features.x")
        assert column.to_pylist() == [*["1"] * 25, "0.5", "text"]


def test_old_predictions_are_deleted_and_the_journal_kept(store, predict, window):
    store.append([predict("a", 0), predict("b", 10), predict("c", 20, model="other")])
    store.record("decision", "k", "calls", {"n": 1})
    assert store.prune(window(10, 20).start) == 1
    assert store.prune(window(10, 20).start) == 0
    assert store.read("calls", window()).column("id").to_pylist() == ["b"]
    assert store.coverage("other", window()).rows == 1
    assert store.journal("decision", "calls") == [{"n": 1}]


def test_labels_arrive_late_in_any_order_and_may_change(store, predict, window):
    assert store.attach_labels("calls", {"a": "yes"}).unknown == ["a"]
    store.append([predict("a"), predict("b", 1), predict("c", 2, label="no"), predict("d", 3)])
    assert store.read("calls", window()).column("label").to_pylist() == [None, None, "no", None]

    labels = {"c": "yes", "b": "no", "x": "no", "a": "yes", "e": "no"}
    report = store.attach_labels("calls", labels, overwrite=True)
    assert (report.attached, report.changed, report.unknown) == (2, 1, ["e", "x"])
    again = store.attach_labels("calls", {"a": "yes", "c": "yes"})
    assert (again.attached, again.changed, again.unknown) == (2, 0, [])

    assert store.read("calls", window()).column("label").to_pylist() == ["yes", "no", "yes", None]
    assert store.coverage("calls", window()) == Coverage(rows=4, labelled=3)


def test_a_known_label_stays_unless_told_otherwise_and_then_its_history_is_kept(
    store, predict, window
):
    store.append([predict(id, i) for i, id in enumerate("abcd")])
    store.attach_labels("calls", {"a": "no", "b": "yes", "c": "no"})
    others = {"a": "yes", "b": "maybe", "c": "no", "d": "no", "e": "no"}
    with pytest.raises(DataRejected, match=r"2 of 5 labels .* 'a' from 'no' to 'yes'.*overwrite"):
        store.attach_labels("calls", others)
    assert store.read("calls", window()).column("label").to_pylist() == ["no", "yes", "no", None]
    assert store.journal("label", "calls") == []

    report = store.attach_labels("calls", others, overwrite=True)
    assert (report.attached, report.changed, report.unknown) == (2, 2, ["e"])
    assert store.read("calls", window()).column("label").to_pylist() == ["yes", "maybe", "no", "no"]
    [entry] = store.journal("label", "calls")
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    assert entry["changed"] == [
        {"id": "a", "role": "champion", "before": "no", "after": "yes"},
        {"id": "b", "role": "champion", "before": "yes", "after": "maybe"},
    ]
    assert store.attach_labels("calls", others, overwrite=True).changed == 0
    assert len(store.journal("label", "calls")) == 1


@pytest.mark.parametrize(
    ("before", "after"), [(1, 1.0), (1, "1"), ("1.0", 1), (True, 1), (1, "true"), (1.5, "1.50")]
)
def test_the_same_label_of_another_type_is_no_other_one(store, predict, window, before, after):
    store.append([predict("a")])
    store.attach_labels("calls", {"a": before})
    report = store.attach_labels("calls", {"a": after})
    assert (report.attached, report.changed) == (1, 0)
    assert store.get("calls", "a").label == before


@pytest.mark.parametrize("label", ["$x", 2**62 + 1, 2**70, math.inf, 0.1, True, "\ud800"])
def test_any_label_can_be_overwritten(store, predict, label):
    store.append([predict("a")])
    store.attach_labels("calls", {"a": label})
    assert store.get("calls", "a").label == label
    assert store.attach_labels("calls", {"a": "no"}, overwrite=True).changed == 1
    assert store.get("calls", "a").label == "no"
    assert store.journal("label", "calls")[0]["changed"][0]["before"] == label


def test_labels_find_predictions_by_the_ids_of_before(store, predict, window):
    store.append([predict("7.0"), predict("8", 1), predict("8.0", 2), predict(" 9", 3)])
    store.append([predict("7.0", 0, role="shadow")])
    earlier = {"7": ["7.0"], "8": ["8.0"], "9": [" 9 ", " 9"], "10": ["10.0"]}
    labels = {"7": "yes", "8": "no", "9": "yes", "10": "no"}
    report = store.attach_labels("calls", labels, earlier_ids=earlier)
    assert (report.attached, report.changed, report.unknown) == (3, 0, ["10"])
    found = store.read("calls", window()).to_pylist()
    assert {row["id"]: row["label"] for row in found} == {
        "7.0": "yes",
        "8": "no",
        "8.0": None,
        " 9": "yes",
    }
    assert store.get("calls", "7.0", role="shadow").label == "yes"
    with pytest.raises(DataRejected, match=r"'7.0' from 'yes' to 'no'"):
        store.attach_labels("calls", {"7": "no"}, earlier_ids=earlier)


def test_predictions_are_found_by_their_ids(store, predict):
    rows = [predict(f"{i:04d}", i, features={"x": i, "y": None}) for i in range(700)]
    store.append([*rows, predict("0000", role="shadow")])
    store.attach_labels("calls", {"0007": "no"})
    found = store.find("calls", [*(row.id for row in rows), "none"])
    expected = {row.id: row for row in rows}
    assert found == expected | {"0007": rows[7].model_copy(update={"label": "no"})}
    assert store.find("calls", []) == {}
    assert list(store.find("calls", ["0000", "0001"], role="shadow")) == ["0000"]


def test_logging_again_does_not_take_a_label_away(store, predict, window):
    store.append([predict("a")])
    store.attach_labels("calls", {"a": "no"})
    store.append([predict("a")])
    assert store.read("calls", window()).column("label").to_pylist() == ["no"]


def test_many_labels_are_attached_at_once(store, predict, window):
    store.append([predict(f"{i:04d}", i / 1000) for i in range(700)])
    labels = {f"{i:04d}": i % 3 for i in range(1_100)}
    report = store.attach_labels("calls", labels)
    assert (report.attached, len(report.unknown)) == (700, 400)
    assert store.read("calls", window()).column("label").to_pylist() == [i % 3 for i in range(700)]


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan")])
def test_a_missing_label_is_refused_and_none_is_attached(store, predict, window, missing):
    store.append([predict("a"), predict("b", 1)])
    with pytest.raises(DataRejected, match="'b'"):
        store.attach_labels("calls", {"a": "yes", "b": missing})
    assert store.coverage("calls", window()).labelled == 0


@pytest.mark.parametrize(
    "case",
    [
        ([1, 0, 1], [1, 0, 1], pa.int64()),
        ([np.int64(1), np.bool_(True), 0], [1, 1, 0], pa.int64()),
        ([True, False, True], [True, False, True], pa.bool_()),
        ([1, 0.5, True], [1.0, 0.5, 1.0], pa.float64()),
        (["1", 1, True], ["1", "1", "True"], pa.string()),
    ],
)
def test_labels_of_several_types_take_one_column_type(store, predict, window, case):
    labels, expected, type_ = case
    store.append([predict(str(i), i) for i in range(4)])
    store.attach_labels("calls", {str(i): label for i, label in enumerate(labels)})
    column = store.read("calls", window()).column("label")
    assert column.type == type_
    assert column.to_pylist() == [*expected, None]


def test_labels_that_nobody_knows_have_the_type_of_the_prediction(store, predict, window):
    store.append([predict("a", prediction=1.5, score=None)])
    column = store.read("calls", window()).column("label")
    assert column.type == pa.float64()
    assert column.to_pylist() == [None]


def test_what_users_name_is_never_a_path_nor_an_operator(store, predict, window):
    features = {
        "a.b": 1,
        "$set": "x",
        "$where": 2,
        'quo"te': 3,
        "naïve ☃": 4,
        "": 5,
        "a": 6,
        "x\x00y": 7,
    }
    store.append(
        [
            predict(
                "{$ne: 1}", features=features, prediction="$label", score={"a.b": 0.5, "$c": 0.5}
            ),
            predict("other", 1, features=features),
        ]
    )
    assert store.attach_labels("calls", {"{$ne: 1}": "$prediction"}).attached == 1
    row, other = store.read("calls", window()).to_pylist()
    assert {name: row[f"features.{name}"] for name in features} == features
    assert (row["prediction"], row["label"], row["score.a.b"]) == ("$label", "$prediction", 0.5)
    assert other["label"] is None


SCALARS = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "str": st.text(st.characters(codec="utf-8"), max_size=20),
    "moment": st.datetimes(timezones=st.just(UTC)),
    "local": st.datetimes(),
}
ARROW = {
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "str": pa.string(),
    "moment": pa.timestamp("us", "UTC"),
    "local": pa.timestamp("us"),
}


@st.composite
def typed_rows(draw):
    names = st.text(st.characters(codec="utf-8"), max_size=8)
    kinds = draw(st.dictionaries(names, st.sampled_from(sorted(SCALARS)), max_size=4))
    some = {name: st.none() | SCALARS[kind] for name, kind in kinds.items()}
    return kinds, draw(st.lists(st.fixed_dictionaries(some), min_size=1, max_size=4))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=typed_rows())
def test_features_come_back_as_they_were(store, predict, window, content):
    kinds, rows = content
    model = uuid4().hex
    store.append([predict(str(i), i, model=model, features=row) for i, row in enumerate(rows)])
    table = store.read(model, window())
    assert table.num_rows == len(rows)
    for name, kind in kinds.items():
        column = table.column(f"features.{name}")
        expected = [row[name] for row in rows]
        assert column.type in (ARROW[kind], pa.null())
        assert all(map(_same, column.to_pylist(), expected))


def _same(found, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(expected) and found == expected


WHOLE = (
    st.integers()
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.integers(2**63 - 2, 2**63 + 2)
    | st.integers(10**38 - 2, 10**38 + 2)
    | st.integers(0, 2**64 - 1).map(np.uint64)
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    WHOLE,
    WHOLE.map(lambda value: -int(value)),
    st.floats(),
    st.floats(width=32).map(np.float32),
    WHOLE.map(float),
    st.decimals(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.text(),
    WHOLE.map(str),
    st.sampled_from(["1", "1.0", "True", "None", "nan", "2026-01-01", "\ud800"]),
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-3, seconds=7))])),
    st.sampled_from([datetime.max, datetime.min]).map(lambda m: m.replace(tzinfo=UTC)),
    st.integers(-(2**62), 2**62).map(lambda number: np.datetime64(number, "us")),
    st.dates(),
    st.binary(max_size=4),
    st.lists(st.none() | WHOLE | st.dates(), max_size=2),
    st.dictionaries(st.text(max_size=2) | st.binary(max_size=2) | st.dates(), WHOLE, max_size=2),
    st.timedeltas(),
    st.times(),
    st.just(10**5_000),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(ANYTHING, min_size=1, max_size=5))
@example(values=[np.uint64(2**62 + 1), np.uint64(2**63 + 1)])
@example(values=[2**53 + 1, None, 2**62 + 1])
@example(values=[2**53 + 1, 0.5])
@example(values=[2**63 + 1, math.inf, True])
@example(values=[True, 2**53 + 1, 2**64])
@example(values=[Decimal("0.1"), 0.1, 3])
@example(values=[Decimal("0.1234567890123456789"), 0.1])
@example(values=[datetime.max.replace(tzinfo=timezone(timedelta(hours=-3)))])
@example(values=[Decimal("sNaN")])
def test_whatever_is_logged_can_be_read_as_it_was_or_is_refused(store, predict, window, values):
    model = uuid4().hex
    kept = []
    for second, value in enumerate(values):
        row = predict(str(second), second, model=model)
        row = Prediction.model_construct(**{**dict(row), "features": {"x": value, "y": 1}})
        try:
            store.append([row])
        except (TypeError, ValueError) as error:
            assert "feature 'x'" in str(error)
        else:
            kept.append((str(second), python_scalar(value)))
        # Of each window: one that was read before is no other afterwards.
        table = store.read(model, window())
        assert table.column("id").to_pylist() == [id for id, _ in kept]
        if kept:
            column = table.column("features.x")
            for found, (id, given) in zip(column.to_pylist(), kept, strict=True):
                assert _holds(column.type, found, given), (column.type, found, given)
                assert _equal(store.get(model, id).features["x"], given)


def _equal(found, given):
    if isinstance(given, Decimal) and given.is_nan():
        return found.is_nan()
    return found == given or (found != found and given != given)  # noqa: PLR0124


def _holds(type_, found, given):
    if given is None:
        return found is None
    if pa.types.is_string(type_):
        as_text = json.loads(found) if isinstance(given, list) else found
        if isinstance(given, list):
            return as_text == [
                v if isinstance(v, int) else v and str(v) for v in map(python_scalar, given)
            ]
        if isinstance(given, dict):
            return len(json.loads(found)) == len({str(key) for key in given})
        if isinstance(given, float) and given == 0:
            # FerretDB does not keep the sign of a zero.
            return found in ("0.0", "-0.0")
        return found == str(given).encode("utf-8", "replace").decode()
    if pa.types.is_float64(type_) and isinstance(given, Decimal):
        return Decimal(repr(found)) == given
    return _equal(found, given)


def test_a_name_that_no_table_could_have_is_refused(store, predict, window):
    bad = Prediction.model_construct(**{**dict(predict("b")), "features": {"x\ud800": 1}})
    with pytest.raises(ValueError, match="rename the feature or class"):
        store.append([predict("a"), bad])
    assert store.coverage("calls", window()).rows == 0


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_moment_that_no_clock_in_utc_shows_is_refused(store, predict, window, seconds):
    offset = timezone(timedelta(hours=-seconds))
    edge = (datetime.max if seconds > 0 else datetime.min).replace(tzinfo=offset)
    bad = Prediction.model_construct(**{**dict(predict("b")), "at": edge})
    with pytest.raises(ValueError, match="years 1 to 9999"):
        store.append([predict("a"), bad])
    store.append([predict("c").model_copy(update={"at": datetime.max.replace(tzinfo=UTC)})])
    assert store.read("calls", Window(last=1)).column("id").to_pylist() == ["c"]
    assert store.get("calls", "c").at.year == 9999


def test_numpy_scalars_are_logged_as_what_they_are(store, predict, window):
    features = {
        "i": np.int64(3),
        "b": np.bool_(True),
        "f": np.float32(0.5),
        "m": np.datetime64("2026-01-01T00:00:00", "ns"),
    }
    checked = predict("a", features=features, prediction=np.int64(1))
    unchecked = Prediction.model_construct(**{**dict(checked), "id": "b", "features": features})
    store.append([checked, unchecked])
    for row in store.read("calls", window()).to_pylist():
        assert [type(row[f"features.{name}"]) for name in "ibfm"] == [int, bool, float, datetime]
        assert row["prediction"] == 1


def test_a_value_that_cannot_be_logged_is_refused_and_nothing_is_kept(store, predict, window):
    bad = Prediction.model_construct(**{**dict(predict("b")), "features": {"x": object()}})
    with pytest.raises(TypeError, match="cannot be logged"):
        store.append([predict("a"), bad])
    assert store.coverage("calls", window()).rows == 0


def test_the_journal_is_read_newest_first_by_kind_and_project(store):
    for i in range(12):
        assert store.record("decision", f"key-{i}", "calls", {"number": i})
    assert store.record("decision", "of-another", "mails", {"number": 99})
    assert store.record("repair", "key-0", "calls", {"number": 50})
    assert [entry["number"] for entry in store.journal("decision", "calls")] == [*range(11, -1, -1)]
    assert store.journal("decision", "calls", limit=2) == [{"number": 11}, {"number": 10}]
    assert store.journal("decision", "calls", limit=0) == []
    assert store.journal("decision", "mails") == [{"number": 99}]
    assert store.journal("repair", "calls") == [{"number": 50}]
    assert store.journal("promotion", "calls") == []


def test_a_key_is_taken_once_within_its_kind(store):
    document = {"a.b": 1, "$set": None, "nested": {"x": [1, 2.5, "é"]}}
    assert store.record("decision", "k", "calls", document)
    assert not store.record("decision", "k", "calls", {"other": 1})
    assert not store.record("decision", "k", "mails", {"other": 1})
    assert store.journal("decision", "calls") == [document]
    assert store.journal("decision", "mails") == []


def test_of_concurrent_claims_exactly_one_wins(open_log):
    contenders = 6
    stores = [open_log() for _ in range(contenders)]
    try:
        with ThreadPoolExecutor(contenders) as pool:
            for round_ in range(5):
                claims = pool.map(
                    lambda n, r=round_: stores[n].record("promotion", f"{r}", "calls", {"by": n}),
                    range(contenders),
                )
                winners = [n for n, won in enumerate(claims) if won]
                assert len(winners) == 1
                assert stores[0].journal("promotion", "calls", limit=1) == [{"by": winners[0]}]
    finally:
        for store in stores:
            store.close()


def test_threads_may_share_a_store(store, predict, window):
    with ThreadPoolExecutor(4) as pool:
        logged = pool.map(
            lambda n: store.append([predict(f"{n}-{i}", n, features={"n": n}) for i in range(25)]),
            range(8),
        )
        assert sum(logged) == 200
    assert store.coverage("calls", window()).rows == 200


def test_two_stores_see_one_log(open_log, predict, window):
    with open_log() as writer, open_log() as reader:
        writer.append([predict("a")])
        assert reader.read("calls", window()).num_rows == 1
        reader.attach_labels("calls", {"a": "no"})
        assert writer.coverage("calls", window()).labelled == 1


def test_what_was_logged_is_there_after_closing(open_log, predict, window):
    with open_log() as store:
        store.append([predict("a")])
        store.record("repair", "k", "calls", {"n": 1})
    with open_log() as store:
        assert store.read("calls", window()).column("id").to_pylist() == ["a"]
        assert store.journal("repair", "calls") == [{"n": 1}]


def test_a_closed_store_is_unavailable(open_log, predict):
    store = open_log()
    store.ping()
    store.close()
    store.close()
    for use in (
        store.ping,
        lambda: store.append([predict("a")]),
        lambda: store.journal("repair", "p"),
    ):
        with pytest.raises(LogUnavailable):
            use()


_WRITER = """
import sys
from datetime import UTC, datetime, timedelta, timezone
from prefect_mlops.storage.codec import python_scalar
from prefect_mlops.storage.interface import Prediction
from prefect_mlops.storage.open import open_store
store = open_store(sys.argv[1], collection=sys.argv[2], timeout_seconds=20)
for batch in range(10_000):
    store.append([
        Prediction(id=f"{batch}-{row}", model="calls", version="1", prediction=row,
                   at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=batch),
                   features={"text": "x" * 500, "batch": batch})
        for row in range(20)
    ])
    print(batch, flush=True)
"""


def test_a_killed_writer_leaves_whole_rows_and_can_be_repeated(
    uri, collection, store, predict, window
):
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, uri, collection], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in writer.stdout:
            if int(line) == 8:
                time.sleep(0.013)
                break
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    rows = store.read("calls", window(), columns=["batch", "text"]).to_pylist()
    assert all(row["features.text"] == "x" * 500 for row in rows)
    assert len(rows) >= 9 * 20
    if uri.startswith("sqlite"):
        assert len(rows) % 20 == 0
    last = max(row["features.batch"] for row in rows)
    written = sum(row["features.batch"] == last for row in rows)
    repeated = [
        predict(f"{last}-{row}", timedelta(milliseconds=last).total_seconds()) for row in range(20)
    ]
    assert store.append(repeated) == 20 - written
    assert store.coverage("calls", window()).rows == (last + 1) * 20
