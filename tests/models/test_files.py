"""Files that are gone are told from a server that is down, through a real MLflow server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient
from prefect_mlops.core.errors import ModelUnavailable, RegistryUnavailable
from prefect_mlops.models.files import missing_files
from prefect_mlops.models.predictor import fetch_model

DESCRIBED = "flavors:\n  sklearn:\n    pickled_model: model.skops\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Start an MLflow server that hands artifacts through, and return its URL and its folder."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "files")]
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/health").is_success:
                break
        except httpx.HTTPError:
            time.sleep(0.5)
    yield url, folder, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_server_says_what_is_gone_and_a_dead_one_says_nothing(server, tmp_path):
    url, folder, process = server
    client = MlflowClient(url)
    model = client.create_logged_model(client.create_experiment("calls"), name="model")
    uri = f"models:/{model.model_id}"
    for name, content in {"MLmodel": DESCRIBED, "model.skops": "x", "conda.yaml": ""}.items():
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_text(content)
    client.log_model_artifacts(model.model_id, str(tmp_path / "model"))
    assert missing_files(uri, tracking_uri=url) is None
    (kept,) = (folder / "files").rglob("model.skops")
    kept.unlink()
    assert str(missing_files(uri, tracking_uri=url)).endswith("holds no model.skops")
    shutil.rmtree(folder / "files")
    assert str(missing_files(uri, tracking_uri=url)).endswith("holds no MLmodel")
    with pytest.raises(ModelUnavailable, match="replaces a champion whose files are gone"):
        fetch_model(uri, str(tmp_path), tracking_uri=url)
    assert missing_files("models:/m-nobody", tracking_uri=url) is not None
    assert Path(folder).exists()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)
    with pytest.raises(RegistryUnavailable):
        missing_files(uri, tracking_uri=url)
