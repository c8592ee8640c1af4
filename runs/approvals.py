"""Requests for approval and their answers, in the journal: the first answer is the one that counts.

A document of the journal's kind `approval` has `request`, the key of what is asked (model, version and MLflow
run, and the request's number where a person was asked anew), and one of:

| field | content |
| --- | --- |
| `asked` | the request, an `ApprovalRequest` without runs and answer |
| `waiting` | a flow run that waits for the answer, a `WaitingRun` |
| `approval` | the answer, an `Approval`; one a request |
| `closed_at` | since when nothing waits for the answer any more (UTC, ISO 8601) |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.results import Approval, ApprovalRequest, WaitingRun

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import ModelVersion
    from ..storage.interface import PredictionStore


def approval_requests(stores: Stores) -> list[ApprovalRequest]:
    """Return what was ever asked of a person, latest first, with the answers.

    Args:
        stores: Where the model's things are kept.

    Returns:
        The requests; those that wait have no `approval`.

    Raises:
        LogUnavailable: If the journal cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.runs.approvals import approval_requests

        for request in approval_requests(MLProject.load("telemarketing").stores):
            print(request.version, request.approval and request.approval.sentence)
        ```
    """
    with stores.predictions.get_client() as store:
        return read_requests(store, stores.name)


def read_requests(store: PredictionStore, project: str) -> list[ApprovalRequest]:
    """Return a project's requests, latest first. See `approval_requests`."""
    documents = store.journal("approval", project)
    runs: dict[str, list[WaitingRun]] = {}
    answers: dict[str, Approval] = {}
    closed = {document["request"] for document in documents if "closed_at" in document}
    for document in documents:
        if "waiting" in document:
            found = WaitingRun.model_validate(document["waiting"])
            runs.setdefault(document["request"], []).append(found)
        elif "approval" in document:
            answers[document["request"]] = Approval.model_validate(document["approval"])
    asked = [
        ApprovalRequest.model_validate(document["asked"])
        for document in documents
        if "asked" in document
    ]
    return [
        request.model_copy(
            update={
                "runs": runs.get(request.key, []),
                "approval": answers.get(request.key),
                "closed": request.key in closed,
            }
        )
        for request in asked
    ]


def waiting_requests(stores: Stores) -> list[ApprovalRequest]:
    """Return the requests without an answer, latest first. See `approval_requests`."""
    return [request for request in approval_requests(stores) if request.approval is None]


def open_requests(stores: Stores) -> list[ApprovalRequest]:
    """Return the requests that something waits for, answered or not, latest first. See `approval_requests`."""
    return [request for request in approval_requests(stores) if not request.closed]


def request_for(stores: Stores, version: ModelVersion) -> ApprovalRequest | None:
    """Return what was asked about a version last, or None. See `approval_requests`."""
    return next(iter(requests_for(stores, version)), None)


def requests_for(stores: Stores, version: ModelVersion) -> list[ApprovalRequest]:
    """Return everything that was asked about a version, latest first. See `approval_requests`."""
    of_version = (version.name, version.version, version.run_id)
    return [
        request
        for request in approval_requests(stores)
        if (request.model, request.version, request.run_id) == of_version
    ]


def standing_request(
    earlier: list[ApprovalRequest], champion: str | None
) -> ApprovalRequest | None:
    """Return which of the requests about a version holds, or None where a person must be asked (anew).

    A question without an answer is not asked twice, and a rejection is one whoever is the champion. An approval
    was given against one champion, and says nothing about another.

    Args:
        earlier: Everything that was asked about the version, latest first.
        champion: Version of the champion that it was compared with now, or None.
    """
    if not earlier:
        return None
    latest = earlier[0]
    if latest.approval is None or latest.approval.decision == "rejected":
        return latest
    return next((found for found in earlier if found.champion_version == champion), None)


def record_request(stores: Stores, request: ApprovalRequest) -> ApprovalRequest:
    """Write a request down, once, and return it as it was asked first, with its answer if it has one."""
    asked = request.model_dump(mode="json", exclude={"runs", "approval", "closed"})
    document = {"request": request.key, "asked": asked}
    with stores.predictions.get_client() as store:
        store.record("approval", f"{stores.name}/{request.key}/asked", stores.name, document)
        return _read(store, stores.name, request.key)


def record_waiting(stores: Stores, request: ApprovalRequest, run: WaitingRun) -> None:
    """Write down that a flow run is about to wait for the answer."""
    place = f"{stores.name}/{request.key}/waiting/{run.flow_run_id}/{run.keyset['response']}"
    document = {"request": request.key, "waiting": run.model_dump(mode="json")}
    with stores.predictions.get_client() as store:
        store.record("approval", place, stores.name, document)


def record_answer(
    stores: Stores, request: ApprovalRequest, approval: Approval
) -> tuple[Approval, bool]:
    """Write an answer down with the champion that it was given against, unless there is one.

    Returns:
        The answer that counts, and whether it is this one.

    Raises:
        LogUnavailable: If the journal cannot be written.
    """
    against = approval.model_copy(update={"champion_version": request.champion_version})
    document: dict[str, Any] = {
        "request": request.key,
        "approval": against.model_dump(mode="json"),
    }
    with stores.predictions.get_client() as store:
        place = f"{stores.name}/{request.key}/answer"
        first = store.record("approval", place, stores.name, document)
        found = _read(store, stores.name, request.key).approval
    assert found is not None
    return found, first


def record_closed(stores: Stores, request: ApprovalRequest) -> None:
    """Write down that nothing waits for an answer any more."""
    document = {"request": request.key, "closed_at": datetime.now(UTC).isoformat()}
    with stores.predictions.get_client() as store:
        store.record("approval", f"{stores.name}/{request.key}/closed", stores.name, document)


def answer_at_the_limit(request: ApprovalRequest, now: datetime | None = None) -> Approval | None:
    """Return what holds when nobody answered in time, or None before the time limit."""
    moment = now or datetime.now(UTC)
    if moment < request.until:
        return None
    decision = "approved" if request.at_timeout == "approve" else "rejected"
    return Approval(
        decision=decision,
        reason=f"nobody answered within {in_words(request.timeout_seconds)}",
        by="time limit",
        through="time limit",
        decided_at=moment,
    )


def first_answer(
    request: ApprovalRequest, form: Approval | None, tag: Approval | None
) -> Approval | None:
    """Return which answer counts of those that were given and not written down yet, or None.

    MLflow keeps no time of a tag. One that is found is taken as set before the time limit, because the first look
    after the limit settles the request. Where form and tag contradict each other, nobody knows which came first,
    and nothing is promoted.

    Args:
        request: What was asked.
        form: The answer in Prefect's form, if there is one.
        tag: The answer in the version's tag, if there is one.
    """
    given = [answer for answer in (form, tag) if answer is not None]
    rejected = [answer for answer in given if answer.decision == "rejected"]
    in_time = [answer for answer in given if answer is tag or answer.decided_at <= request.until]
    if rejected or in_time:
        return (rejected or in_time)[0]
    return within_the_limit(request, given[0]) if given else None


def within_the_limit(request: ApprovalRequest, given: Approval) -> Approval:
    """Return an answer, or what holds instead of an approval that comes too late.

    Args:
        request: What was asked.
        given: The answer, with the time at which it was given.
    """
    limit = answer_at_the_limit(request, given.decided_at)
    if limit is None or given.decision == "rejected" or limit.decision == "approved":
        return given
    return limit.model_copy(
        update={"reason": f"{limit.reason}; approved too late by {given.by}: {given.reason}"}
    )


def decided_by_cause(store: PredictionStore, project: str) -> dict[str, datetime | None]:
    """Return when the latest approval of each cause was answered: None while it waits."""
    found: dict[str, datetime | None] = {}
    for request in read_requests(store, project):
        if request.cause_id is not None and request.cause_id not in found:
            found[request.cause_id] = request.approval and request.approval.decided_at
    return found


def in_words(seconds: float) -> str:
    """Return a duration as people say it.

    Example:
        >>> in_words(604800), in_words(5400), in_words(20)
        ('7 days', '1.5 hours', '20 seconds')
    """
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    unit, size = next((u for u in units if seconds >= u[1]), units[-1])
    amount = f"{seconds / size:.3g}"
    return f"{amount} {unit}" if amount == "1" else f"{amount} {unit}s"


def _read(store: PredictionStore, project: str, key: str) -> ApprovalRequest:
    return next(request for request in read_requests(store, project) if request.key == key)
