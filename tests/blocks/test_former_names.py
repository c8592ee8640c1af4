"""A project that was saved while the task type was called `task` works on, and has today's name alone."""

from __future__ import annotations

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentCreate, BlockSchemaCreate
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.results import digest_of
from pydantic import ValidationError

SECRET = "hunter2"


def make_project(**named) -> MLProject:
    return MLProject(
        name="calls",
        dataset=Dataset(
            source={"type": "sql", "url": f"postgresql://me:{SECRET}@host/db", "query": "select 1"},
            columns={"target": "y", "timestamp": "at"},
        ),
        registry=ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls"),
        predictions=PredictionLog(uri=f"mongodb://me:{SECRET}@host/mlops"),
        workspace="memory://calls",
        training={"trials": 3},
        **named,
    )


def as_before(fields: dict) -> dict:
    """The JSON schema of the block as it was registered."""
    properties = {
        "task" if name == "task_type" else name: value
        for name, value in fields["properties"].items()
    }
    required = ["task" if name == "task_type" else name for name in fields["required"]]
    return {**fields, "properties": properties, "required": required}


@pytest.fixture
def saved_before(prefect_api):
    """A block document and its schema as the server holds them since."""
    project = make_project(task_type="binary")
    project.save("new", overwrite=True)
    with get_client(sync_client=True) as client:
        found = client.read_block_document_by_name("new", "ml-project", include_secrets=True)
        schema = client.create_block_schema(
            BlockSchemaCreate(
                fields=as_before(found.block_schema.fields),
                block_type_id=found.block_type_id,
                capabilities=found.block_schema.capabilities,
                version=found.block_schema.version,
            )
        )
        data = {**found.data}
        data["task"] = data.pop("task_type")
        for old in client.read_block_documents_by_type("ml-project"):
            if old.name == "old":
                client.delete_block_document(old.id)
        client.create_block_document(
            BlockDocumentCreate(
                name="old",
                data=data,
                block_schema_id=schema.id,
                block_type_id=found.block_type_id,
            )
        )
    assert schema.id != found.block_schema_id
    return project


def stored(name: str) -> dict:
    with get_client(sync_client=True) as client:
        return client.read_block_document_by_name(name, "ml-project").data


def test_a_block_saved_under_the_former_name_is_loaded(saved_before):
    found = MLProject.load("old")
    assert "task_type" not in stored("old")
    assert found.task_type == "binary"
    assert found.training_digest() == saved_before.training_digest()
    assert found.predictions.uri.get_secret_value().endswith(f"{SECRET}@host/mlops")


def test_a_block_that_is_saved_again_is_what_it_was_saved_as_last(saved_before):
    # Prefect adds to the document that is there, so it has both names then.
    make_project(task_type="multiclass").save("old", overwrite=True)
    assert (stored("old")["task"], stored("old")["task_type"]) == ("binary", "multiclass")
    found = MLProject.load("old")
    assert found.task_type == "multiclass"
    found.save("old", overwrite=True)
    assert MLProject.load("old").task_type == "multiclass"


def test_a_flow_takes_a_project_under_the_former_name(prefect_api):
    @flow
    def told(project: MLProject | str) -> str:
        return project.task_type

    context = {"include_secrets": True}
    plain = make_project(task_type="binary").model_dump(mode="json", context=context)
    plain["task"] = plain.pop("task_type")
    assert told(plain) == "binary"


def test_a_project_is_asked_for_the_name_of_today_alone():
    schema = MLProject.model_json_schema()
    assert "task_type" in schema["required"]
    assert "task" not in schema["properties"]
    project = make_project(task="multiclass")
    assert "task" not in project.model_dump()
    project.task_type = "binary"
    assert project.task_type == "binary"


def test_both_names_are_refused_without_quoting_a_secret():
    with pytest.raises(ValidationError, match="task and task_type are both given") as caught:
        make_project(task="binary", task_type="binary")
    assert SECRET not in str(caught.value)


def test_the_digest_is_that_of_what_was_trained_before():
    project = make_project(task_type="binary")
    # With another text, every finished training would be done again.
    before = {
        "name": "calls",
        "task": "binary",
        "columns": project.dataset.columns.model_dump(mode="json"),
        "data": project.data.model_dump(mode="json"),
        "training": project.training.model_dump(mode="json"),
        "gates": project.gates.model_dump(mode="json"),
        "window_rows": project.monitoring.window_rows,
    }
    assert project.training_digest() == digest_of(before)
