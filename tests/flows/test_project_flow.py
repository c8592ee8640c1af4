import json
import os
import subprocess
import sys

import pytest
from prefect import flow
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
    temporary_settings,
)
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_mlops.core.errors import OrchestratorUnavailable
from prefect_mlops.flows import train
from prefect_mlops.flows.project_flow import project_flow

IN_A_PROCESS = """
import json
from prefect import flow
from prefect.settings import get_current_settings
from prefect_mlops.flows.project_flow import project_flow

@project_flow
@flow
def settings_of_the_server():
    server = get_current_settings().server
    return server.ephemeral.startup_timeout_seconds, server.analytics_enabled

print(json.dumps(settings_of_the_server()))
"""


@project_flow
@flow
def startup_seconds() -> int:
    return get_current_settings().server.ephemeral.startup_timeout_seconds


def test_a_server_of_its_own_may_start_slowly_and_stays_offline(prefect_api, tmp_path):
    # Whoever runs the tests may have set either, as CI does; settings are read when Prefect starts.
    unset = {
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.name,
        PREFECT_SERVER_ANALYTICS_ENABLED.name,
    }
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [120, False]


def test_what_somebody_set_is_kept(prefect_api):
    with temporary_settings({PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 30}):
        assert startup_seconds() == 30


def test_another_task_runner_changes_neither_errors_nor_secrets(make_project):
    renamed = train.with_options(name="nightly", task_runner=ThreadPoolTaskRunner(max_workers=1))
    assert renamed.name == "nightly"
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(OrchestratorUnavailable, match="nightly needs the Prefect API"),
    ):
        renamed(make_project())
    shown = renamed.serialize_parameters({"project": {"uri": "mongodb://me:hush@host/calls"}})
    assert "hush" not in str(shown)
