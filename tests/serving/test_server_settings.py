"""Settings are strict, secrets come from the environment, and no message quotes one."""

import json
from pathlib import Path

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.serving.server_settings import ServerSettings

LEAST = {"tracking_uri": "http://127.0.0.1:5000", "model_name": "calls"}
SECRET = "hunter2-hunter2-hunter2"


def test_little_is_needed():
    settings = ServerSettings.read(LEAST, {})
    assert settings.predictions is None
    assert not settings.wants_challenger


def test_the_environment_wins_over_the_file():
    settings = ServerSettings.read(
        LEAST | {"predictions": "sqlite:///a.db", "redaction": {"columns": {"phone": "hash"}}},
        {
            "PREFECT_MLOPS_TRACKING_URI": f"postgresql://me:{SECRET}@host/mlflow",
            "PREFECT_MLOPS_REGISTRY_URI": "http://registry",
            "PREFECT_MLOPS_PREDICTIONS_URI": f"mongodb://me:{SECRET}@host/mlops",
            "PREFECT_MLOPS_REDACTION_KEY": SECRET,
        },
    )
    assert settings.tracking_uri.get_secret_value().endswith("@host/mlflow")
    assert settings.registry_uri.get_secret_value() == "http://registry"
    assert settings.predictions.get_secret_value().startswith("mongodb://")
    assert settings.redaction.key.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"refresh": 5}, "refresh: Extra inputs"),
        ({"predictions": f"redis://me:{SECRET}@host"}, "predictions: .*scheme 'redis'"),
        ({"predictions": f"mongodb://me:{SECRET}@host"}, "predictions: .*names no database"),
        ({"predictions": [SECRET]}, "predictions: "),
        ({"tracking_uri": {"uri": SECRET}}, "tracking_uri: "),
        ({"redaction": {"columns": {}, "key": SECRET}}, "redaction.columns: "),
        ({"collection": "No Prefix"}, "collection: "),
        ({"refresh_seconds": 0}, "refresh_seconds: "),
        ({"canary_share": 1.5}, "canary_share: "),
        ({"threads": 0}, "threads: "),
        ({"task_type": "ranking"}, "task_type: "),
        ({"canary_share": 0.1, "shadow": True}, "set one of them"),
        ({"model_name": ""}, "model_name: "),
        ({"client_options": {"tlls": True}}, "client_options: .*option 'tlls'"),
        ({"client_options": {"timeout_seconds": 2}}, "client_options: .*option 'timeout_seconds'"),
        ({"client_options": {"password": SECRET}}, "client_options: .*'password' is a secret"),
        (
            {"predictions": "sqlite:///p.db", "client_options": {"tls": True}},
            "SQLite takes no client options",
        ),
        (
            {"id_column": "phone", "redaction": {"columns": {"phone": "drop"}}},
            "redaction of 'phone', the id, must be 'hash'",
        ),
        (
            {"id_column": "phone", "redaction": {"columns": {"phone": {"truncate": 3}}}},
            "redaction of 'phone', the id, must be 'hash'",
        ),
        ({"log_room_seconds": 0}, "log_room_seconds: "),
    ],
)
def test_what_cannot_work_is_refused_by_name_and_never_quoted(wrong, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        ServerSettings.read(LEAST | wrong, {})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_example_of_the_image_and_the_documentation_works():
    path = Path(__file__).parents[2] / "docker" / "serving" / "model" / "model-settings.json"
    if not path.exists():
        pytest.skip("the wheel has no image")
    extra = json.loads(path.read_text())["parameters"]["extra"]
    assert ServerSettings.read(extra, {}).spool_when == "always"


def test_nothing_at_all_names_what_is_needed():
    with pytest.raises(
        ConfigurationError, match=r"tracking_uri: Field required.*model_name: Field"
    ):
        ServerSettings.read(None, {})


def test_the_task_type_is_taken_by_its_former_name_too():
    settings = ServerSettings.read(LEAST | {"task": "binary"}, {})
    assert settings.task_type == "binary"
    assert "task" not in ServerSettings.model_json_schema()["properties"]
    with pytest.raises(ConfigurationError, match="task and task_type are both given"):
        ServerSettings.read(LEAST | {"task": "binary", "task_type": "binary"}, {})
