"""Switches of libraries: defaults that never win over what is set already."""

import os

from prefect_mlops.core.library_switches import (
    DO_NOT_TRACK,
    MLFLOW_TELEMETRY_OFF,
    set_defaults,
)


def test_what_is_set_already_stays_and_the_rest_is_set(monkeypatch):
    monkeypatch.setenv("DO_NOT_TRACK", "mine")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY")
    set_defaults(DO_NOT_TRACK, MLFLOW_TELEMETRY_OFF)
    assert os.environ["DO_NOT_TRACK"] == "mine"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
