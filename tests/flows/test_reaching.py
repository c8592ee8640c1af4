from prefect import flow
from prefect.settings import (
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    get_current_settings,
    temporary_settings,
)
from prefect_mlops.flows.reaching import reaching


@reaching
@flow
def settings_of_the_server() -> tuple[int, bool]:
    server = get_current_settings().server
    return server.ephemeral.startup_timeout_seconds, server.analytics_enabled


def test_a_server_of_its_own_may_start_slowly_and_stays_offline(prefect_api):
    assert settings_of_the_server() == (120, False)


def test_what_somebody_set_is_kept(prefect_api):
    with temporary_settings({PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 30}):
        assert settings_of_the_server()[0] == 30
