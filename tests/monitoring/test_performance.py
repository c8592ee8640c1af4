"""Realised performance is held against the promise, with uncertainty, and fails closed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import PerformanceThresholds
from prefect_mlops.metrics.losses import metric_value, row_losses
from prefect_mlops.monitoring.performance import realised
from prefect_mlops.monitoring.reference import build_reference

POLICY = PerformanceThresholds(minimum_labels=100)


def reference_for(classes, truth, predicted, metric="log_loss", earlier=()):
    return build_reference(
        pd.DataFrame({"a": np.zeros(len(truth))}),
        predicted,
        pd.Series(truth),
        task_type="regression" if classes is None else "binary",
        classes=classes,
        feature_types={"a": "number"},
        importance={"a": 1.0},
        losses=row_losses(metric, truth, predicted, classes),
        metric=metric,
        earlier=earlier,
    )


def draw(rows, seed, classes=("no", "yes")):
    rng = np.random.default_rng(seed)
    yes = rng.random(rows)
    truth = np.array(classes)[(rng.random(rows) < yes).astype(int)]
    return truth, np.column_stack([1 - yes, yes])


def log_of(truth, predicted, classes=("no", "yes"), version="1"):
    return pd.DataFrame(
        {
            "version": version,
            "label": pd.Series(truth).astype(object),
            "prediction": np.array(classes)[predicted.argmax(axis=1)],
            **{f"score.{name}": predicted[:, i] for i, name in enumerate(classes)},
        }
    )


@pytest.fixture(scope="module")
def reference():
    return reference_for(["no", "yes"], *draw(1_000, 0))


def measure(reference, window, policy=POLICY, version="1"):
    return realised(reference, window, version=version, policy=policy, resamples=400, seed=0)


def test_a_model_that_keeps_its_promise_passes(reference):
    truth, predicted = draw(500, 1)
    report = measure(reference, log_of(truth, predicted))
    assert report.verdict == "passed"
    assert report.value == metric_value(
        "log_loss", row_losses("log_loss", truth, predicted, ["no", "yes"])
    )
    assert report.interval[0] < report.value < report.interval[1]
    assert report.promised == reference.promise.value
    assert {"brier", "error_rate", "roc_auc"} <= set(report.metrics)


def test_a_model_that_is_surely_worse_fails(reference):
    truth, predicted = draw(500, 1)
    report = measure(reference, log_of(truth, predicted[:, ::-1]))
    assert report.verdict == "failed"
    assert report.interval[0] > 1.1 * report.promised


def test_worse_by_less_than_the_interval_is_no_verdict_against_it(reference):
    truth, predicted = draw(500, 1)
    worst = measure(reference, log_of(truth, predicted))
    barely = PerformanceThresholds(
        minimum_labels=100, tolerance=max(0.0, worst.interval[0] / worst.promised - 1 + 0.001)
    )
    assert measure(reference, log_of(truth, predicted), barely).verdict == "passed"


def test_only_this_versions_labelled_rows_with_scores_are_judged(reference):
    truth, predicted = draw(400, 1)
    mine = log_of(truth, predicted)
    mine.loc[:29, "label"] = None
    mine.loc[50:99, "score.yes"] = np.nan
    other = log_of(truth, predicted[:, ::-1], version="2")
    report = measure(reference, pd.concat([other, mine]))
    assert (report.verdict, report.rows) == ("passed", 320)


@pytest.mark.parametrize(
    "damage",
    [
        lambda w: w.drop(columns=["score.yes"]),
        lambda w: w.assign(label=None),
        lambda w: w.assign(version="2"),
        lambda w: w.head(99),
    ],
    ids=["no score", "no label", "other version", "too few"],
)
def test_what_cannot_be_judged_is_not_passed(reference, damage):
    report = measure(reference, damage(log_of(*draw(400, 1))))
    assert report.verdict == "not_run"
    assert "at least 100" in report.reason
    assert report.value is None


@pytest.mark.parametrize("kind", [int, float, str, bool])
def test_labels_match_their_class_whatever_their_type(kind):
    truth, predicted = draw(300, 1, classes=(0, 1))
    reference = reference_for([0, 1], truth, predicted)
    window = log_of([kind(value) for value in truth], predicted, classes=("0", "1"))
    assert measure(reference, window).value == pytest.approx(reference.promise.value)


def test_a_label_that_is_no_class_counts_as_a_miss(reference):
    truth, predicted = draw(300, 1)
    truth = truth.astype(object)
    truth[:30] = "maybe"
    report = measure(reference, log_of(truth, predicted))
    assert report.verdict == "failed"
    assert report.rows == 300


def test_numbers_are_judged_by_their_own_metric():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    reference = reference_for(None, truth, truth + rng.normal(size=500), metric="rmse")
    label = rng.normal(size=300)
    noise = rng.normal(size=300)
    good = pd.DataFrame({"version": "1", "label": label, "prediction": label + noise})
    assert measure(reference, good).verdict == "passed"
    bad = good.assign(prediction=label + 2 * noise)
    assert measure(reference, bad).verdict == "failed"
    assert "r2" in measure(reference, bad).metrics


def test_labels_that_come_first_make_no_alarm(reference):
    truth, predicted = draw(4_000, 1)
    rare = predicted[:, 1] < 0.4
    truth, predicted = truth[rare], predicted[rare]
    window = log_of(truth, predicted)
    positives_only = window.assign(label=[y if y == "yes" else None for y in truth])
    report = measure(reference, positives_only)
    assert report.verdict == "not_run"
    assert f"{report.coverage:.0%} of the labels are there" in report.reason
    assert not report.harm
    everything = PerformanceThresholds(minimum_labels=100, minimum_coverage=0.0)
    assert measure(reference, positives_only, everything).verdict == "failed"


def test_one_easy_period_is_no_promise():
    truth, predicted = draw(1_000, 1)
    easy = row_losses("log_loss", truth, predicted, ["no", "yes"])
    alone = reference_for(["no", "yes"], truth, predicted)
    earlier = [easy * 1.5, easy * 1.25]
    harder = reference_for(["no", "yes"], truth, predicted, earlier=earlier)
    window = log_of(*draw(1_000, 2))
    assert harder.promise.value > alone.promise.value
    assert harder.promise.spread > 0
    before, after = measure(alone, window), measure(harder, window)
    assert before.limit < after.limit
    assert "over 3 periods" in after.reason
