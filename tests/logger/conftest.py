"""Loggers with a spool, and a database that can be taken away."""

import pytest
from prefect_mlops.logger.logger import PredictionLogger


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/predictions/predictions.db"


@pytest.fixture
def away(uri, tmp_path):
    """A function that brings the database back."""
    (tmp_path / "predictions").write_text("in the way")
    return (tmp_path / "predictions").unlink


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def open_logger(uri, folder):
    def make(**settings):
        defaults = {"spool": folder, "flush_seconds": 0.02, "timeout_seconds": 0.3}
        return PredictionLogger(uri, "calls", "1", **{**defaults, **settings})

    return make
