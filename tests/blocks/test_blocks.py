"""What holds for every block: Prefect's own tests, strictness, secrets, saving and loading."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import get_current_settings
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.blocks.links import LOGO_URL
from pydantic import ValidationError

SECRET = "hunter2"
COLUMNS = {"target": "y", "timestamp": "at"}
REGISTRY = {
    "tracking_uri": f"postgresql://mlflow:{SECRET}@host/mlflow",
    "registry_uri": f"https://user:{SECRET}@registry",
    "model_name": "calls",
}
LOG = {"uri": f"mongodb://user:{SECRET}@host/mlops"}
SQL = {"type": "sql", "url": f"postgresql://user:{SECRET}@host/db", "query": "select 1"}
MONGO = {"type": "mongodb", "uri": f"mongodb://user:{SECRET}@host/db", "collection": "calls"}


def make_dataset(source=SQL) -> Dataset:
    return Dataset(source=source, columns=COLUMNS)


def make_project(**overrides) -> MLProject:
    settings = {
        "name": "calls",
        "task_type": "binary",
        "dataset": make_dataset(),
        "registry": ModelRegistry(**REGISTRY),
        "predictions": PredictionLog(**LOG),
        "workspace": "memory://calls",
        "training": {"trials": 3},
        "monitoring": {"governor": {"windows": 5}},
    }
    return MLProject(**{**settings, **overrides})


WITH_SECRETS = {
    "dataset of SQL": make_dataset,
    "dataset of MongoDB": lambda: make_dataset(MONGO),
    "registry": lambda: ModelRegistry(**REGISTRY),
    "log": lambda: PredictionLog(**LOG),
    "project": make_project,
}


class TestStandard(BlockStandardTestSuite):
    @pytest.fixture(params=[Dataset, MLProject, ModelRegistry, PredictionLog])
    def block(self, request):
        return request.param

    def test_has_a_valid_image(self, block):
        # Prefect's own test fetches the address; what it will serve is in the repository.
        image = pytest.importorskip("PIL.Image")
        path = Path(__file__).parents[2] / "docs/assets/logo.png"
        if not path.exists():
            pytest.skip("the documentation is not here")
        assert str(block._logo_url) == LOGO_URL
        assert LOGO_URL.endswith(f"/{path.parent.name}/{path.name}")
        with image.open(path) as logo:
            assert logo.width == logo.height
            assert 45 < logo.width < 1000


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_a_saved_block_is_loaded_as_it_was_with_its_secrets(prefect_api, name):
    block = WITH_SECRETS[name]()
    saved = name.lower().replace(" ", "-")
    block.save(saved)
    found = type(block).load(saved)
    context = {"include_secrets": True}
    kept = found.model_dump(mode="json", context=context)
    assert kept == block.model_dump(mode="json", context=context)
    assert SECRET in str(kept)


def test_a_project_of_saved_blocks_is_loaded_with_what_they_hold(prefect_api):
    parts = {
        "dataset": make_dataset(),
        "registry": ModelRegistry(**REGISTRY),
        "predictions": PredictionLog(**LOG),
    }
    for name, part in parts.items():
        part.save(f"part-{name}")
    make_project(**{name: type(part).load(f"part-{name}") for name, part in parts.items()}).save(
        "composed"
    )
    found = MLProject.load("composed")
    assert isinstance(found.dataset, Dataset)
    assert found.dataset.source.type == "sql"
    assert found.dataset.source.url.get_secret_value() == SQL["url"]
    assert found.predictions.uri.get_secret_value() == LOG["uri"]
    assert found.training_digest() == make_project().training_digest()


def test_a_changed_part_reaches_every_project_that_is_made_of_it(prefect_api):
    PredictionLog(uri="sqlite:///old.db").save("shared-log")
    make_project(predictions=PredictionLog.load("shared-log")).save("sharing")
    PredictionLog(uri="sqlite:///new.db").save("shared-log", overwrite=True)
    found = MLProject.load("sharing")
    assert found.predictions.uri.get_secret_value() == "sqlite:///new.db"


@pytest.mark.parametrize("name", WITH_SECRETS)
@pytest.mark.parametrize(
    "shown",
    [repr, str, lambda block: block.model_dump_json(), lambda block: str(block.model_dump())],
)
def test_a_secret_is_never_shown(name, shown):
    text = shown(WITH_SECRETS[name]())
    assert text
    assert SECRET not in text


def test_a_secret_is_stored_as_one(prefect_api):
    from prefect.client.orchestration import get_client

    make_project().save("stored")
    with get_client(sync_client=True) as client:
        document = client.read_block_document_by_name(
            "stored", MLProject.get_block_type_slug(), include_secrets=False
        )
    assert SECRET not in str(document.data)


NESTED = {
    "dataset": lambda: Dataset(source=SQL, columns=COLUMNS, colour="red"),
    "columns": lambda: Dataset(source=SQL, columns={**COLUMNS, "colour": "red"}),
    "source": lambda: Dataset(source={**SQL, "colour": "red"}, columns=COLUMNS),
    "registry": lambda: ModelRegistry(**REGISTRY, colour="red"),
    "log": lambda: PredictionLog(**LOG, colour="red"),
    "project": lambda: make_project(colour="red"),
    "training": lambda: make_project(training={"colour": "red"}),
    "data": lambda: make_project(data={"colour": "red"}),
    "gates": lambda: make_project(gates={"colour": "red"}),
    "a deepcheck": lambda: make_project(gates={"deepchecks": [{"check": "X", "colour": "red"}]}),
    "monitoring": lambda: make_project(monitoring={"colour": "red"}),
    "drift": lambda: make_project(monitoring={"drift": {"colour": "red"}}),
    "governor": lambda: make_project(monitoring={"governor": {"colour": "red"}}),
    "a nested dataset": lambda: make_project(
        dataset={"source": SQL, "columns": COLUMNS, "colour": "red"}
    ),
    "a nested registry": lambda: make_project(registry={**REGISTRY, "colour": "red"}),
}


@pytest.mark.parametrize("level", NESTED)
def test_an_unknown_key_is_refused_at_every_level(level):
    with pytest.raises(ValidationError, match="colour") as caught:
        NESTED[level]()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda uri: PredictionLog(uri=uri), "prediction log|needs a file|names no database"),
        (lambda uri: ModelRegistry(tracking_uri=uri, model_name="m"), "scheme"),
    ],
)
@pytest.mark.parametrize("uri", [f"ftp://user:{SECRET}@host/db", SECRET, "", f"{SECRET}://host/x"])
def test_a_uri_of_another_kind_is_refused_without_its_password(make, expected, uri):
    with pytest.raises(ValidationError, match=expected) as caught:
        make(uri)
    assert f"user:{SECRET}" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mongodb://host", "mongodb://host/"],
)
def test_a_log_without_a_file_or_database_is_refused(uri):
    with pytest.raises(ValidationError, match=r"needs a file|names no database"):
        PredictionLog(uri=uri)


@pytest.mark.parametrize(
    "source",
    [
        {"type": "sql", "url": f"user {SECRET}", "query": "select 1"},
        {"type": "mongodb", "uri": f"http://user:{SECRET}@host/db", "collection": "c"},
        {"type": "csv", "path": ""},
        {"type": "csv", "path": "a.csv", "separator": ";;"},
        {"type": "excel", "path": "a.xlsx"},
        {"path": "a.csv"},
    ],
)
def test_a_source_that_cannot_be_is_refused(source):
    with pytest.raises(ValidationError, match="source") as caught:
        make_dataset(source)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a/b", "a:b"])
def test_a_model_name_that_mlflow_could_not_address_is_refused(name):
    with pytest.raises(ValidationError, match="model_name"):
        ModelRegistry(tracking_uri="sqlite:///m.db", model_name=name)


@pytest.mark.parametrize("name", ["", "Calls", "1st", "a b", "a_b", "a" * 64])
def test_a_project_name_that_is_no_key_is_refused(name):
    with pytest.raises(ValidationError, match="name"):
        make_project(name=name)


@pytest.mark.parametrize("collection", ["", "Calls", "a-b", "a.b", "a;drop", "a" * 41])
def test_a_collection_that_could_be_a_command_is_refused(collection):
    with pytest.raises(ValidationError, match="collection"):
        PredictionLog(uri="sqlite:///p.db", collection=collection)


def test_settings_that_cannot_work_together_are_refused():
    with pytest.raises(ValidationError, match="no loss for binary"):
        make_project(training={"metric": "rmse"})
    with pytest.raises(ValidationError, match="rows in time order"):
        make_project(
            dataset=Dataset(source=SQL, columns={"target": "y"}), training={"refit": "all_rows"}
        )
    with pytest.raises(ValidationError, match="need a timestamp column"):
        Dataset(source=SQL, columns={"target": "y"}, start="2026-01-01T00:00:00Z")
    with pytest.raises(ValidationError, match="no time zone"):
        Dataset(source=SQL, columns=COLUMNS, start="2026-01-01T00:00:00")


def test_the_digest_tells_what_shapes_a_model_from_what_does_not():
    digest = make_project().training_digest()
    assert make_project(workspace="memory://moved").training_digest() == digest
    assert make_project(monitoring={"drift": {"distance": 0.2}}).training_digest() == digest
    assert make_project(monitoring={"window_rows": 99}).training_digest() != digest
    assert make_project(training={"trials": 4}).training_digest() != digest
    assert make_project(gates={"margin": 0.1}).training_digest() != digest


def test_where_trials_run_shapes_no_model_and_how_their_sums_are_split_does():
    digest = make_project(training={}).training_digest()
    elsewhere = {"runner": "dask", "runner_address": "tcp://scheduler:8786"}
    for training in ({"parallel_trials": 4}, {"search": elsewhere}):
        assert make_project(training=training).training_digest() == digest
    for search in ({"ahead": 8}, {"threads_per_trial": 2}):
        assert make_project(training={"search": search}).training_digest() != digest
    # Until time runs out, more at once are more trials.
    timed = make_project(training={"timeout_seconds": 60}).training_digest()
    more = make_project(training={"timeout_seconds": 60, "parallel_trials": 4})
    assert more.training_digest() != timed
    assert more.training.parallel_trials == 4


def test_constructing_a_block_connects_to_nothing():
    # Port 9 answers nobody: with a connection this would raise.
    ModelRegistry(tracking_uri="http://127.0.0.1:9", model_name="m").get_client()
    PredictionLog(uri="mongodb://127.0.0.1:9/mlops")
    assert not Path("p.db").exists()
    PredictionLog(uri="sqlite:///p.db")
    assert not Path("p.db").exists()


def test_the_command_line_registers_the_four(prefect_api):
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    found = subprocess.run(
        [sys.executable, "-m", "prefect", "block", "register", "-m", "prefect_mlops.blocks"],
        env={**os.environ, **settings, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    for name in ("ML Dataset", "ML Project", "ML Model Registry", "Prediction Log"):
        assert name in found.stdout
    assert "4 blocks" in found.stdout


def test_who_approves_a_promotion_shapes_no_training(make_project):
    plain = make_project()
    asking = make_project(gates={"approval": {"by": "person", "timeout_seconds": 60}})
    assert asking.training_digest() == plain.training_digest()
    assert asking.gates.approval.by == "person"
