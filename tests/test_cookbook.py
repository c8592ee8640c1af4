"""Every recipe of the cookbook, run exactly as it is written: short, without a project, and true.

Each runs in a folder of its own, with what the page prepares before its first recipe.
"""

from __future__ import annotations

import re
import runpy
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryTables
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingTables
from mlflow.tracking import fluent
from mlflow.tracking._model_registry.utils import _get_store_registry
from mlflow.tracking._tracking_service import utils as tracking
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.results import Window
from support.candidates import empty_database

PAGE = Path(__file__).parents[1] / "docs" / "cookbook.md"
LOG = PredictionLog(uri="sqlite:///predictions.db")
PREPARATION = ("rows.py", "models.py")
MOST_LINES = 30
MONTHS = ("january.parquet", "february.parquet", "march.parquet")

pytestmark = [
    pytest.mark.skipif(not PAGE.exists(), reason="the wheel has no documentation"),
    pytest.mark.usefixtures("prefect_api"),
]


def read_page() -> dict[str, str]:
    """Name of each block of Python to what it says."""
    text = PAGE.read_text() if PAGE.exists() else ""
    return dict(re.findall(r'^```python title="(\w+\.py)"\n(.*?)^```$', text, re.DOTALL | re.M))


BLOCKS = read_page()
RECIPES = [name for name in BLOCKS if name not in PREPARATION]


def run(name: str) -> SimpleNamespace:
    """Run a block as a program in the working directory, and return its globals."""
    Path(name).write_text(BLOCKS[name])
    return SimpleNamespace(**runpy.run_path(name, run_name="__main__"))


def forget_databases() -> None:
    """MLflow keeps a database open by what it was called, in whichever folder that was."""
    for tables in (TrackingTables, RegistryTables):
        for engine in tables._engine_map.values():
            engine.dispose()
        tables._engine_map.clear()
    for stores in (tracking._tracking_store_registry, _get_store_registry()):
        stores._get_store_with_resolved_uri.cache_clear()


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    """A folder with the rows, which the page makes once."""
    folder = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("rows.py")
    return folder


@pytest.fixture
def own_process(monkeypatch):
    """What a recipe changes in its process ends with the test."""
    forget_databases()
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(tracking, "_tracking_uri", None)
    monkeypatch.setattr(fluent, "_active_experiment_id", None)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        # Set first, so that what a recipe sets is undone, too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield
    signal.signal(signal.SIGTERM, handler)
    forget_databases()


@pytest.fixture
def cook(rows, tmp_path, own_process):
    """A function that runs a recipe in a folder with what was prepared, and nothing else."""
    for month in MONTHS:
        shutil.copy(rows / month, tmp_path)
    shutil.copy(empty_database(), tmp_path / "mlflow.db")
    return run


@pytest.fixture
def registered(cook) -> Callable[[str], SimpleNamespace]:
    """`cook`, after two models were registered."""
    cook("models.py")
    return cook


def page_at(uri: str) -> str:
    assert Path(uri).is_relative_to(Path("workspace").resolve())
    text = Path(uri).read_text()
    assert "<html" in text
    return text


def champion() -> str:
    client = MlflowClient("sqlite:///mlflow.db")
    return str(client.get_model_version_by_alias("calls", "champion").version)


def logged(id: str) -> Any:
    with LOG.get_client() as store:
        return store.get("calls", id)


class TestThePage:
    def test_there_are_twelve_recipes_at_least_each_with_a_test_of_its_own(self):
        tested = {name for name in globals() if name.startswith("test_")}
        assert len(RECIPES) >= 12
        assert {f"test_{name.removesuffix('.py')}" for name in BLOCKS} == tested

    def test_no_block_of_python_is_left_out(self):
        assert len(re.findall(r"^```py", PAGE.read_text(), re.MULTILINE)) == len(BLOCKS)

    @pytest.mark.parametrize("name", BLOCKS)
    def test_a_recipe_is_short_and_without_a_project(self, name):
        assert len(BLOCKS[name].splitlines()) <= MOST_LINES
        assert max(map(len, BLOCKS[name].splitlines())) <= 100
        assert "MLProject" not in BLOCKS[name]

    @pytest.mark.parametrize("name", RECIPES)
    def test_a_sentence_says_when_to_use_it_and_one_what_is_seen(self, name):
        section = next(part for part in PAGE.read_text().split("\n## ") if f'"{name}"' in part)
        before, _, rest = section.partition("```python")
        assert before.splitlines()[2].startswith("When ")
        assert rest.partition("\n```\n")[2].strip()


def test_rows(rows):
    january, february, march = (pd.read_parquet(rows / month) for month in MONTHS)
    assert len(january) == len(february) == len(march) == 1_000
    assert march["age"].mean() > january["age"].mean() + 10
    assert abs(february["age"].mean() - january["age"].mean()) < 1
    assert january["bought"].value_counts(normalize=True).between(0.4, 0.6).all()


def test_models(registered):
    found = MlflowClient("sqlite:///mlflow.db").search_model_versions("name='calls'")
    assert sorted(int(version.version) for version in found) == [1, 2]
    assert not any(version.aliases or version.tags for version in found)


def test_check_rows(cook):
    report = cook("check_rows.py").report
    assert report.verdict == "failed"
    (gate,) = report.gates
    assert "balance" in gate.name
    assert "5 of 1000 rows" in gate.reason
    assert "balance" in page_at(report.report_uri)


def test_drift(cook):
    report = cook("drift.py").report
    assert report.verdict == "failed"
    drifted = {column.column for column in report.columns if column.drifted}
    assert "age" in drifted
    assert not {"balance", "job"} & drifted
    assert "age" in page_at(report.report_uri)


def test_evidently_own(cook):
    found = cook("evidently_own.py").found
    assert found.verdict == "failed"
    failed = [gate.name for gate in found.gates if gate.verdict == "failed"]
    assert len(found.gates) == 5
    assert len(failed) == 2
    assert "age" in failed[0]
    assert "missing" in failed[1]
    page_at(found.report_uri)


def test_check_model(cook):
    report = cook("check_model.py").report
    assert [gate.verdict for gate in report.gates] == ["failed", "failed"]
    assert "degradation" in report.gates[1].reason
    assert "Train Test Performance" in page_at(report.report_uri)


def test_search(cook):
    found = cook("search.py").found
    assert len(found.trials) == 12
    assert all(trial.state.is_finished() for trial in found.trials)
    assert found.best_value > 0.7


def test_custom_step(cook):
    recipe = cook("custom_step.py")
    parts = recipe.parts
    assert (parts.train.rows, parts.holdout.rows, parts.method) == (800, 200, "time")
    train, held_out = (pd.read_parquet(part.uri) for part in (parts.train, parts.holdout))
    assert (train["savings"] == train["balance"] / (train["age"] - 17)).all()
    assert train["called_at"].max() < held_out["called_at"].min()
    february = pd.read_parquet("february.parquet")
    february.assign(age=february["age"] * 12).to_parquet("months.parquet")
    with pytest.raises(ValueError, match="age"):
        recipe.prepare("months.parquet", known="january.parquet")


def test_notice(cook):
    cook("notice.py")
    (alert,) = re.findall(r"calls: .*", Path("alerts.txt").read_text())
    assert alert == "calls: drift report: failed"
    assert "(age)" in Path("alerts.txt").read_text()


def test_two_models(cook):
    reports = cook("two_models.py").reports
    assert {name: report.verdict for name, report in reports.items()} == {
        "calls": "failed",
        "letters": "passed",
    }
    assert reports["calls"].drifted_columns[0] == "age"
    assert len({page_at(report.report_uri) for report in reports.values()}) == 2


def test_service(cook):
    recipe = cook("service.py")
    kept = logged("2026-04-17")
    assert kept.features == {"age": 61.0, "balance": 900.0}
    assert kept.prediction == "yes"
    assert kept.score == recipe.answer.json()
    assert kept.score["yes"] > 0.9
    assert recipe.logger.counters().dropped == recipe.logger.pending == 0


def test_labelled(cook):
    snapshot = cook("labelled.py").rows
    january = pd.read_parquet("january.parquet")
    assert (snapshot.rows, snapshot.source) == (1_000, "predictions of calls")
    found = pd.read_parquet(snapshot.uri).set_index("call_id")
    assert set(found) == {"age", "balance", "bought", "called_at"}
    known = january.set_index("call_id").loc[found.index]
    for name in ("age", "balance", "bought"):
        assert (found[name] == known[name]).all()


def test_adopt_model(registered):
    recipe = registered("adopt_model.py")
    assert champion() == "1"
    adopted = MlflowClient("sqlite:///mlflow.db").get_model_version("calls", "1")
    assert tags.PROFILE_URI in adopted.tags
    with LOG.get_client() as store:
        predictions = store.read("calls", Window(last=2_000)).to_pandas()
    march = pd.read_parquet("march.parquet")
    assert set(predictions["id"]) == set(march["call_id"])
    assert set(predictions["version"]) == {"1"}
    assert recipe.report.verdict == "failed"
    assert recipe.report.drifted_columns[0] == "age"
    assert recipe.report.prediction_drifted
    page_at(recipe.report.report_uri)


def test_compare_models(registered):
    recipe = registered("compare_models.py")
    assert (recipe.found.verdict, recipe.found.champion_version) == ("passed", "1")
    assert recipe.found.champion_score > recipe.found.candidate_score
    assert champion() == "2"
    assert recipe.promote_if_better("models:/calls/1", "february.parquet").verdict == "failed"
    assert champion() == "2"


def test_rollback(registered):
    recipe = registered("rollback.py")
    assert recipe.champion.version == champion() == "1"
    with LOG.get_client() as store:
        history = store.journal("promotion", "calls")
    assert [entry["version"] for entry in history] == ["1", "2", "1"]
    assert history[0]["reason"] == "rolled back: complaints from sales"


def test_retries(cook):
    recipe = cook("retries.py")
    assert recipe.verdicts == ["passed", "failed"]
    assert recipe.patient_drift.retries == 3
    assert recipe.alone.drifted_columns[0] == "age"
