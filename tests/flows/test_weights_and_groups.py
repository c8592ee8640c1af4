"""Weights, groups and class weights take part in a whole training, and in no scoring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.flows import score, train

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]

COLUMNS = {
    "target": "y",
    "timestamp": "called_at",
    "id": "call_id",
    "weight": "counts",
    "group": "customer",
}
TRAINING = {"estimators": ["linear"], "trials": 1, "folds": 2, "promise_periods": 1}


def rows(count, seed=0, start="2026-01-01"):
    frame = make_calls(count, seed, start=start)
    rng = np.random.default_rng(seed)
    # A customer calls a few times in a row: some calls of one straddle any border.
    return frame.assign(counts=rng.integers(1, 6, count), customer=np.arange(count) // 3 + 7)


def dataset_of(tmp_path, frame, name="rows"):
    frame.to_parquet(tmp_path / f"{name}.parquet")
    source = {"type": "parquet", "path": str(tmp_path / f"{name}.parquet")}
    return Dataset(source=source, columns=COLUMNS)


def test_a_model_of_weighted_rows_of_groups_is_trained_compared_and_scores_without_them(
    make_flow_project, tmp_path
):
    frame = rows(1_201)
    training = {
        **TRAINING,
        "class_weights": "balanced",
        "decisions": {"calibration": "sigmoid"},
    }
    project = make_flow_project(dataset=dataset_of(tmp_path, frame), training=training)
    first = train(project)
    assert first.outcome == "promoted", first.reasons
    predictor = project.registry.load_model(first.version.uri, "binary")
    assert set(predictor.feature_types) == {"strong", "weak", "job"}
    # Balanced classes move probabilities, and calibration moves them back.
    said = predictor.predict(frame)[:, 1]
    share = np.average(frame["y"] == "yes", weights=frame["counts"])
    assert np.average(said, weights=frame["counts"]) == pytest.approx(share, abs=0.03)

    new = rows(100, seed=1, start="2026-02-01").drop(columns=["counts", "customer", "y"])
    assert score(project, dataset_of(tmp_path, new, "new")).logged == 100

    more = pd.concat(
        [
            frame,
            rows(1_001, seed=2, start="2026-03-01").assign(
                customer=lambda f: f["customer"] + 9_000
            ),
        ]
    )
    project.dataset = dataset_of(tmp_path, more, "more")
    second = train(project)
    assert second.outcome in {"promoted", "challenger"}
    (gate,) = [gate for gate in second.gates if gate.name == "superiority"]
    assert " groups log_loss is " in gate.reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": -1}, "weight 'counts' is negative in 600 of 600 rows"),
        ({"counts": 0}, "weight 'counts' is 0 in all 600 rows"),
        ({"customer": None}, "group 'customer' is empty in 600 of 600 rows"),
    ],
)
def test_rows_with_none_are_refused(make_flow_project, tmp_path, change, said):
    project = make_flow_project(dataset=dataset_of(tmp_path, rows(600).assign(**change)))
    with pytest.raises(DataRejected, match=said):
        train(project)
