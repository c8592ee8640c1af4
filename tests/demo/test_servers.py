"""Prefect and MLflow as the demo starts them: real servers, real interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from prefect_mlops.demo.servers import (
    MLflowServer,
    PrefectServer,
    ServeProcess,
    clean_environment,
)
from prefect_mlops.demo.supervisor import Supervisor

START_BOTH = """
with Supervisor(folder) as servers:
    prefect, mlflow = PrefectServer(folder), MLflowServer(folder)
    print("starting", flush=True)
    servers.start(prefect, mlflow)
    print("ready", flush=True)
    time.sleep(120)
"""


def get(address: str) -> tuple[int, bytes]:
    with build_opener(ProxyHandler({})).open(address, timeout=20) as response:
        return response.status, response.read()


def test_settings_of_the_person_do_not_leak_into_the_demo(monkeypatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    monkeypatch.setenv("PREFECT_PROFILE", "work")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("no_proxy", raising=False)
    environment = clean_environment({"PREFECT_HOME": "here"})
    assert environment["PREFECT_HOME"] == "here"
    assert environment["NO_PROXY"] == "example.org,127.0.0.1,localhost"
    assert environment["DO_NOT_TRACK"] == "true"
    assert not {"PREFECT_API_KEY", "PREFECT_PROFILE", "MLFLOW_TRACKING_URI"} & set(environment)


def test_a_serve_process_gets_the_addresses_and_nothing_else_of_prefect(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://elsewhere/api")
    code = (
        "import json, os, time\n"
        "json.dump({k: v for k, v in os.environ.items() if k.startswith('PREFECT_API')}, "
        "open('seen.json', 'w'))\nprint('serving', flush=True); time.sleep(60)"
    )
    serve = ServeProcess(
        [sys.executable, "-c", code],
        tmp_path,
        environment={"PREFECT_API_URL": "http://127.0.0.1:1/api"},
        ready_text="serving",
    )
    with serve:
        seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == {"PREFECT_API_URL": "http://127.0.0.1:1/api"}


@pytest.mark.slow
def test_both_servers_start_side_by_side_and_work_for_their_clients(tmp_path: Path) -> None:
    # A space in the path: it goes through two database URLs and an artifact root.
    folder = tmp_path / "a demo"
    with Supervisor(folder) as servers:
        prefect, mlflow = PrefectServer(folder), MLflowServer(folder)
        servers.start(prefect, mlflow)
        servers.check()
        assert get(f"{prefect.url}/")[1].lstrip().lower().startswith(b"<!doctype html")
        settings = json.loads(get(f"{prefect.url}/ui-settings")[1])
        assert settings["api_url"] == prefect.api_url
        status, page = get(f"{mlflow.url}/")
        assert status == 200
        assert b"<html" in page
        client = (
            "import mlflow, sys\n"
            "with mlflow.start_run() as run: mlflow.log_text('hello', 'a.txt')\n"
            "print(mlflow.artifacts.load_text(f'{run.info.artifact_uri}/a.txt'))\n"
            "import anyio, prefect\n"
            "async def hello():\n"
            "    async with prefect.get_client() as c: return await c.hello()\n"
            "print(anyio.run(hello).status_code)\n"
        )
        environment = clean_environment({**prefect.client_environment, **mlflow.client_environment})
        done = subprocess.run(
            [sys.executable, "-c", client], env=environment, cwd=tmp_path, check=True,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert {"hello", "200"} <= set(done.stdout.splitlines())
        assert list((folder / "mlflow-store" / "artifacts").rglob("a.txt"))
        assert (folder / "prefect-home" / "prefect.db").exists()


@pytest.mark.slow
def test_a_killed_demo_leaves_no_server_and_the_folder_works_at_once(demo) -> None:
    process = demo.run(START_BOTH)
    demo.wait_for("ready")
    assert len(demo.alive()) >= 5
    os.kill(process.pid, signal.SIGKILL)
    # At once: the guards of the first run may still be ending their servers.
    second = demo.run(START_BOTH)
    demo.wait_for("ready")
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 128 + signal.SIGTERM
    assert demo.all_gone(2)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 5])
def test_ctrl_c_while_the_servers_start_leaves_nothing(demo, seconds: float) -> None:
    process = demo.run(START_BOTH)
    demo.wait_for("starting")
    assert demo.wait_until(lambda: len(demo.alive()) >= 5, 20)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert demo.all_gone(2)
    assert not list((demo.folder / "processes").iterdir())
