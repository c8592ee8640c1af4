"""Stores on SQLite and on a real server that speaks MongoDB's wire protocol."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pymongo
import pytest
from prefect_mlops.core.results import Window
from prefect_mlops.storage.open import open_store
from prefect_mlops.storage.predictions import Prediction

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def collection():
    """A prefix of the test's own."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def sqlite_uri(tmp_path):
    return f"sqlite:///{tmp_path}/folder/predictions.db"


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.mongodb)])
def uri(request, collection):
    """A database, once of each kind; nothing of the test stays in it."""
    uri = request.getfixturevalue(f"{request.param}_uri")
    yield uri
    if request.param == "mongodb":
        with pymongo.MongoClient(uri) as client:
            for name in ("predictions", "columns", "schema", "journal"):
                client.get_default_database().drop_collection(f"{collection}_{name}")


@pytest.fixture
def open_log(uri, collection):
    """A function that opens the test's prediction log."""
    return lambda **options: open_store(uri, collection=collection, timeout_seconds=20, **options)


@pytest.fixture
def store(open_log):
    with open_log() as store:
        yield store


@pytest.fixture
def predict():
    """A function that makes a prediction `seconds` after the start of the test's window."""

    def make(id: str, seconds: float = 0.0, **fields) -> Prediction:
        content = {
            "model": "calls",
            "version": "1",
            "features": {"age": 40},
            "prediction": "yes",
            "score": {"yes": 0.75, "no": 0.25},
        }
        return Prediction(id=id, at=START + timedelta(seconds=seconds), **{**content, **fields})

    return make


@pytest.fixture
def window():
    """A function that makes the window from `start` to `end` seconds."""

    def make(start: float = 0.0, end: float = 3600.0) -> Window:
        return Window(start=START + timedelta(seconds=start), end=START + timedelta(seconds=end))

    return make
