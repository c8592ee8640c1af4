"""The automation that turns a request for retraining into a run of the training deployment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from ..core.errors import ConfigurationError
from ..tasks.events import RETRAINING_REQUESTED, resource_id

TRAINING_DEPLOYMENT = "train/{project}-training"


def _from_event(expression: str) -> dict[str, Any]:
    """Return a parameter that the automation fills from the event, keeping its JSON type."""
    template = "{{ " + expression + " | tojson }}"
    return {
        "__prefect_kind": "json",
        "value": {"__prefect_kind": "jinja", "template": template},
    }


def automation_name(project_name: str) -> str:
    """Return the name of a project's automation."""
    return f"retrain {project_name} when monitoring asks"


def install_automation(project_name: str, deployment: str | None = None) -> Automation:
    """Install the automation of a project, in place of an earlier one of the same name.

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
        for earlier in client.read_automations_by_name(automation_name(project_name)):
            client.delete_automation(earlier.id)
    wanted = Automation(
        name=automation_name(project_name),
        description=f"Runs {name} with the cause, whenever the monitoring of {project_name} asks.",
        trigger=EventTrigger(
            expect={RETRAINING_REQUESTED},
            match={"prefect.resource.id": resource_id(project_name)},
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
    created = wanted.create()
    assert isinstance(created, Automation)
    return created
