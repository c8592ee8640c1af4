"""The page on extending: every example runs as it is written, and is short."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[1] / "docs/extending.md"
TEXT = DOCUMENT.read_text() if DOCUMENT.exists() else ""
BLOCKS = dict(
    re.findall(r'^```python title="(\w+)\.py"\n(.*?)^```', TEXT, re.DOTALL | re.MULTILINE)
)

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.skipif(not DOCUMENT.exists(), reason="the wheel has no documentation"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with every example, in which MLflow's database is made already."""
    from support.candidates import with_mlflow

    folder = tmp_path_factory.mktemp("examples")
    for name, text in BLOCKS.items():
        (folder / f"{name}.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.chdir(folder)
        importlib.invalidate_caches()
        with_mlflow(importlib.import_module("my_project").make_project("first"))
        yield folder
    for name in BLOCKS:
        sys.modules.pop(name, None)


@pytest.fixture
def example(folder, monkeypatch):
    """A function that runs an example as a script and returns its names."""
    monkeypatch.chdir(folder)
    return lambda name: runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")


def test_there_is_one_example_a_seam_of_at_most_thirty_lines():
    seams = [
        "my_rule",
        "my_models",
        "my_features",
        "my_rows",
        "my_gates",
        "my_spread",
        "my_alerts",
        "my_flow",
    ]
    assert [*BLOCKS] == ["my_project", *seams]
    assert TEXT.count("```python") == len(BLOCKS)
    for name, text in BLOCKS.items():
        assert len(text.splitlines()) <= 30, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["my_rule", "my_features"])
def test_a_class_and_feature_steps_are_shipped_with_the_model(example, folder, name):
    found = example(name)
    outcome = found["outcome"]
    assert outcome.version is not None
    assert {gate.name: gate.verdict for gate in outcome.gates}["same predictions"] == "passed"
    shipped = {path.name for path in folder.rglob("code/*.py")}
    assert f"{name}.py" in shipped
    assert shipped <= {"my_rule.py", "my_features.py"}


@pytest.mark.slow
def test_an_estimator(example, capsys):
    outcome = example("my_models")["outcome"]
    assert outcome.version is not None
    assert "models:/with-own-model/1" in capsys.readouterr().out


def test_a_data_source(example):
    snapshot = example("my_rows")["snapshot"]
    assert 200 < snapshot.rows < 1_500
    assert snapshot.source == "function my_rows:young_callers"


@pytest.mark.slow
def test_a_gate(example):
    outcome = example("my_gates")["outcome"]
    (gate,) = [gate for gate in outcome.gates if gate.name == "same chances"]
    assert (gate.verdict, outcome.outcome) == ("failed", "rejected")
    assert any("same chances" in reason for reason in outcome.reasons)


def test_a_drift_method(example):
    found = example("my_spread")
    assert found["method"].score(found["pair"]) > found["method"].null_threshold(
        found["pair"], 0.01
    )


def test_a_notification(example, capsys):
    example("my_alerts")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "calls: drift report: failed",
        "- age drifted",
    ]


def test_a_step(example):
    parts = example("my_flow")["parts"]
    assert parts.train.rows + parts.holdout.rows == 1_000
