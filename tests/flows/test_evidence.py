"""What a training leaves as evidence: a card, records of the run, and a readiness report that sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import make_calls
from prefect_mlops.core import tags
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.results import ModelScores, ReadinessReport
from prefect_mlops.flows import adopt, card, readiness, train
from prefect_mlops.flows.__main__ import app
from prefect_mlops.registry.run_files import read_file, read_result
from prefect_mlops.registry.run_metadata import CONFIGURATION
from prefect_mlops.registry.run_records import as_json, as_table, run_metadata
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.runs.endings import record_end
from support.foreign import register
from typer.testing import CliRunner

pytestmark = pytest.mark.usefixtures("prefect_api")


def test_a_training_writes_the_card_of_its_version(trained, artifacts_of):
    project, state, outcome = trained
    text = read_file(project.registry, outcome.run_id, "reports/model_card.md").decode()
    page = read_file(project.registry, outcome.run_id, "reports/model_card.html").decode()
    assert text.startswith("# Model card: calls, version 1\n")
    for gate in outcome.gates:
        assert gate.name.partition(":")[0] in page
    assert "training (800 rows)" in text
    assert "holdout (200 rows)" in text
    assert "Not explained by SHAP values: TreeExplainer is for models of trees" in text
    assert "2026-01-01 00:00 to 2026-01-01 13:19" in text
    champion = get_champion(project.registry)
    assert champion.tags[tags.CARD_URI] == f"runs:/{outcome.run_id}/reports/model_card.html"
    assert "Model card" in artifacts_of(state)["training-calls"].data
    scores = read_result(project.registry, outcome.run_id, "reports/scores.json", ModelScores)
    assert [part.of for part in scores.scores] == ["training", "holdout"]


def test_the_card_of_the_same_version_is_the_same(champion):
    run_id = get_champion(champion.registry).run_id
    before = read_file(champion.registry, run_id, "reports/model_card.html")
    written = card(champion)
    assert written.run_id == run_id
    assert read_file(champion.registry, run_id, "reports/model_card.html") == before
    assert card(champion, "1") == written


def test_a_card_is_shown_in_prefect(champion, artifacts_of):
    found = artifacts_of(card(champion, return_state=True))
    assert "# Model card: calls, version 1" in found["card-calls"].data


def test_one_query_gives_the_seven_records_of_every_run(trained):
    project, state, outcome = trained
    (record,) = run_metadata(project.stores)
    assert (record.run_id, record.kind, record.status) == (outcome.run_id, "train", "FINISHED")
    assert record.missing == []
    assert {"prefect-mlops", "python", "scikit-learn"} <= set(record.versions)
    assert [step.name for step in record.steps] == list(outcome.seconds)
    for step, later in zip(record.steps, record.steps[1:], strict=False):
        assert step.started <= step.ended <= later.started
        assert step.seconds == pytest.approx(outcome.seconds[step.name], abs=0.01)
    assert record.executor["flow_run_id"] == str(state.state_details.flow_run_id)
    assert {"user", "host"} <= set(record.executor)
    assert record.parameters["project"] == "calls"
    assert record.parameters["replace_champion"] is False
    assert record.parameters["estimator"] == "linear"
    assert record.artifacts["fit.model_uri"].startswith("models:/")
    assert Path(record.artifacts["extract.snapshot"]).exists()
    assert (record.previous_version, record.model_version) == (None, "1")
    assert record.outcome == "promoted"
    assert set(record.training_metrics) == set(record.holdout_metrics)
    settings = json.loads(read_file(project.registry, outcome.run_id, CONFIGURATION))
    assert settings["training"]["estimators"] == ["linear"]


def test_records_are_a_table_and_json(trained):
    records = run_metadata(trained.project.stores)
    table = as_table(records)
    assert table.loc[0, "outcome"] == "promoted"
    assert table.loc[0, "seconds"] > 0
    assert list(table.loc[0, "steps"]) == list(trained.outcome.seconds)
    (written,) = json.loads(as_json(records))
    assert written["run_id"] == records[0].run_id
    assert as_table([]).empty


def test_a_second_training_points_at_the_champion_before_it(champion, dataset):
    champion.dataset = dataset("more", make_calls(1_400))
    outcome = train(champion)
    newest, oldest = run_metadata(champion.stores)
    assert (newest.run_id, newest.previous_version) == (outcome.run_id, "1")
    assert (oldest.model_version, oldest.previous_version) == ("1", None)
    assert [record.run_id for record in run_metadata(champion.stores, 1)] == [newest.run_id]


def test_a_training_that_could_not_begin_is_in_the_records(champion):
    reasons = {"outcome": "failed", "error": DataRejected.__name__, "reasons": ["no rows"]}
    record_end(champion.stores, None, reasons, flow_run_id="flow-run-7")
    newest = run_metadata(champion.stores)[0]
    assert (newest.run_id, newest.status, newest.outcome) == ("", "FAILED", "failed")
    assert newest.executor == {"flow_run_id": "flow-run-7"}
    assert newest.parameters["reasons"] == ["no rows"]
    assert "steps" in newest.missing


def test_rows_that_were_rejected_are_in_the_records_also_where_no_cause_asked(champion, dataset):
    dataset("rows", make_calls(1_000, seed=2, start="2026-02-01").assign(job=None))
    with pytest.raises(DataRejected):
        train(champion)
    newest, *earlier = run_metadata(champion.stores)
    assert (newest.run_id, newest.outcome, newest.parameters["cause"]) == ("", "failed", None)
    assert "job" in newest.parameters["reasons"][0]
    assert [record.outcome for record in earlier] == ["promoted"]


def test_a_training_that_failed_has_the_steps_up_to_there(make_flow_project, dataset):
    project = make_flow_project(dataset=dataset("rows", make_calls(1_000)))
    project.training.estimators = ["support.own_code:no_such_function"]
    with pytest.raises(Exception, match="no_such_function"):
        train(project)
    (record,) = run_metadata(project.stores)
    assert (record.status, record.outcome) == ("FAILED", "failed")
    assert record.steps[-1].name == "tune"
    assert record.steps[-1].error == "ConfigurationError"
    assert record.missing == ["training_metrics", "holdout_metrics"]


def test_an_adopted_version_has_a_card_and_a_record(make_flow_project, dataset):
    project = make_flow_project()
    rows = dataset("given", make_calls(300, seed=2))
    version = adopt(project, register(project, "python", make_calls(400, seed=1)), rows)
    (record,) = run_metadata(project.stores)
    assert (record.kind, record.model_version) == ("adopt", version.version)
    assert {"steps", "training_metrics"} <= set(record.missing)
    text = read_file(project.registry, version.run_id, "reports/model_card.md").decode()
    assert "trained elsewhere and adopted" in text


def test_readiness_sees_what_was_done(champion, artifacts_of):
    champion.readiness.attestations = {
        "D5": {"by": "A. Silva", "on": "2026-11-01", "note": "Access review"}  # pyright: ignore[reportAttributeAccessIssue]
    }
    state = readiness(champion, return_state=True)
    report = state.result()
    found = {check.id: check for check in report.checks}
    assert found["D1"].by == "package"
    assert "log predictions" in found["O5"].todo
    assert found["M3"].evidence == ["the newest training's study finished 1 trials"]
    # What a real training calls its gates is what the rules look for.
    for check, gate in {
        "M5": "better than a linear model",
        "M6": "weak segments",
        "O6": "latency",
    }.items():
        assert any(text.startswith(f"gate {gate!r} ") for text in found[check].evidence), check
    assert report.score == min(report.sections.values())
    rows = json.loads(artifacts_of(state)["readiness-calls"].data)
    assert [row["test"] for row in rows] == [check.id for check in report.checks]
    assert Path(report.report_uri).read_text(encoding="utf-8").startswith("<!doctype html>")
    kept = ReadinessReport.model_validate_json(Path(report.json_uri).read_bytes())
    assert kept == report


def test_the_command_line_shows_all_three(champion):
    champion.save("calls", overwrite=True)

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert "# Model card: calls, version 1" in said("card", "calls")
    assert "ML Test Score" in said("readiness", "calls")
    assert json.loads(said("readiness", "calls", "--json"))["project"] == "calls"
    assert "promoted" in said("runs", "calls")
    assert json.loads(said("runs", "calls", "--json"))[0]["model_version"] == "1"
