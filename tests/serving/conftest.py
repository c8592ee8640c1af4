"""A service of given versions, and what it logged."""

import pytest
from prefect_mlops.core.results import Window
from prefect_mlops.serving.model_service import ModelService
from prefect_mlops.serving.served_models import ServedPair
from prefect_mlops.serving.server_settings import ServerSettings
from prefect_mlops.storage.open import open_store


@pytest.fixture
def serve(tmp_path):
    """A function that makes a service of given versions; keywords are settings."""
    made = []

    def make(champion, challenger=None, **settings):
        least = {
            "tracking_uri": "http://127.0.0.1:9",
            "model_name": "calls",
            "predictions": f"sqlite:///{tmp_path}/predictions.db",
        }
        service = ModelService(ServerSettings.read(least | settings, {}))
        service.models.current = champion and ServedPair(champion, challenger)
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def logged(tmp_path):
    """A function that reads what is logged of a role."""

    def read(role="champion"):
        with open_store(f"sqlite:///{tmp_path}/predictions.db") as store:
            return store.read("calls", Window(last=1000), role=role).to_pylist()

    return read
