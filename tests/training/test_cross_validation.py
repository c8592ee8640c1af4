import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.training.cross_validation import (
    make_folds,
    score_fold,
    tuning_rows,
)
from prefect_mlops.training.recipes import build
from prefect_mlops.training.search_spaces import default_parameters
from prefect_mlops.training.trial_scoring import score_trial


def data_of(target, task="binary", x=None):
    values = np.arange(len(target), dtype=float) if x is None else x
    frame = pd.DataFrame({"x": values, "y": target})
    return training_rows(frame, Columns(target="y"), task)


def days(count, rows, zone=None):
    day = pd.Series(pd.date_range("2024-01-01", periods=count, tz="UTC" if zone == "UTC" else None))
    day = day.repeat(rows).reset_index(drop=True)
    x = np.random.default_rng(0).normal(size=count * rows)
    return pd.DataFrame({"t": day.astype(str) if zone == "text" else day, "x": x, "y": 2 * x})


def test_folds_in_time_only_ever_predict_the_future():
    folds = make_folds(data_of(["a", "b"] * 50), "time", 4, seed=0)
    assert len(folds) == 4
    for fold in folds:
        assert fold.fitted.max() < fold.scored.min()


@pytest.mark.parametrize("zone", [None, "UTC", "text"])
def test_folds_fit_on_no_row_of_the_moment_that_is_scored_first(zone):
    frame = days(7, 100, zone)
    data = training_rows(frame, Columns(target="y", timestamp="t"), "regression")
    folds = make_folds(data, "time", 4, seed=0)
    assert len(folds) == 4
    for fold in folds:
        assert frame["t"][fold.fitted].max() < frame["t"][fold.scored].min()
    # The rows after the first of each day's, too.
    assert [len(fold.fitted) for fold in folds] == [100, 200, 400, 500]


def test_rows_without_a_timestamp_or_each_of_its_own_moment_fit_all_that_is_earlier():
    frame = days(7, 100).assign(t=pd.date_range("2024-01-01", periods=700, freq="h"))
    plain = training_rows(frame.drop(columns="t"), Columns(target="y", ordered=True), "regression")
    timed = training_rows(frame, Columns(target="y", timestamp="t"), "regression")
    for data in (plain, timed):
        folds = make_folds(data, "time", 4, seed=0)
        assert [len(fold.fitted) for fold in folds] == [140, 280, 420, 560]
    assert plain.moments is None
    missing = days(7, 100).assign(t=pd.NaT)
    unknown = training_rows(missing, Columns(target="y", timestamp="t"), "regression")
    assert len(make_folds(unknown, "time", 4, seed=0)[0].fitted) == 140


def test_rows_of_one_moment_are_refused_in_time_order():
    data = training_rows(days(1, 100), Columns(target="y", timestamp="t"), "regression")
    with pytest.raises(DataRejected, match="no fold has earlier rows to fit on"):
        make_folds(data, "time", 4, seed=0)
    assert len(make_folds(data, "hash", 4, seed=0)) == 4


def test_moments_stay_with_their_rows():
    frame = days(7, 100).assign(w=np.arange(700) % 2)
    data = training_rows(frame, Columns(target="y", timestamp="t", weight="w"), "regression")
    latest = tuning_rows(data, "time", 100, 0)
    assert len(data.moments) == len(data.rows) == 350
    assert list(latest.moments) == list(data.moments[-100:])
    for fold in make_folds(latest, "time", 2, seed=0):
        assert not set(latest.moments[fold.fitted]) & set(latest.moments[fold.scored])


def test_shuffled_folds_score_every_row_once_and_spread_the_classes():
    target = np.array(["no"] * 180 + ["yes"] * 20)
    folds = make_folds(data_of(target), "hash", 4, seed=0)
    assert sorted(np.concatenate([fold.scored for fold in folds])) == list(range(200))
    assert {int((target[fold.scored] == "yes").sum()) for fold in folds} == {5}


def test_rows_with_the_same_features_stay_together():
    values = np.random.default_rng(0).permutation(np.repeat(np.arange(100.0), 2))
    folds = make_folds(data_of(["a", "b"] * 100, x=values), "hash", 3, seed=0)
    for fold in folds:
        assert not set(values[fold.fitted]) & set(values[fold.scored])


def test_a_handful_of_feature_combinations_is_shuffled_by_row():
    values = np.tile([0.0, 1.0], 100)
    folds = make_folds(data_of(["a", "b"] * 100, x=values), "hash", 3, seed=0)
    assert {len(fold.scored) for fold in folds} <= {66, 67}


def test_the_seed_decides_the_folds():
    data = data_of(["a", "b"] * 50)
    first, again, other = (make_folds(data, "hash", 3, seed=s)[0].scored for s in (1, 1, 2))
    assert list(first) == list(again)
    assert list(first) != list(other)


def test_folds_with_one_class_to_fit_on_are_left_out():
    data = data_of(["a"] * 40 + ["a", "b"] * 20)
    assert len(make_folds(data, "time", 3, seed=0)) == 1
    with pytest.raises(DataRejected, match="no fold has two classes"):
        make_folds(data_of(["a"] * 95 + ["b"] * 5), "time", 3, seed=0)


def test_too_few_rows_are_rejected():
    with pytest.raises(DataRejected, match="5 training rows are too few for 3 folds"):
        make_folds(data_of(["a", "b", "a", "b", "a"]), "hash", 3, seed=0)


def test_a_class_that_a_fold_lacks_gets_probability_zero():
    data = data_of(["a", "b"] * 30 + ["c", "a"] * 10, "multiclass")
    fold = make_folds(data, "time", 3, seed=0)[-1]
    assert "c" not in data.target[fold.fitted]
    model = build("linear", {"C": 1.0}, "multiclass", data.feature_types, 0)
    brier = score_fold(model, data, fold, "multiclass", "brier")
    assert 1.0 < brier < 2.0


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "random_forest", "linear"])
def test_rare_classes_do_not_fail_a_trial(name):
    target = np.array(["a", "b"] * 40 + ["rare"])
    data = data_of(target, "multiclass")
    score = score_trial(
        data,
        make_folds(data, "hash", 3, seed=0),
        estimator=name,
        parameters=default_parameters(name, "multiclass"),
        task="multiclass",
        metric="log_loss",
        seed=0,
        cutoffs=[],
    )
    assert score.error is None
    assert len(score.means) == 3


def trial_of(data, cutoffs, parameters=None):
    return score_trial(
        data,
        make_folds(data, "time", 3, seed=0),
        estimator="linear",
        parameters=parameters or {"alpha": 1.0},
        task="regression",
        metric="rmse",
        seed=0,
        cutoffs=cutoffs,
    )


def test_a_trial_stops_after_the_fold_that_is_above_its_cutoff():
    data = data_of(np.random.default_rng(0).normal(size=80), "regression")
    whole = trial_of(data, [])
    assert not whole.pruned
    second = trial_of(data, [whole.means[0], whole.means[1] - 1e-9])
    assert second.pruned
    assert second.means == whole.means[:2]
    last = trial_of(data, [1e9, 1e9, 0.0])
    assert last.means == whole.means


def test_what_an_estimator_raises_is_the_trials_error():
    data = data_of(np.arange(40.0), "regression")
    score = trial_of(data, [], {"alpha": -1.0})
    assert score.error is not None
    assert "'alpha' parameter of Ridge" in score.error


def test_tuning_rows_are_the_latest_in_time_and_a_sample_otherwise():
    data = data_of(["a", "b"] * 50)
    assert list(tuning_rows(data, "time", 10, 0).rows["x"]) == list(range(90, 100))
    sample = tuning_rows(data, "hash", 10, 0).rows["x"]
    assert list(sample) == sorted(set(sample))
    assert sample.min() < 50
    assert tuning_rows(data, "time", None, 0) is data
