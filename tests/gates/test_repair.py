"""What was wrong decides what must be mended."""

from __future__ import annotations

import pytest
from prefect_mlops.gates.repair import repair_of_drift, repair_of_performance
from prefect_mlops.metrics.bootstrap import Interval

BETTER, WORSE, UNSURE = (
    Interval(0.2, 0.1, 0.3),
    Interval(-0.2, -0.3, -0.1),
    Interval(0.0, -0.1, 0.1),
)


@pytest.mark.parametrize(
    ("improvement", "verdict"),
    [
        (BETTER, "passed"),
        (WORSE, "failed"),
        (UNSURE, "not_run"),
        (None, "not_run"),
        (Interval(0.04, 0.01, 0.07), "not_run"),
        (Interval(-0.04, -0.07, -0.01), "not_run"),
    ],
)
def test_worse_performance_is_mended_by_performance_better_than_the_tolerance(improvement, verdict):
    assert repair_of_performance(improvement, 1.0, 0.05)[0] == verdict


@pytest.mark.parametrize(
    ("drift", "improvement", "verdict"),
    [
        ("passed", None, "passed"),
        ("passed", UNSURE, "passed"),
        ("passed", BETTER, "passed"),
        ("passed", WORSE, "failed"),
        ("failed", BETTER, "not_run"),
        ("failed", None, "not_run"),
        ("not_run", None, "not_run"),
        ("failed", WORSE, "failed"),
    ],
)
def test_drift_is_mended_when_it_is_gone_and_the_metric_is_not_worse(drift, improvement, verdict):
    assert repair_of_drift(drift, improvement)[0] == verdict
