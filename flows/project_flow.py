"""What every flow does around Prefect: says clearly when its API cannot be reached, and hides secrets."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar

import httpx
from prefect import Flow
from prefect.settings import (
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from ..core.errors import OrchestratorUnavailable
from ..core.secret_input import without_slug

P = ParamSpec("P")
R = TypeVar("R")

_UNREACHED = ("Failed to reach API", "Timed out while attempting to connect to ephemeral")
# The first start of a server of its own makes a database, which a busy machine does not finish in
# Prefect's 20 seconds.
_STARTUP_SECONDS = 120


def _own_server() -> AbstractContextManager[object]:
    """Let Prefect start a server of its own slowly and offline, unless somebody set it otherwise."""
    return temporary_settings(
        set_defaults={
            PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: _STARTUP_SECONDS,
            PREFECT_SERVER_ANALYTICS_ENABLED: False,
        }
    )


class _ProjectFlow(Flow[P, R]):
    # Prefect keeps a run's parameters and quotes those that it refuses: of a block that is given as
    # plain data, the URIs are hidden first.
    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return super().serialize_parameters(_hidden(parameters))

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return super().validate_parameters(_hidden(parameters))

    # Prefect makes a plain flow of the copy.
    def with_options(self, **options: Any) -> Flow[P, R]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return project_flow(super().with_options(**options))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with _own_server():
                return super().__call__(*args, **kwargs)
        except (httpx.TransportError, RuntimeError) as error:
            said = str(error) or type(error).__name__
            if isinstance(error, RuntimeError) and not said.startswith(_UNREACHED):
                raise
            raise OrchestratorUnavailable(
                f"{self.name} needs the Prefect API: {said}. Check PREFECT_API_URL and that the server "
                "answers, or unset PREFECT_API_URL to run with a server of its own"
            ) from error


def _hidden(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: without_slug(value) for name, value in parameters.items()}


def project_flow(flow: Flow[P, R]) -> Flow[P, R]:
    """Let a flow that is called raise `OrchestratorUnavailable` when Prefect cannot be reached.

    Prefect raises a bare `RuntimeError` there. Runs of deployments are begun by a worker, which
    reaches Prefect by itself.

    Args:
        flow: The flow.

    Returns:
        The same flow.
    """
    flow.__class__ = _ProjectFlow
    return flow
