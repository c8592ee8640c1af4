"""Says clearly when the Prefect API cannot be reached: every run is created there first."""

from __future__ import annotations

from typing import Any, ParamSpec, TypeVar

import httpx
from prefect import Flow

from ..core.errors import OrchestratorUnavailable

P = ParamSpec("P")
R = TypeVar("R")

_UNREACHED = "Failed to reach API"


class _ReachingFlow(Flow[P, R]):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except (httpx.TransportError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and _UNREACHED not in str(error):
                raise
            said = str(error) or type(error).__name__
            raise OrchestratorUnavailable(
                f"{self.name} needs the Prefect API: {said}. Check PREFECT_API_URL and that the server "
                "answers, or unset PREFECT_API_URL to run with a server of its own"
            ) from error


def reaching(flow: Flow[P, R]) -> Flow[P, R]:
    """Let a flow that is called raise `OrchestratorUnavailable` when Prefect cannot be reached.

    Prefect raises a bare `RuntimeError` there. Runs of deployments are begun by a worker, which
    reaches Prefect by itself.

    Args:
        flow: The flow.

    Returns:
        The same flow.
    """
    flow.__class__ = _ReachingFlow
    return flow
