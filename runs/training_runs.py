"""The training runs on the Prefect server: which cause each is for, how it ended, and one more of them.

Prefect knows what the journal cannot: that a run was cancelled, or that its process died before it
could write anything down.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.actions import RunDeployment
from prefect.events.filters import (
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventOrder,
    EventResourceFilter,
)
from prefect.events.schemas.automations import Automation, EventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.states import Scheduled

from .events import RETRAINING_REQUESTED

if TYPE_CHECKING:
    from ..core.results import Cause

TRAINING_DEPLOYMENT = "train/{project}-training"
# Prefect's runs say every 180 s that they are alive.
SILENT_SECONDS = 900.0

_PAGE = 200
_OUTCOMES = {
    StateType.CANCELLED: "cancelled",
    StateType.CRASHED: "crashed",
    StateType.FAILED: "failed",
}
_VERBS = {"cancelled": "was cancelled", "crashed": "crashed", "failed": "failed"}


def automation_name(project_name: str) -> str:
    """Return the name of a project's automation."""
    return f"retrain {project_name} when monitoring asks"


def training_runs(
    client: SyncPrefectClient, project_name: str, causes: list[Cause]
) -> dict[str, list[FlowRun]]:
    """Return the runs of the training flow for some causes, by cause id, newest first.

    Args:
        client: Prefect's API.
        project_name: Whose causes.
        causes: Which ones.
    """
    if not causes:
        return {}
    wanted = {cause.id for cause in causes}
    # An hour for clocks that differ.
    since = min(cause.decided_at for cause in causes) - timedelta(hours=1)
    found: dict[str, list[FlowRun]] = defaultdict(list)
    offset = 0
    while True:
        page = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["train"])),
            flow_run_filter=FlowRunFilter(
                expected_start_time=FlowRunFilterExpectedStartTime(after_=since)  # pyright: ignore[reportArgumentType]
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=_PAGE,
            offset=offset,
        )
        for run in page:
            cause = run.parameters.get("cause")
            if not isinstance(cause, dict) or cause.get("project") != project_name:
                continue
            if cause["id"] in wanted:
                found[cause["id"]].append(run)
        if len(page) < _PAGE:
            return found
        offset += _PAGE


def unwritten_end(
    client: SyncPrefectClient, runs: list[FlowRun]
) -> tuple[FlowRun, str, str] | None:
    """Return how the runs of one cause ended, or None while one of them may still end by itself.

    Args:
        client: Prefect's API.
        runs: Every run of the cause, newest first.

    Returns:
        The run that ended last, `cancelled`, `crashed` or `failed`, and a sentence.
    """
    ended: list[tuple[FlowRun, str, str]] = []
    for run in runs:
        state = run.state
        if state is None:
            return None
        if state.type in _OUTCOMES:
            outcome = _OUTCOMES[state.type]
            said = f": {' '.join(state.message.split())}" if state.message else ""
            ended.append((run, outcome, f"training run {run.name} {_VERBS[outcome]}{said}"))
        elif state.is_final():
            # It answered, and wrote so itself.
            return None
        else:
            last = _last_sign(client, run) if state.type == StateType.RUNNING else None
            if last is None or datetime.now(UTC) - last < timedelta(seconds=SILENT_SECONDS):
                return None
            ended.append(
                (
                    run,
                    "crashed",
                    f"training run {run.name} gave no sign of life since {last:%Y-%m-%d %H:%M} UTC",
                )
            )
    return ended[0] if ended else None


def _last_sign(client: SyncPrefectClient, run: FlowRun) -> datetime | None:
    """Return when a running run last said that it is alive, or None when it never does."""
    today = datetime.now(UTC)
    found = client.read_events(
        EventFilter(
            occurred=EventOccurredFilter.model_validate(
                {"since": today - timedelta(days=7), "until": today + timedelta(days=1)}
            ),
            event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
            order=EventOrder.DESC,
        ),
        limit=1,
    )
    return found.events[0].occurred if found.events else None


def listening_deployment(client: SyncPrefectClient, project_name: str) -> UUID | None:
    """Return the deployment that the project's automation runs, or None while none would.

    An automation that somebody disabled is respected: nothing is trained because of it.

    Args:
        client: Prefect's API.
        project_name: The project.
    """
    automations = client.read_automations_by_name(automation_name(project_name))
    if not automations:
        # As `prefect deploy` makes it: a trigger of the deployment, under a name of Prefect's choice.
        try:
            deployment = client.read_deployment_by_name(
                TRAINING_DEPLOYMENT.format(project=project_name)
            )
        except ObjectNotFound:
            return None
        automations = client.read_resource_related_automations(
            f"prefect.deployment.{deployment.id}"
        )
    return next((target for found in automations if (target := _target(found))), None)


def _target(automation: Automation) -> UUID | None:
    trigger = automation.trigger
    if not automation.enabled or not isinstance(trigger, EventTrigger):
        return None
    if RETRAINING_REQUESTED not in trigger.expect:
        return None
    return next((a.deployment_id for a in automation.actions if isinstance(a, RunDeployment)), None)


def start_training(
    client: SyncPrefectClient, project_name: str, cause: Cause, deployment: UUID
) -> FlowRun:
    """Run the training deployment for a cause, once however often it is asked for.

    Args:
        client: Prefect's API.
        project_name: The project.
        cause: Why.
        deployment: Which deployment.

    Returns:
        The run; the first one that was created for this cause.
    """
    return client.create_flow_run_from_deployment(
        deployment,
        parameters={"project": project_name, "cause": cause.model_dump(mode="json")},
        state=Scheduled(message="the automation did not run it"),
        idempotency_key=cause.id,
    )
