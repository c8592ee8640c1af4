"""A user's own drift method decides beside the built-in ones, in the report and on the Evidently page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift import score_window
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.wasserstein import Wasserstein
from prefect_mlops.monitoring.drift_verdict import judge
from prefect_mlops.monitoring.evidently_report import render_report
from prefect_mlops.monitoring.reference import Reference, build_reference
from scipy.stats import wasserstein_distance

DOCUMENT = Path(__file__).parents[3] / "docs/monitoring.md"
OWN = """
from prefect_mlops.monitoring.drift_methods.resampling import resampled_threshold
from scipy.stats import wasserstein_distance


class Transport:
    name = "transport"
    measures = "distance"
    feature_types = ("number",)

    def score(self, pair):
        return wasserstein_distance(pair.sample, pair.values) / pair.sample.std()

    def null_threshold(self, pair, alpha):
        return resampled_threshold(self.score, pair, alpha, resamples=100)

    def smallest_effect(self, thresholds):
        return thresholds.distance


class Broken(Transport):
    name = "broken"

    def score(self, pair):
        raise KeyError("no such thing")


class Absent(Transport):
    name = "absent"

    def score(self, pair):
        return float("nan")
"""


@pytest.fixture(scope="module", autouse=True)
def modules(tmp_path_factory):
    if not DOCUMENT.exists():
        pytest.skip("the wheel has no documentation")
    folder = tmp_path_factory.mktemp("own")
    example = re.search(r'```python title="my_drift.py"\n(.*?)```', DOCUMENT.read_text(), re.DOTALL)
    assert example is not None
    (folder / "my_drift.py").write_text(example[1])
    (folder / "own_methods.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


def frame_of(rows: int, seed: int, shift: float = 0.0, spread: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": rng.normal(shift, spread, rows), "b": rng.gamma(2.0, size=rows), "c": ["x"] * rows}
    )


@pytest.fixture(scope="module")
def reference() -> Reference:
    frame = frame_of(2_000, seed=0)
    return build_reference(
        frame,
        frame["a"].to_numpy(),
        frame["a"],
        task_type="regression",
        classes=None,
        feature_types={"a": "number", "b": "number", "c": "category"},
        importance={"a": 0.6, "b": 0.3, "c": 0.1},
        losses=np.ones(2_000),
        metric="rmse",
    )


def window_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.add_prefix("features.").assign(prediction=frame_of(len(frame), 9)["a"])


def scored_by(reference, frame, *methods: str):
    thresholds = DriftThresholds(methods=list(methods))
    scored = score_window(reference, window_of(frame), thresholds)
    return scored, judge(scored, len(frame), thresholds)


def by_method(report, column: str):
    return {signal.method: signal for signal in report.columns if signal.column == column}


def test_an_own_distance_is_that_of_the_two_frames(reference):
    frame = frame_of(800, seed=1, shift=0.5)
    _, report = scored_by(reference, frame, "own_methods:Transport")
    sample = reference.sample["features.a"]
    expected = wasserstein_distance(sample, frame["a"]) / sample.std(ddof=0)
    own, built_in = by_method(report, "a")["transport"], by_method(report, "a")["wasserstein"]
    assert own.score == pytest.approx(expected)
    assert own.score == pytest.approx(built_in.score, abs=0.02)
    assert own.threshold == pytest.approx(built_in.threshold, rel=0.25)
    assert own.drifted
    assert built_in.drifted
    assert not by_method(report, "b")["transport"].drifted
    assert "transport" not in by_method(report, "c")
    assert by_method(report, "prediction")["transport"].score is not None


def test_every_measure_names_its_method(reference):
    _, report = scored_by(reference, frame_of(500, seed=1))
    assert set(by_method(report, "a")) == {"wasserstein", "missing_values"}
    assert set(by_method(report, "c")) == {"jensen_shannon", "missing_values", "new_categories"}


def test_the_documented_method_finds_what_it_is_for_and_nothing_else(reference):
    # A spread that shrinks keeps the mean.
    for spread, drifted in ((0.5, True), (1.0, False)):
        frame = frame_of(800, seed=2, spread=spread)
        _, report = scored_by(reference, frame, "my_drift:KolmogorovSmirnov")
        own = by_method(report, "a")["kolmogorov_smirnov"]
        assert own.drifted is drifted
        assert own.threshold is not None
        assert own.threshold >= 0.1


def test_a_column_that_only_the_own_method_finds_counts_by_its_importance(reference):
    thresholds = DriftThresholds(methods=["my_drift:KolmogorovSmirnov"], distance=0.9)
    frame = frame_of(800, seed=3, shift=0.5)
    report = judge(score_window(reference, window_of(frame), thresholds), 800, thresholds)
    assert not by_method(report, "a")["wasserstein"].drifted
    assert (report.verdict, report.drifted_columns) == ("failed", ["a"])
    assert report.drifted_importance == pytest.approx(0.6)


def test_false_alarms_are_as_rare_with_own_methods_as_without(reference):
    alarms = 0
    for seed in range(60):
        frame = frame_of(300, seed=100 + seed)
        _, report = scored_by(reference, frame, "my_drift:KolmogorovSmirnov")
        alarms += bool(report.drifted_columns)
    assert alarms <= 3


def test_own_methods_share_the_chance_of_error_and_leave_the_scores_alone(reference):
    frame = frame_of(300, seed=1)
    _, alone = scored_by(reference, frame)
    _, beside = scored_by(reference, frame, "my_drift:KolmogorovSmirnov")
    before, after = by_method(alone, "a")["wasserstein"], by_method(beside, "a")["wasserstein"]
    assert before.score == after.score
    assert before.threshold < after.threshold < 1.3 * before.threshold


def test_a_method_that_fails_loses_no_report_and_is_named_in_the_verdict(reference):
    frame = frame_of(800, seed=1, shift=0.5)
    _, report = scored_by(reference, frame, "own_methods:Broken", "own_methods:Absent")
    broken, absent = by_method(report, "a")["broken"], by_method(report, "a")["absent"]
    assert (broken.score, broken.threshold, broken.drifted) == (None, None, False)
    assert "KeyError: 'no such thing'" in broken.reason
    assert "its score is not a number" in absent.reason
    assert (report.verdict, report.drifted_columns) == ("failed", ["a"])
    assert "the drift method broken failed on 3 columns (a, b, prediction)" in report.reason


def test_the_evidently_page_shows_the_method_with_its_score_and_threshold(reference):
    frame = frame_of(800, seed=1, shift=0.5)
    scored, report = scored_by(reference, frame, "own_methods:Transport")
    html = render_report(report, scored, "a window")
    own = by_method(report, "a")["transport"]
    assert "a: distance (transport)" in html
    assert "a: distance (wasserstein)" in html
    assert f"measured {own.score:.4g}, limit {own.threshold:.4g}" in html


def test_the_page_shows_a_feature_that_only_rises():
    frame = pd.DataFrame({"date": np.arange(2_000) / 1_000})
    reference = build_reference(
        frame,
        np.random.default_rng(0).normal(size=2_000),
        frame["date"],
        task_type="regression",
        classes=None,
        feature_types={"date": "number"},
        importance={"date": 1.0},
        losses=np.ones(2_000),
        metric="rmse",
    )
    window = pd.DataFrame(
        {
            "features.date": (2_000 + np.arange(500)) / 1_000,
            "prediction": np.random.default_rng(1).normal(size=500),
        }
    )
    thresholds = DriftThresholds(methods=["own_methods:Transport"])
    scored = score_window(reference, window, thresholds)
    report = judge(scored, 500, thresholds)
    feature_types = {s.method: s.kind for s in report.columns if s.column == "date"}
    assert feature_types == {
        "wasserstein": "rising",
        "transport": "rising",
        "missing_values": "nulls",
    }
    assert report.verdict == "passed"
    html = render_report(report, scored, "a window")
    assert "date: distance of a feature that only rises (wasserstein)" in html


def test_a_path_that_names_no_method_stops_the_measuring(reference):
    with pytest.raises(ConfigurationError, match="'own_methods:Nothing' cannot be loaded"):
        scored_by(reference, frame_of(300, 1), "own_methods:Nothing")


def test_two_columns_make_a_pair_for_any_method():
    pair = ColumnPair.of(pd.Series([0.0, 1.0, 2.0, 3.0]), pd.Series([1.0, 2.0, None]), "number")
    assert pair.rows == 3
    assert Wasserstein().score(pair) > 0
