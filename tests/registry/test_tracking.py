import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_text
from prefect import flow
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ModelUnavailable, RegistryUnavailable
from prefect_mlops.core.results import Cause, Snapshot, Window
from prefect_mlops.core.version import VERSION
from prefect_mlops.registry.run_logging import log_file
from prefect_mlops.registry.tracking import (
    close_run,
    code_version,
    experiment_id,
    flow_run_link,
    open_run,
    registry_errors,
)

SNAPSHOT = Snapshot(uri="ws/snapshots/d.parquet", digest="d" * 64, rows=3, columns={}, source="x")
CAUSE = Cause(
    id="cause-1",
    project="calls",
    champion_version="1",
    window=Window(last=10),
    rows=10,
    reason="drift",
    signals=["drift"],
    metric="log_loss",
    decided_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def project(make_project, database, request):
    # An experiment a test keeps tests apart at a fraction of the price of a database a test.
    return make_project(registry=ModelRegistry(tracking_uri=database, model_name=request.node.name))


def client_of(project) -> MlflowClient:
    return project.registry.get_client()


def test_the_run_says_which_data_code_and_cause(project):
    run = client_of(project).get_run(open_run(project.stores, "key", CAUSE, SNAPSHOT))
    found = {name: run.data.tags[name] for name in run.data.tags if name.startswith(tags.PREFIX)}
    assert found == {
        tags.PROJECT: "calls",
        tags.TRAINING_KEY: "key",
        tags.SNAPSHOT_DIGEST: "d" * 64,
        tags.SNAPSHOT_URI: "ws/snapshots/d.parquet",
        tags.CODE_VERSION: code_version(),
        tags.CAUSE_ID: "cause-1",
    }
    assert run.info.status == "RUNNING"


def test_a_repeated_training_goes_on_in_the_same_run(project):
    first = open_run(project.stores, "key", None, SNAPSHOT)
    close_run(project.registry, first, "FAILED")
    assert client_of(project).get_run(first).info.status == "FAILED"
    assert open_run(project.stores, "key", None, SNAPSHOT) == first
    assert client_of(project).get_run(first).info.status == "RUNNING"
    assert open_run(project.stores, "other key", None, SNAPSHOT) != first


def test_trainings_that_start_at_once_share_one_experiment(project):
    with ThreadPoolExecutor(4) as pool:
        runs = list(
            pool.map(lambda i: open_run(project.stores, f"key {i}", None, SNAPSHOT), range(4))
        )
    found = {client_of(project).get_run(run).info.experiment_id for run in runs}
    assert len(found) == 1


def test_a_deleted_experiment_says_what_to_do(project):
    client = client_of(project)
    client.delete_experiment(experiment_id(project.stores, client))
    with pytest.raises(RegistryUnavailable, match="restore it, or set another one"):
        open_run(project.stores, "key", None, SNAPSHOT)


def test_artifacts_of_a_database_registry_go_to_the_workspace(project, tmp_path):
    run_id = open_run(project.stores, "key", None, SNAPSHOT)
    uri = log_file(project.registry, run_id, b"hello", "reports/hello.txt")
    assert uri == f"runs:/{run_id}/reports/hello.txt"
    assert [path.read_text() for path in (tmp_path / "workspace").rglob("hello.txt")] == ["hello"]
    assert not list(tmp_path.glob("mlruns"))


def test_files_and_folders_keep_the_name_they_are_given(project, tmp_path):
    run_id = open_run(project.stores, "key", None, SNAPSHOT)
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    log_file(project.registry, run_id, folder / "a.txt", "b.txt")
    log_file(project.registry, run_id, folder, "profile")
    client = client_of(project)
    paths = [item.path for item in client.list_artifacts(run_id)]
    assert sorted(paths) == ["b.txt", "profile"]
    assert load_text(client.get_run(run_id).info.artifact_uri + "/profile/a.txt") == "a"


def test_the_flow_run_is_linked(project, prefect_api):
    @flow
    def training():
        return open_run(project.stores, "key", None, SNAPSHOT), flow_run_link()

    run_id, link = training()
    run = client_of(project).get_run(run_id)
    assert run.data.tags[tags.FLOW_RUN_ID] == link.id
    assert run.info.run_name == run.data.tags[tags.FLOW_RUN_NAME] == link.name
    assert link.url.endswith(link.id)
    assert flow_run_link() == (None, None, None)


def test_the_code_version_names_the_commit_of_a_checkout():
    assert code_version().startswith(VERSION)


def test_what_mlflow_refuses_is_one_error(project):
    with (
        pytest.raises(RegistryUnavailable, match="id=missing not found"),
        registry_errors(project.registry),
    ):
        client_of(project).get_run("missing")


def test_our_own_errors_pass_through(project):
    with pytest.raises(ModelUnavailable), registry_errors(project.registry):
        raise ModelUnavailable("no version 3")


def test_a_server_that_is_down_fails_fast_without_its_password(make_project):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    uri = f"http://user:hunter2@127.0.0.1:{port}"
    project = make_project(registry=ModelRegistry(tracking_uri=uri, model_name="calls"))
    started = time.monotonic()
    with pytest.raises(RegistryUnavailable, match=f"127.0.0.1:{port}") as caught:
        open_run(project.stores, "key", None, SNAPSHOT)
    assert time.monotonic() - started < 20
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_never_answers_is_given_up(make_project, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
        project = make_project(registry=ModelRegistry(tracking_uri=uri, model_name="calls"))
        started = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="timed out"):
            open_run(project.stores, "key", None, SNAPSHOT)
    assert time.monotonic() - started < 15


def test_requests_to_mlflow_are_bounded_unless_the_environment_says_otherwise():
    longest = int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])
    assert longest * (1 + int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])) <= 20


def test_a_database_that_cannot_be_opened_fails_at_once(make_project, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    uri = f"sqlite:///{tmp_path}/file/mlflow.db"
    project = make_project(registry=ModelRegistry(tracking_uri=uri, model_name="calls"))
    started = time.monotonic()
    with pytest.raises(RegistryUnavailable, match="cannot be reached"):
        open_run(project.stores, "key", None, SNAPSHOT)
    assert time.monotonic() - started < 5
