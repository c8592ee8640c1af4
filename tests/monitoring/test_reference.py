"""The reference keeps what windows are compared with, and survives a round trip to disk."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected, ModelUnavailable
from prefect_mlops.data.schema import conform
from prefect_mlops.metrics.losses import metric_value, row_losses
from prefect_mlops.monitoring.profile import CategoryProfile, NumberProfile
from prefect_mlops.monitoring.reference import SAMPLE_ROWS, Reference, build_reference


def holdout(rows: int = 600, seed: int = 0):
    rng = np.random.default_rng(seed)
    raw = pd.DataFrame(
        {
            "size": rng.lognormal(size=rows),
            "on": rng.random(rows) < 0.3,
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]),
            "when": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows), "h"),
            "same": 5.0,
        }
    )
    raw.loc[::10, "size"] = np.nan
    feature_types = {
        "size": "number",
        "on": "boolean",
        "colour": "category",
        "when": "datetime",
        "same": "number",
    }
    frame, _ = conform(raw, feature_types)
    chance = rng.random(rows)
    truth = pd.Series(np.where(rng.random(rows) < chance, "yes", "no"))
    return frame, feature_types, np.column_stack([1 - chance, chance]), truth


def reference(rows: int = 600) -> Reference:
    frame, feature_types, predicted, truth = holdout(rows)
    return build_reference(
        frame,
        predicted,
        truth,
        task_type="binary",
        classes=["no", "yes"],
        feature_types=feature_types,
        importance={"size": 0.7, "colour": 0.3},
        losses=row_losses("log_loss", truth, predicted, ["no", "yes"]),
        metric="log_loss",
    )


def test_the_reference_keeps_the_promised_metric_and_the_watched_probability():
    _, _, predicted, truth = holdout()
    losses = row_losses("log_loss", truth, predicted, ["no", "yes"])
    kept = reference()
    assert kept.promise.value == metric_value("log_loss", losses)
    assert kept.promise.rows == 600
    assert list(kept.predictions) == ["score.yes"]
    assert kept.columns["size"].null_rate == pytest.approx(0.1)
    assert kept.importance == {"size": 0.7, "on": 0.0, "colour": 0.3, "when": 0.0, "same": 0.0}
    assert isinstance(kept.columns["on"], CategoryProfile)
    assert set(kept.columns["on"].shares) == {"0", "1"}


def test_a_saved_reference_loads_the_same(tmp_path):
    before = reference()
    before.save(tmp_path / "reference")
    after = Reference.load(tmp_path / "reference")
    assert not list(tmp_path.rglob("*.pkl"))
    pd.testing.assert_frame_equal(before.sample, after.sample)
    for name in ("task_type", "classes", "feature_types", "importance", "promise", "target"):
        assert getattr(before, name) == getattr(after, name)
    assert after.columns["colour"] == before.columns["colour"]
    assert np.array_equal(after.columns["size"].blocks, before.columns["size"].blocks)
    assert list(after.columns) == list(before.columns)


def test_the_sample_is_small_seeded_and_laid_out_like_the_log():
    first, second = reference(SAMPLE_ROWS + 100), reference(SAMPLE_ROWS + 100)
    assert len(first.sample) == SAMPLE_ROWS
    pd.testing.assert_frame_equal(first.sample, second.sample)
    assert list(first.sample)[-4:] == ["score.no", "score.yes", "prediction", "label"]
    assert "features.size" in first.sample


def test_numeric_predictions_and_targets_are_profiled_as_numbers():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=50)})
    kept = build_reference(
        frame,
        np.arange(50.0),
        pd.Series(range(50)),
        task_type="regression",
        classes=None,
        feature_types={"a": "number"},
        importance={"a": 1.0},
        losses=np.ones(50),
        metric="rmse",
    )
    assert kept.promise.value == 1.0
    assert isinstance(kept.predictions["prediction"], NumberProfile)
    assert isinstance(kept.target, NumberProfile)
    assert len(kept.columns["a"].blocks) == 50


def test_labels_of_another_length_are_rejected():
    frame, feature_types, predicted, truth = holdout()
    with pytest.raises(DataRejected, match=r"as many labels as rows.*599 for 600"):
        build_reference(
            frame,
            predicted,
            truth.iloc[1:],
            task_type="binary",
            classes=["no", "yes"],
            feature_types=feature_types,
            importance={},
            losses=np.ones(600),
            metric="log_loss",
        )


@pytest.mark.parametrize("broken", ["profile.json", "blocks.npz", "sample.parquet"])
def test_a_damaged_reference_is_an_error_that_says_what_to_do(tmp_path, broken):
    reference().save(tmp_path)
    (tmp_path / broken).write_bytes(b"{}")
    with pytest.raises(ModelUnavailable, match="Retrain"):
        Reference.load(tmp_path)


def test_a_date_only_rises_and_a_reference_without_that_word_still_loads(tmp_path):
    kept = reference()
    assert kept.columns["when"].rising
    assert not kept.columns["size"].rising
    kept.save(tmp_path)
    assert Reference.load(tmp_path).columns["when"].rising
    document = json.loads((tmp_path / "profile.json").read_text())
    for column in [*document["columns"].values(), *document["predictions"].values()]:
        column.pop("rising", None)
    (tmp_path / "profile.json").write_text(json.dumps(document))
    assert not Reference.load(tmp_path).columns["when"].rising


def test_a_reference_that_was_stored_under_the_former_name_of_the_task_type_loads(tmp_path):
    reference().save(tmp_path)
    path = tmp_path / "profile.json"
    document = json.loads(path.read_text())
    former = {**document, "task": document["task_type"]}
    path.write_text(json.dumps(former))
    with pytest.raises(ModelUnavailable, match="task and task_type are both given"):
        Reference.load(tmp_path)
    del former["task_type"]
    path.write_text(json.dumps(former))
    assert Reference.load(tmp_path).task_type == "binary"
