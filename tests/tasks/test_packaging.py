"""A logged model is loaded and scored in a clean process."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.serving import package_probe
from prefect_mlops.tasks import packaging
from prefect_mlops.tasks.packaging import check_package
from support.candidates import log_candidate, split_at


@pytest.fixture
def case(make_project, calls):
    frame = calls(400)
    frame.loc[:5, ["strong", "job"]] = None
    project = make_project(frame)
    split = split_at(project, frame, 300)
    return project, split, log_candidate(project, split)


def folder_of(project, candidate) -> Path:
    uri = project.registry.tracking_uri.get_secret_value()
    return Path(download_artifacts(artifact_uri=candidate.model_uri, tracking_uri=uri))


def verdicts(check) -> dict[str, str]:
    # How big the files are is known whatever becomes of the process.
    assert [gate.verdict for gate in check.gates if gate.name == "size"] in ([], ["passed"])
    return {gate.name: gate.verdict for gate in check.gates if gate.name != "size"}


def test_a_good_package_passes_and_its_latency_is_recorded(case):
    project, split, candidate = case
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    assert verdicts(check) == {"loads": "passed", "same predictions": "passed", "latency": "passed"}
    assert check.verdict == "passed"
    assert check.largest_difference == 0.0
    assert 0 < check.latency_p50_ms <= check.latency_p99_ms < 2_000
    assert "5 rows of the input example" in check.gates[1].reason


def test_size_memory_and_load_time_are_measured_where_the_model_is_served(case):
    project, split, candidate = case
    project.gates.package = {"maximum_memory_megabytes": 1.0, "maximum_load_seconds": 1e-3}
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    files = [path for path in folder_of(project, candidate).rglob("*") if path.is_file()]
    # Loading it wrote a line beside the model.
    size = sum(path.stat().st_size for path in files)
    assert check.size_bytes == pytest.approx(size, rel=0.01)
    # A process with pandas, MLflow and scikit-learn.
    assert 50e6 < check.memory_bytes < 2e9
    assert 0.01 < check.load_seconds < 60
    found = {gate.name: gate for gate in check.gates}
    assert (found["memory"].verdict, found["load time"].verdict) == ("failed", "failed")
    assert found["memory"].value == pytest.approx(check.memory_bytes / 1e6)
    assert check.verdict == "failed"


def test_a_package_that_the_project_skips_is_said_and_not_looked_at(case):
    project, split, candidate = case
    project.gates.skip = {"package": "served elsewhere, from ONNX"}
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    (gate,) = check.gates
    assert (gate.name, gate.verdict, gate.blocks) == ("package", "not_run", False)
    assert gate.reason == "skipped: served elsewhere, from ONNX"
    assert check.size_bytes is None


def test_a_regression_with_a_bound_it_cannot_meet_fails_on_latency(make_project, calls):
    frame = calls(300).assign(y=range(300))
    project = make_project(frame, task_type="regression", gates={"latency_p99_ms": 1e-6})
    split = split_at(project, frame, 200)
    check = check_package.fn(
        split, log_candidate(project, split), **project.arguments(check_package)
    )
    assert verdicts(check) == {"loads": "passed", "same predictions": "passed", "latency": "failed"}
    assert check.verdict == "failed"


def test_a_model_whose_files_are_gone_does_not_load(case):
    project, split, candidate = case
    shutil.rmtree(folder_of(project, candidate))
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    assert verdicts(check) == {
        "loads": "failed",
        "same predictions": "not_run",
        "latency": "not_run",
    }
    assert check.verdict == "failed"


def test_files_that_only_load_here_fail_with_the_process_own_words(case):
    project, split, candidate = case
    # pyfunc, which serves, reads this entry; the sklearn flavour, which gates use, does not.
    description = folder_of(project, candidate) / "MLmodel"
    text = description.read_text().replace("mlflow.sklearn\n", "nowhere.to_be_found\n", 1)
    description.write_text(text)
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    assert verdicts(check) == {
        "loads": "failed",
        "same predictions": "not_run",
        "latency": "not_run",
    }
    assert "No module named 'nowhere'" in check.gates[0].reason


def test_a_model_without_its_input_example_fails_after_loading(case):
    project, split, candidate = case
    folder = folder_of(project, candidate)
    description = folder / "MLmodel"
    lines = description.read_text().splitlines(keepends=True)
    kept, skipping = [], False
    for line in lines:
        skipping = line.startswith("saved_input_example_info") or (
            skipping and line.startswith(" ")
        )
        kept += [] if skipping else [line]
    description.write_text("".join(kept))
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    assert verdicts(check) == {
        "loads": "passed",
        "same predictions": "failed",
        "latency": "not_run",
    }
    assert "without an input example" in check.gates[1].reason


def test_other_predictions_than_here_are_noticed(case):
    project, split, candidate = case
    rows, predictor, found = _honest_result(project, split, candidate)
    found["values"][3][0] += 1e-6
    check = packaging._judge(predictor, rows, found, None, **project.arguments(packaging._judge))
    assert verdicts(check)["same predictions"] == "failed"
    assert check.largest_difference == pytest.approx(1e-6)
    found["values"][3][0] = float("nan")
    check = packaging._judge(predictor, rows, found, None, **project.arguments(packaging._judge))
    assert verdicts(check)["same predictions"] == "failed"


def _honest_result(project, split, candidate):
    from prefect_mlops.data.schema import conform
    from prefect_mlops.data.snapshots import load_frame

    predictor = project.registry.load_model(candidate.model_uri, project.task_type)
    rows, _ = conform(load_frame(split.holdout), predictor.feature_types)
    values = predictor.predict(rows)
    labels = [str(label) for label in predictor.labels(values)]
    found = {"loaded": True, "example_rows": 5, "values": values.tolist(), "labels": labels}
    return rows, predictor, found


def test_a_process_that_does_not_end_is_not_run(case, monkeypatch):
    monkeypatch.setattr(packaging, "_TIMEOUT_SECONDS", 0.05)
    project, split, candidate = case
    check = check_package.fn(split, candidate, **project.arguments(check_package))
    assert verdicts(check) == {
        "loads": "not_run",
        "same predictions": "not_run",
        "latency": "not_run",
    }
    assert check.verdict == "not_run"
    assert "within 0.05 seconds" in check.gates[0].reason


def test_the_evaluated_model_can_be_checked_instead(case):
    project, split, candidate = case
    broken = candidate.model_copy(update={"evaluated_uri": "models:/m-0"})
    assert (
        verdicts(
            check_package.fn(split, broken, evaluated=True, **project.arguments(check_package))
        )["loads"]
        == "failed"
    )


def test_the_process_gets_no_address_or_secret_of_the_servers(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "secret")
    assert "secret" not in packaging._environment().values()


def test_the_script_imports_neither_prefect_nor_this_package():
    tree = ast.parse(Path(package_probe.__file__).read_text())
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or "."
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {name.partition(".")[0] for name in names}
    standard = {"__future__", "json", "sys", "time", "pathlib", "typing"}
    assert roots - standard == {"pandas", "mlflow", "sklearn"}
