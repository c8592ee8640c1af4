import json
import os
import subprocess
import sys

from prefect import flow
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
    temporary_settings,
)
from prefect_mlops.flows.project_flow import reaching

IN_A_PROCESS = """
import json
from prefect import flow
from prefect.settings import get_current_settings
from prefect_mlops.flows.project_flow import reaching

@reaching
@flow
def settings_of_the_server():
    server = get_current_settings().server
    return server.ephemeral.startup_timeout_seconds, server.analytics_enabled

print(json.dumps(settings_of_the_server()))
"""


@reaching
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
