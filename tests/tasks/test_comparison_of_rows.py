"""Two models of anybody's are compared on rows at hand, and the better one is promoted."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from mlflow import MlflowClient
from prefect import flow
from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores
from prefect_mlops.core.errors import (
    ChampionChanged,
    ConfigurationError,
    DataRejected,
    ModelUnavailable,
)
from prefect_mlops.core.settings import Columns, GateSettings
from prefect_mlops.core.tags import CUTOFF
from prefect_mlops.data.snapshots import as_snapshot
from prefect_mlops.tasks import compare, promote
from sklearn.linear_model import LinearRegression
from support.candidates import crown, log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

ROLES = Columns(target="y", timestamp="called_at", id="call_id", slices=["job"])
QUICK = GateSettings(resamples=300)


@pytest.fixture
def theirs(make_project):
    """A registry, and the place of it, that nothing of ours has written to."""
    registry = with_mlflow(make_project()).registry
    registry.get_client().create_registered_model("calls")
    return registry


def judge(rows, candidate, registry, **more):
    given = {"columns": ROLES, "task_type": "binary", "settings": QUICK, "registry": registry}
    return compare.fn(rows, candidate, **{**given, **more})


def verdicts(result) -> dict[str, str]:
    return {gate.name: gate.verdict for gate in result.gates}


@pytest.mark.parametrize(
    "as_given",
    [
        lambda frame, _: frame,
        lambda frame, _: pa.Table.from_pandas(frame),
        as_snapshot,
    ],
)
@pytest.mark.parametrize("signature", [True, False])
def test_models_that_plain_code_logged_are_compared_by_their_uris(
    theirs, calls, make_project, as_given, signature
):
    old, _ = log_plainly(calls(500), noise=0.9, signature=signature)
    new, run_id = log_plainly(calls(500), signature=signature)
    client = theirs.get_client()
    client.set_registered_model_alias("calls", "champion", old)
    client.set_registered_model_alias("calls", "next", new)
    rows = as_given(calls(300, seed=5), make_project().open_workspace())
    result = judge(rows, f"models:/calls/{new}", theirs)
    assert (result.verdict, result.champion_version, result.rows) == ("passed", old, 300)
    assert result.improvement > 0
    assert {score.column for score in result.slices} == {"job"}
    for same in ("models:/calls@next", f"runs:/{run_id}/model"):
        assert judge(rows, same, theirs).candidate_score == result.candidate_score
    back = judge(rows, f"models:/calls/{old}", theirs, champion="models:/calls@next")
    assert (back.verdict, back.champion_version) == ("failed", new)
    assert back.improvement == pytest.approx(-result.improvement)


def test_a_flow_of_ones_own_compares_and_promotes(prefect_api, theirs, calls, tmp_path):
    stores = Stores(
        "calls", theirs, predictions=PredictionLog(uri=f"sqlite:///{tmp_path}/predictions.db")
    )

    @flow
    def nightly(rows: pd.DataFrame, version: str):
        found = compare(rows, version, columns=ROLES, task_type="binary", registry=theirs)
        if found.verdict != "passed":
            return found, None
        promoted = promote(version, expected=found.champion_version, reason="better", stores=stores)
        return found, promoted

    rows = calls(300, seed=5)
    bad, _ = log_plainly(calls(500), noise=0.9)
    found, promoted = nightly(rows, f"models:/calls/{bad}")
    assert found.gates[0].reason == "first model: there is no champion"
    assert found.candidate_score > 0.5
    assert (promoted.version, promoted.aliases) == (bad, ["champion"])
    good, run_id = log_plainly(calls(500))
    assert nightly(rows, f"models:/calls/{good}")[1].version == good
    assert theirs.get_client().get_model_version_by_alias("calls", "champion").run_id == run_id
    assert nightly(rows, f"models:/calls/{bad}")[1] is None
    with pytest.raises(ChampionChanged, match=f"expected version {bad} to be the champion"):
        promote.fn(f"models:/calls/{bad}", expected=bad, reason="", stores=stores)
    with pytest.raises(ConfigurationError, match="is no version of calls"):
        promote.fn(f"runs:/{'0' * 32}/model", expected=good, reason="", stores=stores)
    with pytest.raises(ModelUnavailable, match="has no version 99"):
        promote.fn("models:/calls/99", expected=good, reason="", stores=stores)
    with pytest.raises(ConfigurationError, match=r"needs stores\.predictions"):
        promote.fn(f"models:/calls/{bad}", expected=good, reason="", stores=Stores("calls", theirs))


def test_rows_up_to_a_known_cutoff_are_left_out_and_the_word_counts_without_one(
    make_project, calls
):
    frame = calls(900)
    project = make_project(frame, gates={"resamples": 300})
    champion = crown(project, log_candidate(project, split_at(project, frame, 600), noise=0.9))
    candidate = log_candidate(project, split_at(project, frame, 500), name="new")
    late = candidate.model_copy(update={"cutoff": frame["called_at"].iloc[899]})
    result = judge(frame[500:], late, project.registry)
    assert (result.rows, verdicts(result)["recency"]) == (300, "passed")
    assert result.champion_version == champion.version
    older = judge(frame[500:], candidate, project.registry)
    assert verdicts(older) == {"superiority": "not_run", "recency": "failed"}
    # What will be served has learnt the compared rows too.
    refitted = judge(frame[500:], candidate, project.registry, refits=True)
    assert verdicts(refitted)["recency"] == "passed"
    untimed = ROLES.model_copy(update={"timestamp": None})
    assert judge(frame[500:], late, project.registry, columns=untimed).rows == 400
    few = judge(frame[500:620], late, project.registry)
    assert few.verdict == "not_run"
    assert "20 of 120 rows are later than what champion version 1" in few.gates[0].reason
    with pytest.raises(DataRejected, match="names 'called_at'"):
        judge(frame[500:].drop(columns="called_at"), late, project.registry)


def test_a_version_as_the_candidate_is_not_judged_on_rows_that_it_was_fitted_on(
    make_project, calls
):
    frame = calls(900)
    project = make_project(frame, gates={"resamples": 300})
    split = split_at(project, frame, 500)
    seen = crown(project, log_candidate(project, split_at(project, frame, 800), name="late"))
    old = crown(project, log_candidate(project, split, noise=0.9, name="old"))
    for rows in (split, frame[500:]):
        result = judge(rows, seen, project.registry)
        assert (result.champion_version, result.rows) == (old.version, 100)
    few = judge(frame[500:820], seen, project.registry)
    assert "than what candidate version 1 was fitted on" in few.gates[0].reason


def test_a_split_takes_versions_and_a_named_champion(theirs, make_project, calls):
    frame = calls(900)
    project = make_project(frame, registry=theirs)
    split = split_at(project, frame, 500)
    champion = crown(project, log_candidate(project, split, noise=0.9, name="old"))
    new, _ = log_plainly(frame[:500])
    result = judge(split, f"models:/calls/{new}", theirs)
    assert (result.verdict, result.champion_version) == ("passed", champion.version)
    # Of a model that plain code logged, nobody knows what it was fitted on.
    unknown = judge(split, log_candidate(project, split), theirs, champion=f"models:/calls/{new}")
    assert unknown.verdict == "not_run"
    assert "cannot be told" in unknown.gates[0].reason
    client = theirs.get_client()
    cutoff = frame["called_at"].iloc[499].isoformat()
    client.set_model_version_tag("calls", new, CUTOFF, cutoff)
    told = judge(split, log_candidate(project, split), theirs, champion=f"models:/calls/{new}")
    assert told.rows == 400
    assert verdicts(told)["recency"] == "passed"


def test_numbers_are_compared_by_their_own_metric(theirs, calls):
    frame = calls(500)
    rows = calls(300, seed=5)
    for table in (frame, rows):
        table["y"] = 2.0 * table["strong"] + table["weak"]
    old, _ = log_plainly(frame, noise=0.9, model=LinearRegression())
    new, _ = log_plainly(frame, model=LinearRegression())
    result = judge(
        rows,
        f"models:/calls/{new}",
        theirs,
        champion=f"models:/calls/{old}",
        task_type="regression",
    )
    assert (result.metric, result.verdict) == ("rmse", "passed")
    assert result.candidate_score == pytest.approx(0.0, abs=1e-6)
    wrong = f"models:/calls/{new}"
    with pytest.raises(ModelUnavailable, match="no probability"):
        judge(calls(300), wrong, theirs)


def test_what_names_no_model_or_no_rows_is_refused(theirs, calls):
    rows = calls(300, seed=5)
    new, _ = log_plainly(calls(500))
    uri = f"models:/calls/{new}"
    for wrong in ("calls", "models:/calls/latest", 3, None):
        with pytest.raises(ConfigurationError, match="give a Candidate, a ModelVersion, or a URI"):
            judge(rows, wrong, theirs)
    with pytest.raises(ConfigurationError, match="champion is 'best'"):
        judge(rows, uri, theirs, champion="best")
    with pytest.raises(ModelUnavailable, match="calls has no version 99"):
        judge(rows, "models:/calls/99", theirs)
    with pytest.raises(ModelUnavailable, match="calls has no alias 'gone'"):
        judge(rows, "models:/calls@gone", theirs)
    with pytest.raises(ModelUnavailable, match="cannot be fetched"):
        judge(rows, f"runs:/{'0' * 32}/model", theirs)
    with pytest.raises(ConfigurationError, match="give one"):
        judge(rows, uri, theirs, champion=uri, replace_champion=True)
    with pytest.raises(ConfigurationError, match="rows is a list"):
        judge([1, 2], uri, theirs)
    with pytest.raises(DataRejected, match="target 'y' is missing"):
        judge(rows.drop(columns="y"), uri, theirs)
    with pytest.raises(DataRejected, match="takes columns"):
        judge(rows.drop(columns="weak"), uri, theirs)
    with pytest.raises(ModelUnavailable, match="cannot score these rows: ValueError"):
        judge(rows.assign(weak="much"), uri, theirs)


def test_a_named_champion_that_cannot_score_is_not_run(theirs, calls):
    new, _ = log_plainly(calls(500))
    old, _ = log_plainly(calls(500).assign(y=7.0), model=LinearRegression())
    result = judge(
        calls(300, seed=5), f"models:/calls/{new}", theirs, champion=f"models:/calls/{old}"
    )
    assert result.verdict == "not_run"
    assert "champion version 2 cannot score these rows" in result.gates[0].reason
    assert "train(project" not in result.gates[0].reason


def test_a_champion_of_another_registered_model_is_not_what_a_promotion_expects(
    theirs, calls, tmp_path
):
    new, run_id = log_plainly(calls(500))
    client: MlflowClient = theirs.get_client()
    client.create_registered_model("others")
    source = client.get_model_version("calls", new).source
    client.create_model_version("others", source, run_id)
    rows = calls(300, seed=5)
    result = judge(rows, f"models:/calls/{new}", theirs, champion="models:/others/1")
    assert (result.verdict, result.champion_version) == ("failed", "models:/others/1")
    other = ModelRegistry(tracking_uri=theirs.tracking_uri, model_name="others")
    stores = Stores("calls", other, PredictionLog(uri=f"sqlite:///{tmp_path}/log.db"))
    with pytest.raises(ConfigurationError, match="models:/calls/1 is no version of others"):
        promote.fn(f"models:/calls/{new}", expected=None, reason="", stores=stores)
