"""Secrets are nowhere: everything that a project with secrets leaves behind is searched for them."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, unquote

import httpx
import pytest
from conftest import make_calls
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, get_current_settings
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable, RegistryUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.demo.servers import MLflowServer
from prefect_mlops.models.mlflow_errors import mlflow_errors
from prefect_mlops.monitoring.stored_reference import fetch_reference
from prefect_mlops.storage.open import open_store
from pymongo.uri_parser import parse_uri

NAME = "hush-calls"
SECRETS = {
    "of MLflow": "mlf/ow s3cr@t%",
    "of the database with rows": "r0w's s3cr@t%/",
    "wrong": "wr0ng s3cr@t%/",
    "of redaction": "key of r3daction, 32 characters!",
}


def forms(secret: str) -> set[str]:
    """Every way in which a secret may be written."""
    plain = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    users = {f"{user}:{secret}" for user in ("me", "tester")}
    encoded = {base64.b64encode(text.encode()).decode() for text in {secret, *users}}
    return plain | {json.dumps(secret)[1:-1], repr(secret)[1:-1]} | encoded


def found_in(text: str | bytes, secrets: dict[str, str]) -> list[str]:
    """Which secrets are in a text, and where."""
    content = text if isinstance(text, bytes) else text.encode()
    hits = []
    for name, secret in secrets.items():
        for form in forms(secret):
            at = content.find(form.encode())
            if at >= 0:
                hits.append(f"the secret {name}: ...{content[max(at - 200, 0) : at + 60]!r}...")
    return hits


def escaped(secret: str) -> str:
    return quote(secret, safe="")


class Traces(NamedTuple):
    """What is left after everything was done.

    Attributes:
        secrets: What to look for, by name.
        output: What the process wrote.
        folder: Its workspace, its MLflow, its spool, its home of Prefect.
        workspace: Of the project.
        store: MLflow's.
    """

    secrets: dict[str, str]
    output: str
    folder: Path
    workspace: Path
    store: Path


def settings_of(folder: Path, log_uri: str, mlflow_url: str) -> dict[str, Any]:
    rows = escaped(SECRETS["of the database with rows"])
    tracking = mlflow_url.replace("://", f"://me:{escaped(SECRETS['of MLflow'])}@")
    return {
        "name": NAME,
        "task_type": "binary",
        "dataset": {
            "source": {
                "type": "sql",
                "url": f"sqlite:///file:{folder}/rows.db?mode=ro&uri=true&password={rows}",
                "query": "select * from calls",
            },
            "columns": {"target": "y", "timestamp": "called_at", "id": "call_id"},
        },
        "registry": {"tracking_uri": tracking, "model_name": NAME},
        "predictions": {"uri": log_uri, "collection": "hush"},
        "workspace": str(folder / "workspace"),
        "training": {"estimators": ["linear"], "trials": 1, "folds": 2},
        "gates": {"deepchecks": [], "resamples": 300},
        "redaction": {
            "columns": {"job": "hash", "call_id": "hash"},
            "key": SECRETS["of redaction"],
        },
    }


def wrong_of(log_uri: str, mlflow_url: str) -> dict[str, Any]:
    """Settings that fail, each with a secret in it."""
    secret = escaped(SECRETS["wrong"])
    at = f"me:{secret}@127.0.0.1:9"
    right = parse_uri(log_uri)
    host, port = right["nodelist"][0]
    refused = f"mongodb://{right['username']}:{secret}@{host}:{port}/mlops?authSource=admin"
    soon = {"timeout_seconds": 1.0}
    raw = f"mongodb://me:{unquote(secret)}@127.0.0.1/mlops"
    return {
        "uri": f"ftp://{at}/db",
        "predictions": {
            "with a wrong password": {"uri": refused, **soon},
            "out of reach": {"uri": f"mongodb://{at}/mlops", **soon},
            "with a password that is not escaped": {"uri": raw, **soon},
            "with an authority that is not there": {
                "uri": f"mongodb://{at}/mlops",
                "options": {"tls": True, "tlsCAFile": "nowhere.pem"},
                **soon,
            },
        },
        "sources": {
            "PostgreSQL out of reach": {
                "type": "sql",
                "url": f"postgresql://{at}/shop?password={secret}",
                "query": "select 1",
            },
            "no such driver": {
                "type": "sql",
                "url": f"mysql+nosuchdriver://{at}/shop",
                "query": "select 1",
            },
            "MongoDB with a wrong password": {
                "type": "mongodb",
                "uri": refused,
                "collection": "calls",
            },
        },
        "registries": {
            "out of reach": f"http://{at}",
            "at another address": f"{mlflow_url.replace('://', f'://me:{secret}@')}/nowhere",
            "a database out of reach": f"postgresql://{at}/mlflow",
        },
        "settings": {
            "log of another kind": {"predictions": {"uri": f"ftp://{at}/db"}},
            "unknown option": {"predictions": {"uri": log_uri, "options": {"passwort": 1}}},
            "option that is a secret": {
                "predictions": {"uri": log_uri, "options": {"password": SECRETS["wrong"]}}
            },
            "metric that is none": {"training": {"metric": "rmse"}},
            "unknown key": {"colour": "red"},
            "key that is too short": {
                "redaction": {"columns": {"job": "hash"}, "key": SECRETS["wrong"]}
            },
            "key for the target": {
                "redaction": {"columns": {"y": "hash"}, "key": SECRETS["of redaction"]}
            },
        },
    }


@pytest.fixture(scope="module")
def traces(prefect_api, mongodb_uri, tmp_path_factory) -> Iterator[Traces]:
    folder = tmp_path_factory.mktemp("secrets")
    frame = make_calls(900)
    window = make_calls(400, seed=5, start="2026-02-01")
    with sqlite3.connect(folder / "rows.db") as database:
        texts = {"called_at": frame["called_at"].map(lambda moment: moment.isoformat())}
        frame.assign(**texts).to_sql("calls", database, index=False)
    window.to_parquet(folder / "window.parquet")
    with MLflowServer(folder) as mlflow:
        settings = settings_of(folder, mongodb_uri, mlflow.url)
        given = {
            "folder": str(folder),
            "settings": settings,
            "datasets": {
                "window": {
                    "source": {"type": "parquet", "path": str(folder / "window.parquet")},
                    "columns": settings["dataset"]["columns"],
                }
            },
            "wrong": wrong_of(mongodb_uri, mlflow.url),
        }
        prefect = get_current_settings().to_environment_variables(exclude_unset=True)
        ended = subprocess.run(
            [sys.executable, "-m", "support.secret_run"],
            input=json.dumps(given),
            env={
                **os.environ,
                **prefect,
                "PYTHONPATH": str(Path(__file__).parent),
                "PREFECT_HOME": str(folder / "home"),
                "PREFECT_LOGGING_LEVEL": "DEBUG",
                "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.1",
            },
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        output = ended.stdout + ended.stderr
        assert "--- everything was done" in ended.stdout, ended.stderr[-3_000:]
        password = parse_uri(mongodb_uri)["password"]
        yield Traces(
            {**SECRETS, "of the prediction log": password},
            output,
            folder,
            folder / "workspace",
            mlflow.home,
        )


def everything_prefect_tells() -> dict[str, str]:
    """Every answer of Prefect's API, as text, by what was asked for."""
    answers: dict[str, str] = {}
    asked = ("flow_runs", "task_runs", "logs", "artifacts", "flows", "block_documents", "events")
    with httpx.Client(base_url=str(PREFECT_API_URL.value()), timeout=60) as client:
        for what in asked:
            pages: list[str] = []
            while True:
                page = {"limit": 50 if what == "events" else 200}
                if what != "events":
                    page["offset"] = 200 * len(pages)
                if what == "block_documents":
                    page["include_secrets"] = False
                reply = client.post(f"/{what}/filter", json=page)
                reply.raise_for_status()
                pages.append(reply.text)
                further = reply.json().get("next_page") if what == "events" else None
                while further:
                    reply = client.get(further).raise_for_status()
                    pages.append(reply.text)
                    further = reply.json().get("next_page")
                if what == "events" or len(reply.json()) < 200:
                    break
            answers[what] = "".join(pages)
    return answers


@pytest.mark.slow
@pytest.mark.mongodb
@pytest.mark.timeout(600)
class TestEverythingThatIsLeft:
    def test_what_is_printed_logged_and_raised(self, traces):
        for said in ("Traceback", "LogUnavailable", "SourceUnavailable", "RegistryUnavailable"):
            assert said in traces.output
        assert found_in(traces.output, traces.secrets) == []

    def test_what_prefect_tells(self, traces):
        for what, answer in everything_prefect_tells().items():
            # What is searched must be there: the project's name is everywhere.
            assert NAME in answer or what in ("flows", "task_runs"), what
            assert found_in(answer, traces.secrets) == [], what

    def test_what_prefect_keeps(self, traces):
        url = get_current_settings().server.database.connection_url.get_secret_value()
        path = Path(url.partition("///")[2])
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.exists():
                assert found_in(part.read_bytes(), traces.secrets) == [], part.name

    def test_a_saved_block_has_its_secrets_as_such(self, traces):
        from prefect_mlops.blocks import MLProject

        with get_client(sync_client=True) as client:
            shown = client.read_block_document_by_name(
                NAME, MLProject.get_block_type_slug(), include_secrets=False
            )
        assert found_in(str(shown), traces.secrets) == []
        assert shown.data["redaction"]["key"] == "********"
        loaded = MLProject.load(NAME)
        assert loaded.redaction.key.get_secret_value() == SECRETS["of redaction"]

    def test_what_mlflow_keeps(self, traces):
        files = [path for path in traces.store.rglob("*") if path.is_file()]
        assert any(NAME.encode() in path.read_bytes() for path in files)
        assert any(path.name == "drift.html" for path in files)
        for path in files:
            assert found_in(path.read_bytes(), traces.secrets) == [], path.name

    def test_what_is_in_the_workspace_the_spool_and_the_logs_of_servers(self, traces):
        files = [path for path in traces.folder.rglob("*") if path.is_file()]
        assert any(traces.workspace in path.parents for path in files)
        for path in files:
            assert found_in(path.read_bytes(), traces.secrets) == [], path

    def test_what_is_redacted_is_not_in_the_log(self, traces, mongodb_uri):
        with open_store(mongodb_uri, collection="hush") as store:
            rows = store.read(NAME, Window(last=10_000)).to_pandas()
        assert len(rows) >= 401
        assert not set(rows["features.job"]) & {"admin", "student", "retired"}


def test_the_search_finds_a_secret_however_it_is_written():
    secrets = {"a": SECRETS["wrong"]}
    for form in forms(SECRETS["wrong"]):
        assert len(found_in(f"x{form}x", secrets)) >= 1
    assert found_in("nothing of the kind", secrets) == []


BAD_LOGS = {
    "out of reach": "mongodb://me:{}@127.0.0.1:9/mlops",
    "no host": "mongodb://me:{}@/mlops",
    "unknown option": "mongodb://me:{}@127.0.0.1:9/mlops?authMechanism={}",
}


@pytest.mark.parametrize("escape", [str, escaped, quote_plus])
@pytest.mark.parametrize("kind", BAD_LOGS)
def test_a_log_that_does_not_open_says_so_without_its_password(kind, escape):
    uri = BAD_LOGS[kind].replace("{}", escape(SECRETS["wrong"]))
    with pytest.raises((LogUnavailable, ConfigurationError)) as caught:
        open_store(uri, timeout_seconds=0.3)
    error = caught.value
    said = f"{error!r} {error} {error.__cause__!r}"
    assert found_in(said, {"wrong": SECRETS["wrong"]}) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:{}@127.0.0.1:9",
        "postgresql://me:{}@127.0.0.1:9/mlflow",
        "postgresql://127.0.0.1:9/mlflow?user=me&password={}",
        "nosuchdialect://me:{}@host/db",
    ],
)
@pytest.mark.parametrize("escape", [str, escaped])
def test_a_registry_that_does_not_answer_says_so_without_its_password(uri, escape, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    full = uri.replace("{}", escape(SECRETS["wrong"]))
    with pytest.raises(RegistryUnavailable) as caught:
        fetch_reference("runs:/" + "0" * 32 + "/reference", tracking_uri=full)
    error = caught.value
    assert found_in(f"{error!r} {error} {error.__cause__!r}", {"wrong": SECRETS["wrong"]}) == []


def test_a_library_that_quotes_the_password_is_not_chained():
    uri = f"http://me:{escaped(SECRETS['wrong'])}@host"
    with pytest.raises(RegistryUnavailable) as caught, mlflow_errors(uri):
        raise OSError(f"cannot log in as me with {SECRETS['wrong']} at {uri}")
    error = caught.value
    assert "http://host" in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert found_in(str(error), {"wrong": SECRETS["wrong"]}) == []
