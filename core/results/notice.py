"""What a person is told: one sentence, its reasons, where to look, and the event behind it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Result


class Notice(Result):
    """What a notifier gets.

    Attributes:
        kind: What happened: `retraining_requested`, `retraining_stopped`, `held_with_harm`, `promoted`,
            `challenger`, `rejected`, `failed`, `approval_requested` or `canary_decided` of the flows; of other
            results the name of their class, such as `drift_report`.
        model_name: Registered model; empty when it is not known.
        headline: One sentence.
        reasons: Why, one sentence each.
        links: Title to the address of a page, or the URI of a file.
        payload: What the event holds; JSON-serialisable.

    Example:
        >>> print(Notice(kind="promoted", headline="Version 3 serves.", links={"run": "http://x/1"}).text)
        Version 3 serves.
        run: http://x/1
    """

    kind: str = Field(min_length=1)
    model_name: str = ""
    headline: str = Field(min_length=1)
    reasons: list[str] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)
    payload: dict[str, Any] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything but the payload as plain text, for a message."""
        reasons = [f"- {reason}" for reason in self.reasons]
        links = [f"{title}: {place}" for title, place in self.links.items()]
        return "\n".join([self.headline, *reasons, *links])
