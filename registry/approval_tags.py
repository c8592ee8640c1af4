"""The tag by which a version is approved or rejected in the MLflow UI: `prefect_mlops.approval`.

| value | means |
| --- | --- |
| `waiting: …` | a person is needed; written by the training |
| `approved: REASON by NAME` | it may become the champion |
| `rejected: REASON by NAME` | it may not |

Whoever waits for the answer reads the tag; once there is an answer, from wherever, the tag says it, and another
value changes nothing any more.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import Approval
from .evidence_tags import LONGEST_TAG
from .tracking import registry_errors
from .versions import get_version

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.results import ApprovalRequest

WAITING = "waiting: "
HOW = "write approved: REASON by NAME, or rejected: REASON by NAME"
_ANSWER = re.compile(
    r"\s*(?P<decision>approved?|reject(?:ed)?)\s*:\s*(?P<reason>\S.*?)\s+by\s+(?P<by>(?:(?!\sby\s).)*\S)\s*",
    re.IGNORECASE | re.DOTALL,
)


def parse_answer(text: str, now: datetime) -> Approval | None:
    """Return the answer that a tag's text gives, or None when it gives none.

    Args:
        text: The tag's value.
        now: When it was read (UTC): MLflow does not keep when a tag was set.

    Example:
        >>> from datetime import UTC, datetime
        >>> found = parse_answer("approved: checked by the risk team by Ann", datetime.now(UTC))
        >>> found.reason, found.by
        ('checked by the risk team', 'Ann')
        >>> parse_answer("ok", datetime.now(UTC)) is None
        True
    """
    match = _ANSWER.fullmatch(text)
    if match is None:
        return None
    approves = match["decision"].lower().startswith("approve")
    return Approval(
        decision="approved" if approves else "rejected",
        reason=match["reason"],
        by=match["by"],
        through="mlflow",
        decided_at=now,
    )


def read_answer(
    registry: ModelRegistry, request: ApprovalRequest, now: datetime
) -> Approval | None:
    """Return the answer that somebody wrote into the tag of a version that waits.

    A text that is none is replaced by one that says how to write it.

    Args:
        registry: Where runs and models are kept.
        request: What waits.
        now: The time (UTC).

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    try:
        version = get_version(registry, request.version, name=request.model)
    except ModelUnavailable:
        return None
    if version.run_id != request.run_id:
        return None
    text = version.tags.get(tags.APPROVAL, "")
    if text.startswith(WAITING):
        return None
    answer = parse_answer(text, now) if text else None
    if answer is None:
        hint = f"{text[:200]!r} was not understood: {HOW}" if text else _until(request)
        write_approval(registry, request, f"{WAITING}{hint}")
    return answer


def write_waiting(registry: ModelRegistry, request: ApprovalRequest) -> None:
    """Write into the tag that a person is needed, over an answer to an earlier request. See `write_approval`."""
    write_approval(registry, request, f"{WAITING}{_until(request)}")


def write_approval(
    registry: ModelRegistry, request: ApprovalRequest, about: Approval | str
) -> None:
    """Write an answer, or what is waited for, into the tag.

    Raises:
        ModelUnavailable: If the version was deleted.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    if isinstance(about, Approval):
        nobody = about.through == "time limit"
        said = about.reason if nobody else f"{about.reason} by {about.by}"
        about = f"{about.decision}: {said}"
    version = get_version(registry, request.version, name=request.model)
    if version.run_id != request.run_id:
        raise ModelUnavailable(
            f"version {request.version} of {request.model} is another one by now"
        )
    client = registry.get_client()
    with registry_errors(registry):
        client.set_model_version_tag(
            request.model, request.version, tags.APPROVAL, about[:LONGEST_TAG]
        )


def _until(request: ApprovalRequest) -> str:
    return f"until {request.until:%Y-%m-%d %H:%M} UTC, then {request.at_timeout}. {HOW[0].upper()}{HOW[1:]}"
