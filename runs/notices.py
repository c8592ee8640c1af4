"""Puts verdicts and endings into words for notifications."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.results import (
    CanaryOutcome,
    Cause,
    Decision,
    Notice,
    Result,
    TrainingOutcome,
)

_SAID = {
    "retrain": ("retraining_requested", "a retraining was asked for"),
    "stop": ("retraining_stopped", "retraining has stopped, a person is needed"),
    "hold": ("held", "something is wrong, and a retraining is held back"),
    "none": ("healthy", "nothing is wrong"),
}


def notice_of(
    about: Result,
    *,
    model_name: str = "",
    links: Mapping[str, str | None] | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Notice:
    """Return what is said about a result.

    Args:
        about: A decision, an ending, a canary's outcome, or any result with a verdict.
        model_name: Registered model. Empty: what the result says.
        links: Title to address or URI; None is left out.
        payload: What the event holds. None: the result itself.

    Returns:
        The notice; one that is given, as it is.

    Example:
        >>> from prefect_mlops.core.results import DriftReport
        >>> notice_of(DriftReport(verdict="failed", reason="age drifted", rows=500)).headline
        'drift report: failed'
    """
    if isinstance(about, Notice):
        return about
    kind, said, reasons = _words(about)
    name = model_name or _name(about)
    shown = {title: place for title, place in (links or {}).items() if place}
    for title, field in {"report": "report_uri", "model": "uri"}.items():
        if place := getattr(about, field, None):
            shown.setdefault(title, place)
    return Notice(
        kind=kind,
        model_name=name,
        headline=f"{name}: {said}" if name else said,
        reasons=reasons,
        links=shown,
        payload=dict(about.model_dump(mode="json") if payload is None else payload),
    )


def _words(about: Result) -> tuple[str, str, list[str]]:
    """Return kind, headline and reasons."""
    if isinstance(about, Cause):
        return (*_SAID["retrain"], [about.reason])
    if isinstance(about, Decision):
        if about.action == "hold" and about.harm:
            said = f"worse than promised, and a retraining is held back by {about.held_by}"
            return "held_with_harm", said, [about.reason]
        return (*_SAID[about.action], [about.reason])
    if isinstance(about, TrainingOutcome):
        return about.outcome, _ending(about), _with_repair(about)
    if isinstance(about, CanaryOutcome) and about.verdict is not None:
        judged = about.verdict
        done = f", {about.action}" if about.action != "none" else ""
        said = f"canary version {judged.challenger_version}: {judged.verdict}{done}"
        return "canary_decided", said, [about.reason]
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(about).__name__).lower()
    verdict = getattr(about, "verdict", None) or getattr(about, "action", None)
    said = kind.replace("_", " ") + (f": {verdict}" if isinstance(verdict, str) else "")
    reason = getattr(about, "reason", None)
    blocking = [gate for gate in getattr(about, "gates", []) if gate.blocks]
    return kind, said, [reason] if reason else [f"{g.name}: {g.reason}" for g in blocking]


def _ending(outcome: TrainingOutcome) -> str:
    version = f"version {outcome.version.version}" if outcome.version else "the candidate"
    return {
        "promoted": f"{version} is the champion",
        "challenger": f"{version} is a challenger, it was not promoted",
        "rejected": "the candidate was rejected",
    }[outcome.outcome]


def _with_repair(outcome: TrainingOutcome) -> list[str]:
    repair = outcome.repair
    said = [f"repair of what asked for it: {repair.verdict}, {repair.reason}"] if repair else []
    if outcome.approval is not None and outcome.approval.decision == "approved":
        said = [outcome.approval.sentence, *said]
    return [*outcome.reasons, *said]


def _name(about: Result) -> str:
    version = getattr(about, "version", None)
    named = getattr(version, "name", None) or getattr(about, "project", None)
    return str(named or getattr(about, "name", "") or "")
