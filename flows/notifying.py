"""Notifies everybody whom a project names, and never lets that decide how a flow ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect.logging import get_run_logger

from ..core.errors import MLOpsError
from ..core.results import Notice
from ..registry.tracking import flow_run_link
from ..runs.artifacts import mlflow_run_url, mlflow_version_url
from ..runs.notices import notice_of
from ..tasks.notifying import notify

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..core.results import ApprovalRequest, Cause, Result

_TIMEOUT_SECONDS = 60


def tell(
    project: MLProject,
    about: Result,
    *,
    payload: Mapping[str, Any] | None = None,
    once: str | None = None,
    also: Sequence[str] = (),
) -> None:
    """Tell every notifier of a project about a result.

    A notifier that fails is a failed task run and an error in the flow's log, and nothing else. Who was
    told is in the journal, kind `notice`; who was not is told by the next run with the same result.

    Args:
        project: The project.
        about: The result.
        payload: What the event holds. None: the result itself.
        once: What happened once: nobody is told again under the same text. None: every time.
        also: Who is told beside the project's own.
    """
    for path in dict.fromkeys([*project.notifications, *also]):
        try:
            if once and _told(project, path, once):
                continue
            notice = notice_of(
                about,
                model_name=project.registry.model_name,
                links=_links(project, about),
                payload=payload,
            )
            told = notify.with_options(timeout_seconds=_TIMEOUT_SECONDS)(
                notice, path, return_state=True
            )
            if not told.is_completed():
                get_run_logger().error("%s: %s", notice.headline, told.message)
            elif once:
                _note(project, path, once, notice.kind)
        # What a flow decided stands, whoever could be told of it.
        except Exception as error:
            get_run_logger().error("%s was not notified: %s: %s", path, type(error).__name__, error)


def tell_failed(project: MLProject, cause: Cause | None, error: Exception) -> None:
    """Tell every notifier of a project that a training failed.

    Args:
        project: The project.
        cause: Why the training was asked for.
        error: What stopped it.
    """
    name = type(error).__name__
    payload = {
        "outcome": "failed",
        "error": name,
        "reasons": [str(error)],
        "cause_id": cause.id if cause else None,
    }
    headline = f"{project.registry.model_name}: the training failed, {name}"
    tell(project, _notice(project, "failed", headline, [str(error)], payload))


def tell_promoted(
    project: MLProject, version: str, reason: str, payload: dict[str, Any], once: str
) -> None:
    """Tell every notifier of a project that a version became the champion outside of a training.

    Args:
        project: The project.
        version: The version.
        reason: Why.
        payload: What the event holds.
        once: See `tell`.
    """
    headline = f"{project.registry.model_name}: version {version} is the champion"
    tell(project, _notice(project, "promoted", headline, [reason], payload), once=once)


def tell_waiting(
    project: MLProject, request: ApprovalRequest, payload: dict[str, Any], page: str | None
) -> None:
    """Tell every notifier of a project, and those of its approvals, that a person is needed.

    Args:
        project: The project.
        request: What waits for a person.
        payload: What the event holds.
        page: Address of the evidence, if it is known.
    """
    name = project.registry.model_name
    headline = f"{name}: version {request.version} passed every gate and waits for your approval"
    limit = f"without an answer until {request.until:%Y-%m-%d %H:%M} UTC: {request.at_timeout}"
    notice = _notice(project, "approval_requested", headline, [request.reason, limit], payload)
    version = mlflow_version_url(project.registry, request.model, request.version)
    more = {title: url for title, url in {"evidence": page, "MLflow": version}.items() if url}
    notice = notice.model_copy(update={"links": {**notice.links, **more}})
    also = project.gates.approval.notifications
    tell(project, notice, once=f"{request.key}/approval", also=also)


def _notice(
    project: MLProject, kind: str, headline: str, reasons: list[str], payload: dict[str, Any]
) -> Notice:
    url = flow_run_link().url
    return Notice(
        kind=kind,
        model_name=project.registry.model_name,
        headline=headline,
        reasons=reasons,
        links={"flow run": url} if url else {},
        payload=payload,
    )


def _links(project: MLProject, about: Result) -> dict[str, str | None]:
    version = getattr(about, "version", None)
    return {
        "flow run": flow_run_link().url,
        "MLflow run": mlflow_run_url(project.registry, getattr(about, "run_id", None)),
        "model": getattr(version, "uri", None),
    }


def _told(project: MLProject, path: str, once: str) -> bool:
    try:
        with project.predictions.get_client() as store:
            notices = store.journal("notice", project.name)
    except MLOpsError as error:
        # Rather twice than not at all.
        get_run_logger().error("nobody knows whether %s was notified before: %s", path, error)
        return False
    return any(found["about"] == once and found["by"] == path for found in notices)


def _note(project: MLProject, path: str, once: str, kind: str) -> None:
    document = {"about": once, "by": path, "kind": kind, "at": datetime.now(UTC).isoformat()}
    with project.predictions.get_client() as store:
        store.record("notice", f"{project.name}/{once}/{path}", project.name, document)
