"""What people read: links without secrets, every gate with its reason, keys that Prefect takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core.results import Gate
from prefect_mlops.runs.artifacts import (
    artifact_key,
    gate_rows,
    mlflow_artifact_url,
    mlflow_run_url,
)
from support.candidates import with_mlflow


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_key_is_one_that_prefect_takes(parts):
    key = artifact_key("training", *parts)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key)
    assert artifact_key(key) == key


@pytest.mark.parametrize("uri", ["sqlite:///{}/mlflow.db", "postgresql://me:hunter2@host/mlflow"])
def test_a_database_has_no_pages_to_link_to(make_project, tmp_path, uri):
    project = make_project(
        registry=ModelRegistry(tracking_uri=uri.format(tmp_path), model_name="calls")
    )
    assert mlflow_run_url(project.registry, "run") is None
    assert mlflow_artifact_url(project.registry, "run", "reports/curves.png") is None


@pytest.fixture
def served(make_project, monkeypatch):
    """A function that makes a project behind an address, and the id of a run in it."""
    client = with_mlflow(make_project()).registry.get_client()
    run = client.create_run(client.create_experiment("calls")).info
    # Nobody answers at the address: what is read through it is read from a database.
    monkeypatch.setattr(ModelRegistry, "get_client", lambda _: client)

    def make(uri):
        return make_project(registry=ModelRegistry(tracking_uri=uri, model_name="calls")), run

    return make


@pytest.mark.parametrize(
    ("uri", "base"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://me:hunter2@mlflow.example/team/", "https://mlflow.example/team"),
    ],
)
def test_links_lead_to_the_run_without_the_password(served, uri, base):
    project, run = served(uri)
    page = mlflow_run_url(project.registry, run.run_id)
    assert page == f"{base}/#/experiments/{run.experiment_id}/runs/{run.run_id}"
    artifact = mlflow_artifact_url(project.registry, run.run_id, "reports/a b.html")
    assert artifact is not None
    assert artifact.startswith(base)
    assert artifact.endswith("reports/a%20b.html")
    assert "hunter2" not in page + artifact


def test_every_gate_is_shown_and_what_blocks_comes_first():
    gates = [
        Gate(name="fine", verdict="passed", reason="all well", value=0.12345, threshold=1.0),
        Gate(name="noted", verdict="failed", reason="only noted", blocking=False),
        Gate(name="broken", verdict="failed", reason="too\nbad"),
        Gate(name="unknown", verdict="not_run", reason="could not run"),
    ]
    rows = gate_rows(gates)
    assert [row["gate"] for row in rows] == ["broken", "unknown", "fine", "noted"]
    for row, word in zip(rows, ["failed", "not run", "passed", "note"], strict=True):
        assert row["verdict"].endswith(word)
    assert [row["kind"] for row in rows] == ["decides", "decides", "decides", "advice"]
    assert rows[0]["reason"] == "too bad"
    assert (rows[2]["value"], rows[2]["threshold"]) == ("0.1235", "1")
