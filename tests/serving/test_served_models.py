"""Which versions are served: aliases are followed, and what goes wrong leaves what is loaded."""

import logging
import time
from pathlib import Path

import pytest
from mlflow import sklearn as mlflow_sklearn
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ModelUnavailable
from prefect_mlops.core.settings import Columns
from prefect_mlops.models.predictor import place_of
from prefect_mlops.serving.served_models import ServedModels, load_version
from prefect_mlops.serving.server_metrics import ServerMetrics
from prefect_mlops.serving.server_settings import ServerSettings
from prefect_mlops.tasks import adopt
from prometheus_client import REGISTRY
from sklearn.linear_model import LinearRegression
from support.candidates import crown, log_candidate, split_at
from support.foreign import register, typed


@pytest.fixture
def project(make_project, calls):
    found = make_project(calls(150))
    split = split_at(found, calls(150), 120)
    for name, noise in {"a": 0.0, "b": 0.9}.items():
        crown(found, log_candidate(found, split, name=name, noise=noise, iterations=3))
    return found


@pytest.fixture
def point(project):
    """A function that moves an alias, or takes it away."""
    client = project.registry.get_client()

    def move(alias, version):
        if version is None:
            client.delete_registered_model_alias("calls", alias)
        else:
            client.set_registered_model_alias("calls", alias, version)

    return move


@pytest.fixture
def follow(project):
    """A function that makes what follows the aliases; keywords are settings."""

    def make(**settings):
        uri = project.registry.tracking_uri.get_secret_value()
        found = {"tracking_uri": uri, "model_name": "calls"} | settings
        return ServedModels(ServerSettings.read(found, {}), ServerMetrics("calls"))

    return make


def failures():
    labels = {"model": "calls", "alias": "champion"}
    return REGISTRY.get_sample_value("prefect_mlops_server_refresh_failures_total", labels) or 0.0


def test_aliases_are_followed_and_a_promoted_challenger_is_not_loaded_again(follow, point):
    models = follow(shadow=True)
    point(tags.CHAMPION, "1")
    point(tags.CHALLENGER, "2")
    models.refresh()
    begun = models.current
    assert (begun.champion.version, begun.challenger.version) == ("1", "2")
    models.refresh()
    assert models.current == begun
    point(tags.CHAMPION, "2")
    models.refresh()
    assert models.current.champion is begun.challenger
    # Both aliases are on it.
    assert models.current.challenger is None
    # A request that began before still has what it began with.
    assert begun.champion.version == "1"
    point(tags.CHALLENGER, "1")
    models.refresh()
    assert models.current.challenger.version == "1"
    point(tags.CHALLENGER, None)
    models.refresh()
    assert models.current.challenger is None


def test_nobody_asks_for_a_challenger_that_has_nothing_to_do(follow, point):
    models = follow()
    point(tags.CHALLENGER, "1")
    models.refresh()
    assert models.current.champion.version == "2"
    assert models.current.challenger is None


def test_a_champion_that_is_taken_away_goes_on_and_that_is_said_once(follow, point, caplog):
    models = follow()
    models.refresh()
    point(tags.CHAMPION, None)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            models.refresh()
    assert models.current.champion.version == "2"
    assert caplog.text.count("calls has no champion") == 1
    assert "version 2 goes on" in caplog.text
    point(tags.CHAMPION, "2")
    with caplog.at_level(logging.INFO):
        models.refresh()
    assert "follows its champion again" in caplog.text


def test_a_version_of_someone_else_is_never_served_and_tried_ever_more_rarely(
    project, follow, point, caplog
):
    mlflow_sklearn.save_model(
        LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), "foreign-model", pip_requirements=[]
    )
    client = project.registry.get_client()
    models = follow(refresh_seconds=0.05)
    models.refresh()
    point(tags.CHAMPION, client.create_model_version("calls", "foreign-model").version)
    before, begun, looks = failures(), time.monotonic(), 0
    while time.monotonic() - begun < 2:
        models.refresh()
        looks += 1
    # 0.05 s apart, then 0.1, 0.2, 0.4 and 0.8.
    assert 2 <= failures() - before <= 6 < looks
    assert models.current.champion.version == "2"
    assert "was not logged by this package" in caplog.text


def test_a_version_of_another_task_is_refused(project, follow):
    settings = {"tracking_uri": project.registry.tracking_uri, "model_name": "calls"}
    with pytest.raises(
        ModelUnavailable, match="version 1 of calls is a binary model, but the settings say reg"
    ):
        load_version(ServerSettings(**settings, task_type="regression"), "1")
    assert load_version(ServerSettings(**settings), "1").predictor.task_type == "binary"


def test_a_model_that_was_logged_under_the_former_name_of_the_task_type_is_served(project):
    settings = {"tracking_uri": project.registry.tracking_uri, "model_name": "calls"}
    uri = project.registry.get_client().get_model_version("calls", "1").source
    place = place_of(project.registry.get_client(), uri).removeprefix("file://")
    path = Path(place) / "MLmodel"
    text = path.read_text()
    assert text.count("task_type: binary") == 1
    path.write_text(text.replace("task_type: binary", "task: binary"))
    found = load_version(ServerSettings(**settings, task_type="binary"), "1")
    assert found.predictor.task_type == "binary"


def test_a_registry_that_is_away_is_said_without_its_password(caplog):
    settings = {"tracking_uri": "http://me:hunter2@127.0.0.1:9", "model_name": "calls"}
    models = ServedModels(ServerSettings.read(settings, {}), ServerMetrics("calls"))
    models.refresh()
    assert models.current is None
    assert "there is no champion meanwhile" in caplog.text
    assert "hunter2" not in caplog.text


def test_the_first_champion_is_told_once_from_the_thread_that_follows(project, point):
    told = []
    uri = project.registry.tracking_uri.get_secret_value()
    settings = {"tracking_uri": uri, "model_name": "calls", "refresh_seconds": 0.02}
    point(tags.CHAMPION, None)
    models = ServedModels(
        ServerSettings.read(settings, {}), ServerMetrics("calls"), lambda: told.append(1)
    )
    models.start()
    try:
        time.sleep(0.3)
        assert told == []
        point(tags.CHAMPION, "1")
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
    finally:
        models.close()
    assert told == [1]


def test_an_adopted_model_is_served(project, follow, calls):
    uri = register(project, "lightgbm", calls(150))
    rows = typed(calls(100, seed=4, start="2026-02-01"))
    columns = Columns(target="y", timestamp="called_at", id="call_id")
    version = adopt.fn(
        uri,
        rows,
        columns=columns,
        task_type="binary",
        replace_champion=True,
        stores=project.stores,
    )
    models = follow()
    models.refresh()
    assert models.current.champion.version == version.version
    assert models.current.champion.predictor.predict(rows).shape == (100, 2)
