"""The canary flow: from what champion and challenger predicted to a verdict, and to what it says."""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed

from ..blocks.project import MLProject
from ..core import tags
from ..core.results import CanaryOutcome
from ..registry.versions import find_version, get_champion, get_version
from ..runs.approvals import request_for
from ..runs.events import CANARY_DECIDED, MODEL_PROMOTED, emit
from ..runs.monitoring_artifacts import report_canary
from ..tasks.canary import conclude_canary, judge_canary
from .approval import announce
from .notifying import tell, tell_promoted
from .project_flow import project_flow
from .projects import load_project, run_name


@project_flow
@flow(name="watch_canary", flow_run_name=lambda: run_name("watch-canary"), persist_result=False)
def watch_canary(project: MLProject | str) -> CanaryOutcome:
    """Judge the challenger on live traffic; promote or withdraw it if the project lets the flow act.

    Looking often does no harm: every look has its share of one chance of error, the same predictions
    and labels are one look, and a verdict that was reached stays.

    Args:
        project: The project, or the name its block was saved under.

    Returns:
        The verdict and what became of it, as the data of a state named after it.

    Raises:
        ModelUnavailable: If there is no champion yet.
        LogUnavailable: If the prediction log cannot be reached.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.flows.canary import watch_canary

        outcome = watch_canary("telemarketing")
        print(outcome.action, outcome.reason)
        ```
    """
    found = load_project(project)
    champion = get_champion(found.registry)
    challenger = find_version(found.registry, tags.CHALLENGER)
    if challenger is None or challenger.version == champion.version:
        reason = f"{champion.name} has no challenger: nothing to judge"
        outcome = CanaryOutcome(action="none", reason=reason)
        report_canary(found.stores, outcome)
        return Completed(name="No challenger", message=reason, data=outcome)  # pyright: ignore[reportReturnType]
    verdict = judge_canary(champion, challenger, **found.arguments(judge_canary))
    if verdict.final:
        emit(found.name, CANARY_DECIDED, verdict.model_dump(mode="json"), about=verdict.trial)
    outcome = conclude_canary(verdict, **found.arguments(conclude_canary))
    if outcome.action == "promoted":
        promoted = get_version(found.registry, challenger.version).model_dump(mode="json")
        payload = {"outcome": "promoted", "reasons": [], "version": promoted}
        payload["cause_id"] = challenger.tags.get(tags.CAUSE_ID)
        emit(found.name, MODEL_PROMOTED, payload, about=verdict.trial)
        once = f"{verdict.trial}/promoted"
        tell_promoted(found, challenger.version, outcome.reason, payload, once)
    request = request_for(found.stores, challenger)
    # A training that waits has said so itself.
    if request is not None and request.approval is None and not request.attempt:
        announce(found, request)
    if verdict.final:
        tell(found, outcome, payload=verdict.model_dump(mode="json"), once=verdict.trial)
    report_canary(found.stores, outcome, challenger)
    get_run_logger().info("%s: %s", verdict.verdict, outcome.reason)
    said = verdict.verdict.replace("_", " ") if outcome.action == "none" else outcome.action
    return Completed(  # pyright: ignore[reportReturnType]
        name=said.capitalize(), message=outcome.reason, data=outcome
    )
