"""The automation that turns a request for retraining into a run of the training deployment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import (
    Automation,
    AutomationCore,
    EventTrigger,
    Posture,
)
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from ..core.errors import ConfigurationError
from ..runs.events import RETRAINING_REQUESTED, resource_id
from ..runs.training_runs import TRAINING_DEPLOYMENT, automation_name

__all__ = ["TRAINING_DEPLOYMENT", "automation_name", "install_automation"]


def _from_event(expression: str) -> dict[str, Any]:
    """Return a parameter that the automation fills from the event, keeping its JSON type."""
    template = "{{ " + expression + " | tojson }}"
    return {
        "__prefect_kind": "json",
        "value": {"__prefect_kind": "jinja", "template": template},
    }


def install_automation(project_name: str, deployment: str | None = None) -> Automation:
    """Install the automation of a project, or bring the one in force up to date.

    The one in force is never taken away, so that no event falls into a gap; an automation that
    somebody disabled stays disabled. A request whose event came before its automation listened is
    found by `tasks.delivery.deliver_pending`.

    Args:
        project_name: Name of the project.
        deployment: `flow/deployment` to run. None: the name that `serve` uses.

    Returns:
        The automation.

    Raises:
        ConfigurationError: If the deployment does not exist.

    Example:
        ```python
        from prefect_mlops.deployments.automations import install_automation

        install_automation("telemarketing")
        ```
    """
    name = deployment or TRAINING_DEPLOYMENT.format(project=project_name)
    with get_client(sync_client=True) as client:
        try:
            target: UUID = client.read_deployment_by_name(name).id
        except ObjectNotFound as error:
            raise ConfigurationError(
                f"deployment {name!r} does not exist: serve or deploy the flows first"
            ) from error
        wanted = _wanted(project_name, name, target)
        known = client.read_automations_by_name(wanted.name)
        if not known:
            return Automation(id=client.create_automation(wanted), **dict(wanted))
        kept = next((found for found in known if found.enabled), known[0])
        wanted.enabled = kept.enabled
        if _content(kept) != _content(wanted):
            client.update_automation(kept.id, wanted)
        # Only now: until here another of the same name may have been the one that listened.
        for other in known:
            if other.id != kept.id:
                client.delete_automation(other.id)
    return Automation(id=kept.id, **dict(wanted))


def _wanted(project_name: str, deployment: str, target: UUID) -> AutomationCore:
    wanted = AutomationCore(
        name=automation_name(project_name),
        description=f"Runs {deployment} with the cause, whenever the monitoring of {project_name} asks.",
        trigger=EventTrigger(
            expect={RETRAINING_REQUESTED},
            match=ResourceSpecification({"prefect.resource.id": resource_id(project_name)}),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            RunDeployment(
                source="selected",
                deployment_id=target,
                job_variables=None,
                parameters={"project": project_name, "cause": _from_event("event.payload.cause")},
            )
        ],
    )
    # An update sends only what was set, and would leave out which kind of trigger it is; the owner is
    # refused there.
    return AutomationCore.model_validate(wanted.model_dump(mode="json", exclude={"owner_resource"}))


def _content(automation: AutomationCore) -> dict[str, Any]:
    compared = set(AutomationCore.model_fields) - {"owner_resource"}
    content = automation.model_dump(mode="json", include=compared)
    # The server gives a trigger another id whenever it stores one.
    content["trigger"].pop("id", None)
    return content
