"""Verdicts and endings are put into a sentence, its reasons and where to look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect_mlops.core.results import (
    CanaryOutcome,
    CanaryVerdict,
    Cause,
    Decision,
    DriftReport,
    Gate,
    ModelValidation,
    ModelVersion,
    Notice,
    TrainingOutcome,
    Window,
)
from prefect_mlops.runs.notices import notice_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(start=NOON - timedelta(days=1), end=NOON)
VERSION = ModelVersion(name="calls", version="3", run_id="r", uri="models:/calls/3")


def decision(action, **more):
    return Decision(
        id="d",
        project="calls",
        champion_version="2",
        window=WINDOW,
        rows=500,
        action=action,
        alarm=True,
        reason="log_loss 0.7, promised 0.5",
        drift="passed",
        performance="failed",
        decided_at=NOON,
        **more,
    )


def ending(outcome, **more):
    return TrainingOutcome(outcome=outcome, training_key="k", run_id="r", **more)


def verdict(**more):
    return CanaryVerdict(
        trial="t",
        project="calls",
        champion_version="2",
        challenger_version="3",
        verdict="promote",
        reason="surely better",
        needed=100,
        metric="log_loss",
        judged_at=NOON,
        **more,
    )


@pytest.mark.parametrize(
    ("about", "kind", "headline", "reasons"),
    [
        (decision("stop"), "retraining_stopped", "calls: retraining has stopped", ["log_loss 0.7"]),
        (
            decision("hold", harm=True, held_by="cooldown"),
            "held_with_harm",
            "calls: worse than promised, and a retraining is held back by cooldown",
            ["log_loss 0.7"],
        ),
        (decision("hold"), "held", "calls: something is wrong", ["log_loss 0.7"]),
        (
            Cause(
                id="c",
                project="calls",
                champion_version="2",
                window=WINDOW,
                rows=500,
                reason="age drifted",
                signals=["drift"],
                metric="log_loss",
                decided_at=NOON,
            ),
            "retraining_requested",
            "calls: a retraining was asked for",
            ["age drifted"],
        ),
        (ending("promoted", version=VERSION), "promoted", "calls: version 3 is the champion", []),
        (
            ending("challenger", version=VERSION, reasons=["superiority: not sure"]),
            "challenger",
            "calls: version 3 is a challenger, it was not promoted",
            ["superiority"],
        ),
        (ending("rejected", reasons=["fair: no"]), "rejected", "the candidate was", ["fair: no"]),
        (
            CanaryOutcome(verdict=verdict(), action="promoted", reason="surely better"),
            "canary_decided",
            "canary version 3: promote, promoted",
            ["surely better"],
        ),
        (verdict(), "canary_verdict", "calls: canary verdict: promote", ["surely better"]),
        (
            ModelValidation(gates=[Gate(name="fair", verdict="not_run", reason="no rows")]),
            "model_validation",
            "model validation: not_run",
            ["fair: no rows"],
        ),
    ],
)
def test_a_result_is_put_into_words(about, kind, headline, reasons):
    notice = notice_of(about)
    assert notice.kind == kind
    assert notice.headline.startswith(headline)
    assert [
        said.startswith(begin) for said, begin in zip(notice.reasons, reasons, strict=True)
    ] == [True] * len(reasons)
    assert notice.payload == about.model_dump(mode="json")


def test_pages_and_files_are_linked_where_they_are_known():
    drift = DriftReport(verdict="failed", reason="age", rows=9, report_uri="s3://bucket/drift.html")
    notice = notice_of(drift, model_name="calls", links={"flow run": "http://x/1", "none": None})
    assert notice.links == {"flow run": "http://x/1", "report": "s3://bucket/drift.html"}
    assert notice.text.splitlines() == [
        "calls: drift report: failed",
        "- age",
        "flow run: http://x/1",
        "report: s3://bucket/drift.html",
    ]


def test_a_notice_stays_as_it_is():
    notice = Notice(kind="mine", headline="The backup is late.")
    assert notice_of(notice, model_name="calls") is notice
