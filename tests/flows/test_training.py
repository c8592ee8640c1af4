"""From rows to a champion, or to the reasons why not, for every task type with only a project."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect.states import StateType
from prefect_mlops.blocks import Dataset
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.flows import train
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_champion
from sklearn.datasets import load_diabetes, load_wine

pytestmark = pytest.mark.usefixtures("prefect_api")
STEPS = [
    "extract",
    "validate_data",
    "split",
    "open_run",
    "tune",
    "fit",
    "check_model",
    "check_baseline",
    "check_calibration",
    "check_robustness",
    "check_slices",
    "compare",
    "refit",
    "check_package",
    "check_freshness",
    "register",
]


def versions(project) -> list[str]:
    client = project.registry.get_client()
    name = project.registry.model_name
    return sorted(str(v.version) for v in client.search_model_versions(f"name='{name}'"))


def later(frame: pd.DataFrame, **change: timedelta) -> pd.DataFrame:
    return frame.assign(called_at=frame["called_at"] + timedelta(**change))


def test_a_first_model_that_passes_every_gate_is_promoted(trained):
    project, state, outcome = trained
    assert (state.type, state.name) == (StateType.COMPLETED, "Promoted")
    assert outcome.outcome == "promoted"
    assert outcome.reasons == []
    assert not [gate for gate in outcome.gates if gate.blocks]
    assert {"superiority", "loads", "same predictions", "latency"} <= {
        g.name for g in outcome.gates
    }
    assert list(outcome.seconds) == STEPS
    champion = get_champion(project.registry)
    assert champion == outcome.version
    assert champion.tags[tags.FLOW_RUN_ID] == str(state.state_details.flow_run_id)
    assert [(e["previous"], e["version"]) for e in promotion_log(project.stores)] == [(None, "1")]
    assert promotion_log(project.stores)[0]["flow_run_id"] == str(state.state_details.flow_run_id)


def test_its_evidence_is_kept_for_people(trained, artifacts_of):
    project, state, outcome = trained
    found = artifacts_of(state)
    assert {"training-calls", "gates-calls", "tuning-calls"} <= set(found)
    page = found["training-calls"].data
    assert "calls version 1" in page
    assert "log_loss" in page
    rows = json.loads(found["gates-calls"].data)
    assert len(rows) == len(outcome.gates)
    client = project.registry.get_client()
    run = client.get_run(outcome.run_id)
    assert run.info.status == "FINISHED"
    folder = Path(client.download_artifacts(outcome.run_id, ""))
    kept = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {
        "outcome.json",
        "data/suite.json",
        "reports/data_docs.html",
        "reports/comparison.json",
        "reports/curves.png",
    } <= kept
    assert json.loads((folder / "outcome.json").read_text())["outcome"] == "promoted"


def test_the_same_rows_and_configuration_are_not_trained_twice(champion, dataset):
    dataset("rows", make_calls(1_000))
    state = train(champion, return_state=True)
    outcome = state.result()
    assert state.name == "Promoted"
    assert outcome.version is not None
    assert outcome.version.version == "1"
    assert versions(champion) == ["1"]
    # Another time of monitoring shapes no model.
    champion.monitoring.drift.minimum_rows = 500
    assert train(champion).version == outcome.version
    assert versions(champion) == ["1"]


def test_a_candidate_that_is_no_better_is_the_challenger_and_says_why(champion, dataset):
    dataset("rows", make_calls(1_100))
    state = train(champion, return_state=True)
    outcome = state.result()
    assert (state.type, state.name) == (StateType.COMPLETED, "Challenger")
    assert outcome.outcome == "challenger"
    assert any(reason.startswith("superiority: ") for reason in outcome.reasons)
    challenger = find_version(champion.registry, tags.CHALLENGER)
    assert challenger is not None
    assert challenger == outcome.version
    assert json.loads(challenger.tags[tags.REASONS]) == outcome.reasons
    assert get_champion(champion.registry).version == "1"
    assert len(promotion_log(champion.stores)) == 1


def test_a_candidate_below_the_floor_is_rejected_and_never_registered(champion, artifacts_of):
    champion.gates.floors = {"roc_auc": 0.999}
    state = train(champion, return_state=True)
    outcome = state.result()
    assert (state.type, state.name) == (StateType.COMPLETED, "Rejected")
    assert outcome.version is None
    assert any("roc_auc" in reason for reason in outcome.reasons)
    assert versions(champion) == ["1"]
    assert get_champion(champion.registry).version == "1"
    assert "roc_auc" in artifacts_of(state)["training-calls"].data


@pytest.mark.slow
def test_a_rejected_candidate_is_judged_again_when_asked_again(champion, dataset):
    dataset("rows", make_calls(1_100))
    champion.gates.floors = {"roc_auc": 0.999}
    assert [train(champion).outcome for _ in range(2)] == ["rejected", "rejected"]
    champion.gates.floors = {"roc_auc": 0.5}
    assert train(champion).outcome == "challenger"


@pytest.mark.slow
def test_older_rows_never_replace_newer_ones(champion, dataset):
    dataset("rows", later(make_calls(1_000, seed=9), days=-30))
    outcome = train(champion)
    assert outcome.outcome == "challenger"
    assert any(reason.startswith("recency: ") for reason in outcome.reasons)
    assert get_champion(champion.registry).version == "1"


def test_rows_that_break_expectations_are_rejected(champion, dataset):
    broken = make_calls(1_000, seed=2, start="2026-02-01").assign(job=None)
    dataset("rows", broken)
    with pytest.raises(DataRejected, match="job"):
        train(champion)
    assert versions(champion) == ["1"]
    assert get_champion(champion.registry).version == "1"
    assert not list(Path(champion.workspace).glob("attempts/*"))


@pytest.mark.slow
def test_rows_that_were_mended_are_trained_on(champion, dataset):
    dataset("rows", make_calls(1_000, seed=2, start="2026-02-01").assign(job=None))
    with pytest.raises(DataRejected):
        train(champion)
    dataset("rows", make_calls(1_000, seed=2, start="2026-02-01"))
    assert train(champion).version is not None


def test_a_failed_retraining_is_no_longer_in_flight(champion, dataset):
    start = make_calls(1)["called_at"][0].to_pydatetime()
    cause = Cause(
        id="c1",
        project="calls",
        champion_version="1",
        window=Window(start=start, end=start + timedelta(days=1)),
        rows=100,
        reason="drift",
        signals=["drift"],
        metric="log_loss",
        decided_at=start,
    )
    dataset("rows", make_calls(1_000, seed=2, start="2026-02-01").assign(job=None))
    for _ in range(2):
        with pytest.raises(DataRejected):
            train(champion, cause)
    with champion.predictions.get_client() as store:
        ends = store.journal("retraining", "calls")
    # The first champion was trained by hand.
    assert [(end["cause_id"], end["outcome"]) for end in ends] == [
        *[("c1", "failed")] * 2,
        (None, "promoted"),
    ]
    assert all("job" in end["reasons"][0] for end in ends[:2])
    assert {end["error"] for end in ends[:2]} == {"DataRejected"}


def test_a_saved_project_is_trained_by_its_name_and_only_by_its_own(champion):
    champion.save("calls", overwrite=True)
    outcome = train("calls")
    assert outcome.version is not None
    assert outcome.version.version == "1"
    champion.save("other-name", overwrite=True)
    with pytest.raises(ConfigurationError, match="save it as 'calls'"):
        train("other-name")
    with pytest.raises(ConfigurationError, match="no MLProject block is saved as 'nobody'"):
        train("nobody")


def wine() -> tuple[pd.DataFrame, str]:
    frame = load_wine(as_frame=True).frame
    return frame.assign(target=np.array(["red", "rose", "white"])[frame["target"]]), "multiclass"


def diabetes() -> tuple[pd.DataFrame, str]:
    return load_diabetes(as_frame=True).frame, "regression"


@pytest.mark.parametrize("make", [wine, diabetes])
def test_another_task_needs_only_another_project(make_flow_project, tmp_path, make):
    frame, task = make()
    frame.to_parquet(tmp_path / "rows.parquet")
    project = make_flow_project(
        task_type=task,
        dataset=Dataset(
            source={"type": "parquet", "path": str(tmp_path / "rows.parquet")},
            columns={"target": "target"},
        ),
        data={"minimum_rows": 100, "holdout_share": 0.4},
    )
    state = train(project, return_state=True)
    outcome = state.result()
    assert state.name == "Promoted", outcome.reasons
    assert outcome.version is not None
    model = project.registry.load_model(outcome.version.uri, project.task_type)
    predicted = model.labels(model.predict(frame))
    if task == "regression":
        assert np.corrcoef(predicted, frame["target"])[0, 1] > 0.6
    else:
        assert np.mean(predicted == frame["target"]) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("colour", "task"), [("red", "regression"), ("white", "multiclass")])
def test_real_wines_are_trained_with_every_default(make_flow_project, tmp_path, colour, task):
    path = Path(__file__).parents[3] / f"shared/data/wine-quality/winequality-{colour}.csv"
    if not path.exists():
        pytest.skip("the wines are not here")
    frame = pd.read_csv(path, sep=";").drop_duplicates()
    if task == "multiclass":
        grades = pd.cut(frame["quality"], [0, 5, 6, 10], labels=["poor", "fair", "good"])
        frame["quality"] = grades.astype(str)
    frame.to_parquet(tmp_path / "rows.parquet")
    project = make_flow_project(
        task_type=task,
        dataset=Dataset(
            source={"type": "parquet", "path": str(tmp_path / "rows.parquet")},
            columns={"target": "quality"},
        ),
        training={"trials": 4},
        gates={},
    )
    state = train(project, return_state=True)
    outcome = state.result()
    assert outcome.outcome == "promoted", outcome.reasons
    assert {"superiority", "loads"} <= {gate.name for gate in outcome.gates}
