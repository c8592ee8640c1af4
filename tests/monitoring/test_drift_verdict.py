"""The verdict weighs drifted columns by their importance, and names what was not measured."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.results import ColumnDrift
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift import ScoredColumn
from prefect_mlops.monitoring.drift_verdict import feature_drift, judge, too_few_rows
from prefect_mlops.monitoring.profile import profile_of
from support.references import number_reference

PROFILE = profile_of(pd.Series(np.arange(50.0)), "number")


def column(name, importance=0.0, *, drifted=False, role="feature", **more) -> ScoredColumn:
    signal = ColumnDrift(
        column=name,
        kind=more.pop("kind", "distance"),
        score=more.pop("score", 0.2),
        threshold=0.1,
        drifted=drifted,
        importance=importance,
        **more,
    )
    return ScoredColumn(name, role, PROFILE, signals=[signal])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=8), st.floats(0.01, 1))
def test_drift_is_an_alarm_from_the_importance_asked_for(found, limit):
    scored = [column(f"c{i}", weight, drifted=bad) for i, (weight, bad) in enumerate(found)]
    report = judge(scored, 500, DriftThresholds(importance=limit))
    together = min(sum(weight for weight, bad in found if bad), 1.0)
    assert report.drifted_importance == together
    assert (report.verdict == "failed") == (
        any(bad for _, bad in found) and together >= limit - 1e-9
    )


def test_predictions_alarm_alone_and_labels_do_not():
    alarmed = judge([column("score.yes", drifted=True, role="prediction")], 500, DriftThresholds())
    assert (alarmed.verdict, alarmed.prediction_drifted) == ("failed", True)
    labels = judge([column("label", drifted=True, role="target")], 500, DriftThresholds())
    assert (labels.verdict, labels.target_drifted) == ("passed", True)


def test_the_reason_names_five_columns_and_counts_the_rest():
    scored = [column(f"c{i}", i / 100, drifted=True) for i in range(8)]
    reason = judge(scored, 500, DriftThresholds()).reason
    assert "8 drifted columns (c7, c6, c5, c4, c3 and 3 more)" in reason


def test_the_reason_names_methods_that_failed():
    scored = [column(n, method="mine", score=None, reason="it failed") for n in ("a", "b")]
    report = judge(scored, 500, DriftThresholds())
    assert report.reason.endswith("the drift method mine failed on 2 columns (a, b)")


def test_a_small_window_is_not_judged():
    report = judge([column("a", 1.0, drifted=True)], 199, DriftThresholds())
    assert report == too_few_rows(199, DriftThresholds())
    assert report.verdict == "not_run"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "passed"), (1.0, "failed")])
def test_features_are_judged_without_any_predictions(shift, verdict):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=1_000)})
    reference = number_reference(frame)
    window = pd.DataFrame({"features.a": rng.normal(shift, size=400)})
    report = feature_drift(reference, window, DriftThresholds())
    assert report.verdict == verdict
    assert {signal.column for signal in report.columns} == {"a"}
