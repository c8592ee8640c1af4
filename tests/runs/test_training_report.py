import json
from datetime import UTC, datetime

from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect_mlops.core.results import (
    Cause,
    Comparison,
    Gate,
    ModelVersion,
    Repair,
    TrainingOutcome,
    Window,
)
from prefect_mlops.registry import run_logging, tracking
from prefect_mlops.runs import artifacts
from support.candidates import with_mlflow

CAUSE = Cause(
    id="cause-1",
    project="calls",
    champion_version="1",
    window=Window(last=10),
    rows=10,
    reason="the predictions drifted",
    signals=["drift"],
    drifted_columns=["job", "strong"],
    metric="log_loss",
    decided_at=datetime(2026, 1, 1, tzinfo=UTC),
)
COMPARISON = Comparison(
    gates=[],
    metric="log_loss",
    champion_version="1",
    candidate_score=0.4,
    champion_score=0.5,
    improvement=0.1,
    interval=(0.05, 0.15),
    confidence=0.9,
    rows=1_000,
)
GATES = [
    Gate(name="loads", verdict="passed", reason="it loads"),
    Gate(name="Drift: score < 0.2", verdict="failed", reason="far\nfrom it", blocking=False),
    Gate(name="floor", verdict="failed", reason="too bad", value=0.81234, threshold=0.75),
    Gate(name="latency", verdict="not_run", reason="no rows"),
]
VERSION = ModelVersion(name="calls", version="2", run_id="run", uri="models:/calls/2")
PROMOTED = TrainingOutcome(
    outcome="promoted",
    version=VERSION,
    gates=GATES,
    training_key="key",
    cause_id="cause-1",
    repair=Repair(
        cause_id="cause-1", version="2", verdict="passed", reason="0.6 before", metric="log_loss"
    ),
    seconds={"tune": 1.25},
)


def test_the_summary_tells_what_happened_and_why(make_project):
    text = artifacts.training_summary(
        make_project().name, PROMOTED, comparison=COMPARISON, cause=CAUSE
    )
    for part in (
        "# calls: promoted",
        "**calls version 2**",
        "| candidate | 0.4000 |",
        "| champion, version 1 | 0.5000 |",
        "| 90% interval | +0.0500 to +0.1500 |",
        "`cause-1`: the predictions drifted",
        "job, strong",
        "passed: 0.6 before",
    ):
        assert part in text


def test_the_summary_of_a_refused_model_gives_the_reasons(make_project):
    refused = TrainingOutcome(outcome="rejected", reasons=["too bad"], training_key="key")
    text = artifacts.training_summary(make_project().name, refused, comparison=None, cause=None)
    assert text == "# calls: rejected\n\n- too bad"


def test_a_run_and_its_version_are_described_in_mlflow(make_project):
    project = with_mlflow(make_project())
    client = project.registry.get_client()
    run_id = tracking.open_run(project.stores, "key", None)
    client.create_registered_model("calls")
    made = client.create_model_version("calls", source=f"runs:/{run_id}/model", run_id=run_id)
    version = VERSION.model_copy(update={"version": str(made.version)})
    run_logging.describe(project.registry, run_id, version, "# calls: promoted" + "." * 6_000)
    note = client.get_run(run_id).data.tags[MLFLOW_RUN_NOTE]
    assert note == client.get_model_version("calls", version.version).description
    assert note.startswith("# calls: promoted") and len(note) == 5_000


def test_a_training_leaves_its_report_with_the_curves_and_its_gates(make_project, prefect_api):
    project = make_project()

    @flow
    def training() -> str:
        summary = artifacts.training_summary(
            project.name, PROMOTED, comparison=COMPARISON, cause=CAUSE
        )
        artifacts.report_training(
            project.stores,
            PROMOTED,
            summary,
            reports={"Curves": "reports/curves.png"},
            curves=b"png",
        )
        return summary

    state = training(return_state=True)
    summary = state.result()
    # Other tests train on the same server.
    mine = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    )
    with get_client(sync_client=True) as client:
        found = {
            artifact.key: artifact.data for artifact in client.read_artifacts(artifact_filter=mine)
        }
    report = found["training-calls"]
    assert report.startswith(summary)
    assert "![Curves](data:image/png;base64,cG5n)" in report
    assert "| tune | 1.2 |" in report
    assert "- Curves: `reports/curves.png`" in report
    assert json.loads(found["gates-calls"]) == artifacts.gate_rows(GATES)
