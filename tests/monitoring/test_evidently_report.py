"""The report people read says what the verdict says, and opens without a network."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.results import ColumnDrift
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift import ScoredColumn
from prefect_mlops.monitoring.drift_verdict import judge
from prefect_mlops.monitoring.evidently_report import histogram, render_report
from prefect_mlops.monitoring.profile import profile_of

HOSTILE = "</script><script>alert(1)</script>"


def signal(column, kind="distance", score=0.02, threshold=0.1, *, drifted=False, reason=""):
    return ColumnDrift(
        column=column,
        kind=kind,
        score=score,
        threshold=threshold,
        drifted=drifted,
        importance=0.5,
        reason=reason,
    )


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    numbers = profile_of(pd.Series(rng.normal(size=500)), "number")
    words = profile_of(pd.Series(["1", "2", HOSTILE] * 100), "category")
    gone = "missing from the window"
    return [
        ScoredColumn("steady", "feature", numbers, rng.normal(size=300), [signal("steady")]),
        ScoredColumn(
            HOSTILE,
            "feature",
            words,
            pd.Series(["1"] * 200 + [HOSTILE + "2"] * 100),
            [
                signal(HOSTILE, score=0.4, drifted=True),
                signal(HOSTILE, "new_categories", 0.33, 0.01, drifted=True),
            ],
        ),
        ScoredColumn(
            "gone",
            "feature",
            numbers,
            signals=[signal("gone", "unusable", None, None, drifted=True, reason=gone)],
        ),
        ScoredColumn(
            "same",
            "feature",
            profile_of(pd.Series([1.0] * 9), "number"),
            signals=[signal("same", score=None, threshold=None, reason="set aside")],
        ),
        ScoredColumn("score.yes", "prediction", numbers, rng.normal(size=300), [signal("s")]),
        ScoredColumn("label", "target", words, pd.Series(["1"] * 300), [signal("label")]),
    ]


@pytest.fixture(scope="module")
def html(scored):
    return render_report(judge(scored, 300, DriftThresholds()), scored, f"window {HOSTILE}")


def data_of(html: str) -> dict:
    start = re.search(r"var evidently_dashboard\w* = |var \w+ = (?=\{\"name\")", html)
    assert start is not None
    return json.JSONDecoder().raw_decode(html[start.end() :])[0]


def test_every_signal_is_a_test_with_the_verdict_of_the_score(html, scored):
    suite = [w for w in data_of(html)["widgets"] if w["type"] == "test_suite"]
    states = {test["title"]: test["state"] for test in suite[0]["params"]["tests"]}
    expected = [s for column in scored for s in column.signals if s.reason != "set aside"]
    assert len(states) == len(expected)
    assert sum(state == "fail" for state in states.values()) == sum(s.drifted for s in expected)
    assert states["gone: cannot be used"] == "fail"
    assert states["steady: distance"] == "success"


def test_the_verdict_and_its_reason_are_in_the_report(html, scored):
    report = judge(scored, 300, DriftThresholds())
    assert report.verdict == "failed"
    assert "carry 1.00 of the importance" in html
    assert "missing from the window" in html


def test_the_report_needs_no_network(html):
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//", html)


def test_text_from_production_cannot_leave_its_place(html):
    assert "<script>alert" not in html
    assert "alert(1)" in html


def test_histograms_are_shares_of_both_sides(scored):
    for column in scored:
        bars = histogram(column)
        if column.name in ("gone", "same"):
            assert bars is None
        else:
            assert sum(bars["reference"]) == pytest.approx(1.0)
            assert sum(bars["current"]) == pytest.approx(1.0)
            assert len(bars["x"]) == len(bars["reference"]) == len(bars["current"])
