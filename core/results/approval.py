"""Approval of a promotion: what was asked of a person, and what the answer was."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from .base import Gate, Result, UtcDatetime

Channel = Literal["prefect", "command line", "mlflow", "python", "time limit"]


class Approval(Result):
    """An answer to the question whether a version may become the champion.

    Attributes:
        decision: `approved` or `rejected`.
        reason: Why, as the person wrote it; at the time limit, that nobody answered.
        by: Name of the person, as it was given: nobody has checked it. `time limit` where nobody answered.
        through: Where it was given: the form in Prefect, the command line, a tag in MLflow, Python, or
            nowhere, because the time limit came first.
        decided_at: When (UTC). Of a tag, when it was found: MLflow does not keep when it was set.
        champion_version: Champion that it was given against, or None: with another one, a person is asked anew.
    """

    decision: Literal["approved", "rejected"]
    reason: str = Field(min_length=1, pattern=r"\S")
    by: str = Field(min_length=1, pattern=r"\S")
    through: Channel
    decided_at: UtcDatetime
    champion_version: str | None = None

    @property
    def sentence(self) -> str:
        """Decision, person and reason, as every report says them."""
        if self.through == "time limit":
            return f"{self.decision}: {self.reason}"
        return f"{self.decision} by {self.by} ({self.through}): {self.reason}"

    @property
    def gate(self) -> Gate:
        """The answer as a gate among the others."""
        verdict = "passed" if self.decision == "approved" else "failed"
        return Gate(name="approval", verdict=verdict, reason=self.sentence)


class WaitingRun(Result):
    """A flow run that waits for an answer.

    Attributes:
        flow_run_id: Prefect's id of it.
        name: Its name.
        keyset: Where Prefect keeps the form's schema and the answer: `schema`, `response`, `description`.
        suspended: Whether it has no process while it waits.
    """

    flow_run_id: str
    name: str
    keyset: dict[str, str]
    suspended: bool


class ApprovalRequest(Result):
    """What is asked of a person: may this version become the champion?

    Attributes:
        model: Registered model's name.
        version: Version that waits.
        run_id: MLflow run it came from; version numbers begin again with a registered model.
        number: How often a person was asked about the version, with this time: anew for each other champion.
        champion_version: Version that it was compared with, or None.
        cause_id: Cause of the training, or None.
        attempt: Key of the training's checkpoints; empty where no training waits.
        reason: Why it may be promoted, as far as the gates tell.
        requested_at: Since when it waits (UTC).
        timeout_seconds: How long it waits, seconds.
        at_timeout: What holds then, `reject` or `approve`.
        runs: Flow runs that wait for the answer, latest first.
        approval: The answer, or None while there is none.
        closed: Whether the answer was acted on, or nothing waits for it any more.
    """

    model: str
    version: str
    run_id: str
    number: int = Field(default=1, ge=1)
    champion_version: str | None = None
    cause_id: str | None = None
    attempt: str = ""
    reason: str = ""
    requested_at: UtcDatetime
    timeout_seconds: float = Field(gt=0)
    at_timeout: Literal["reject", "approve"]
    runs: list[WaitingRun] = Field(default_factory=list)
    approval: Approval | None = None
    closed: bool = False

    @property
    def key(self) -> str:
        """What the request is known by in the journal."""
        first = f"{self.model}/{self.version}/{self.run_id}"
        return first if self.number == 1 else f"{first}/{self.number}"

    @property
    def until(self) -> UtcDatetime:
        """The time limit (UTC)."""
        return self.requested_at + timedelta(seconds=self.timeout_seconds)
