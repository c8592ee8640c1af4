"""Environment variables that switch off the telemetry and the progress output of libraries."""

from __future__ import annotations

import os
from collections.abc import Mapping

DO_NOT_TRACK = {"DO_NOT_TRACK": "true"}
MLFLOW_TELEMETRY_OFF = {"MLFLOW_DISABLE_TELEMETRY": "true"}
DEEPCHECKS_TELEMETRY_OFF = {"DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "1"}
GREAT_EXPECTATIONS_TELEMETRY_OFF = {"GX_ANALYTICS_ENABLED": "false"}
PREFECT_TELEMETRY_OFF = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
MLFLOW_PROGRESS_OFF = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
MLFLOW_RUN_LINKS_OFF = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


def set_defaults(*switches: Mapping[str, str]) -> None:
    """Set environment variables of this process, but for those that are set already.

    Args:
        switches: Variable to value.
    """
    for variables in switches:
        for name, value in variables.items():
            os.environ.setdefault(name, value)
