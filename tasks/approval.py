"""Asks a person whether a version may become the champion, and finds the answer wherever it is given.

The first answer counts, whichever way it came: it is in the journal, and the version's tag says it. An approval that
comes later than the time limit does not count where the limit rejects: nobody was there while the evidence was fresh.
It is given against one champion: where there is another one by now, a person is asked anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ..core import tags
from ..core.errors import ConfigurationError, ModelUnavailable, OrchestratorUnavailable
from ..core.results import Approval, ApprovalRequest, ModelVersion
from ..core.settings import ApprovalSettings
from ..registry.approval_tags import read_answer, write_approval, write_waiting
from ..runs.approval_form import is_waiting, read_form, resume
from ..runs.approvals import (
    answer_at_the_limit,
    approval_requests,
    first_answer,
    open_requests,
    record_answer,
    record_closed,
    record_request,
    requests_for,
    standing_request,
    within_the_limit,
)
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Channel


@step("request approval of version {version.version}")
def request_approval(
    version: ModelVersion,
    reason: str,
    attempt: str = "",
    *,
    expected: str | None,
    cause_id: str | None = None,
    settings: ApprovalSettings,
    stores: Stores,
) -> ApprovalRequest:
    """Ask whether a version may become the champion, once a champion, and write on it that it waits.

    Args:
        version: The version.
        reason: One sentence on why it may, such as that of the gate `superiority`.
        attempt: Key of the training's checkpoints, where a training waits.
        expected: Version of the champion that it was compared with; None when there was none.
        cause_id: Cause of the training, if any.
        settings: How long it waits, and what holds then.
        stores: Where the model's things are kept.

    Returns:
        The request as it was made first, with its answer if there is one. A rejection stands for the version; one
        that was approved against another champion is asked about anew, and the reason says so.

    Raises:
        LogUnavailable: If the journal cannot be written.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    earlier = requests_for(stores, version)
    request = standing_request(earlier, expected)
    if request is None:
        asked = ApprovalRequest(
            model=version.name,
            version=version.version,
            run_id=version.run_id,
            number=len(earlier) + 1,
            champion_version=expected,
            cause_id=cause_id,
            attempt=attempt,
            reason="; ".join([reason, *(_why_anew(found, expected) for found in earlier[:1])]),
            requested_at=datetime.now(UTC),
            timeout_seconds=settings.timeout_seconds,
            at_timeout=settings.at_timeout,
        )
        if earlier:
            _take_back(stores, asked)
        request = record_request(stores, asked)
    if request.approval is None:
        # Reading writes what is waited for, where nothing is written.
        read_answer(stores.registry, request, datetime.now(UTC))
    return request


@step("find approval of version {request.version}")
def find_approval(request: ApprovalRequest, *, stores: Stores) -> ApprovalRequest:
    """Look for the answer to a request: in the journal, in Prefect's form, in the version's tag, at the time limit.

    Args:
        request: What `request_approval` returned.
        stores: Where the model's things are kept.

    Returns:
        The request as it is now; without `approval` while nobody answered and there is time.

    Raises:
        LogUnavailable: If the journal cannot be reached.
        OrchestratorUnavailable: If the Prefect server does not answer.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    known = next(found for found in approval_requests(stores) if found.key == request.key)
    if known.approval is not None:
        return known
    now = datetime.now(UTC)
    given = first_answer(known, read_form(known), read_answer(stores.registry, known, now))
    counts = given or answer_at_the_limit(known, now)
    return known if counts is None else _answered(stores, known, counts)


@step("record approval of version {version}")
def record_approval(
    version: str,
    decision: Literal["approved", "rejected"],
    reason: str,
    by: str,
    *,
    through: Channel = "python",
    stores: Stores,
) -> Approval:
    """Answer for a version that waits, and resume the flow run that waits for it.

    An answer that was given before in Prefect's form or in the version's tag counts, also if nobody has read it yet.

    Args:
        version: The version's number.
        decision: `approved` or `rejected`.
        reason: Why.
        by: Name of the person who decides.
        through: Where the answer was given.
        stores: Where the model's things are kept.

    Returns:
        The answer; the same one again changes nothing.

    Raises:
        ConfigurationError: If the version does not wait, somebody else or another answer came first (it says
            which, whose and when), or the time limit has passed; if reason or name are empty.
        LogUnavailable: If the journal cannot be reached.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.tasks import record_approval

        stores = MLProject.load("telemarketing").stores
        record_approval.fn("7", "approved", "checked by the risk team", "Ann", stores=stores)
        ```
    """
    if not reason.strip() or not by.strip():
        raise ConfigurationError(
            f"version {version} cannot be {decision} without a reason and a name: give both"
        )
    requests = approval_requests(stores)
    request = next((found for found in requests if found.version == version), None)
    if request is None:
        waiting = [found.version for found in requests if found.approval is None]
        raise ConfigurationError(
            f"version {version} of {stores.registry.model_name} was not proposed for approval: "
            + (f"version {', '.join(waiting)} waits" if waiting else "none waits")
        )
    now = datetime.now(UTC)
    given = Approval(
        decision=decision, reason=reason.strip(), by=by.strip(), through=through, decided_at=now
    )
    earlier = request.approval or _given_before(stores, request, now)
    request = _answered(stores, request, earlier or within_the_limit(request, given))
    said = request.approval
    assert said is not None
    try:
        resume(request, said)
    except OrchestratorUnavailable as error:
        run_logger().warning("what waits goes on once Prefect answers: %s", error)
    if (said.decision, said.by, said.reason) != (given.decision, given.by, given.reason):
        raise ConfigurationError(
            f"version {version} was {said.sentence}, on {said.decided_at:%Y-%m-%d %H:%M} UTC. The first "
            f"answer counts: {_what_now(said)}"
        )
    return said


@step()
def settle_approvals(*, stores: Stores) -> list[ApprovalRequest]:
    """Find the answers to everything that waits, apply the time limit, and resume the flow runs that wait.

    A run that is suspended has no process that could look: `serve` and every monitoring run do it.

    Args:
        stores: Where the model's things are kept.

    Returns:
        The requests that have an answer and a flow run that goes on now.

    Raises:
        LogUnavailable: If the journal cannot be reached.
        OrchestratorUnavailable: If the Prefect server does not answer.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    settled: list[ApprovalRequest] = []
    for waiting in open_requests(stores):
        request = find_approval.fn(waiting, stores=stores)
        if request.approval is None:
            continue
        if resume(request, request.approval):
            settled.append(request)
        elif not any(is_waiting(run) for run in request.runs):
            record_closed(stores, request)
    return settled


def approval_of(
    version: ModelVersion,
    reason: str,
    *,
    expected: str | None,
    settings: ApprovalSettings | None,
    stores: Stores,
) -> ApprovalRequest | None:
    """Return what a person says to a version that no training waits for, asking if nobody was asked.

    Returns:
        The request, with its answer if there is one; None where no person has the last word.
    """
    asks = settings is not None and settings.by == "person"
    if not asks and not requests_for(stores, version):
        return None
    request = request_approval.fn(
        version,
        reason,
        expected=expected,
        cause_id=version.tags.get(tags.CAUSE_ID),
        settings=settings or ApprovalSettings(),
        stores=stores,
    )
    request = find_approval.fn(request, stores=stores)
    if request.approval is None or standing_request([request], expected) is not None:
        return request
    # Answered just now, and to the question about another champion.
    return approval_of(version, reason, expected=expected, settings=settings, stores=stores)


def _given_before(stores: Stores, request: ApprovalRequest, now: datetime) -> Approval | None:
    try:
        form = read_form(request)
    except OrchestratorUnavailable as error:
        run_logger().warning("whether a form was filled in before is not known: %s", error)
        form = None
    return first_answer(request, form, read_answer(stores.registry, request, now))


def _take_back(stores: Stores, asked: ApprovalRequest) -> None:
    # Before it is asked: the tag's answer to the request before must not be read as one to this.
    try:
        write_waiting(stores.registry, asked)
    except ModelUnavailable as error:
        run_logger().warning("%s", error)


def _why_anew(before: ApprovalRequest, champion: str | None) -> str:
    said = before.approval.sentence if before.approval else "asked"
    named = [
        f"version {found}" if found else "no champion"
        for found in (before.champion_version, champion)
    ]
    return f"asked anew, because it was {said}, against {named[0]}, and now it is {named[1]}"


def _what_now(said: Approval) -> str:
    if said.decision == "approved":
        return "once the version is the champion, `roll_back` goes back to the one before"
    if said.through == "time limit":
        return "train again to be asked again, or promote the version yourself"
    return (
        "training again on the same rows with the same settings ends with it, too. Train on other rows or with other "
        "settings to be asked about another candidate, or promote this version yourself"
    )


def _answered(stores: Stores, request: ApprovalRequest, approval: Approval) -> ApprovalRequest:
    found, first = record_answer(stores, request, approval)
    try:
        write_approval(stores.registry, request, found)
    except ModelUnavailable as error:
        run_logger().warning("%s", error)
    if first:
        run_logger().info("%s version %s: %s", request.model, request.version, found.sentence)
    return request.model_copy(update={"approval": found})
