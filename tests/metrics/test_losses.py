import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.metrics.losses import losses_for, metric_value, row_losses, scores
from sklearn import metrics as skm

CLASSES = np.array(["a", "b", "c"])
NUMBERS = hnp.arrays(float, st.integers(1, 40), elements=st.floats(-1e6, 1e6, width=32))


@st.composite
def predictions(draw):
    rows = draw(st.integers(1, 40))
    raw = draw(hnp.arrays(float, (rows, 3), elements=st.floats(0.0, 1.0)))
    raw = raw + 1e-3
    truth = draw(st.lists(st.sampled_from(list(CLASSES)), min_size=rows, max_size=rows))
    return np.array(truth), raw / raw.sum(axis=1, keepdims=True)


@given(predictions())
def test_log_loss_is_the_one_of_scikit_learn(case):
    truth, probabilities = case
    ours = metric_value("log_loss", row_losses("log_loss", truth, probabilities, CLASSES))
    assert ours == pytest.approx(skm.log_loss(truth, probabilities, labels=CLASSES))


@given(predictions())
def test_error_rate_is_one_minus_accuracy(case):
    truth, probabilities = case
    ours = metric_value("error_rate", row_losses("error_rate", truth, probabilities, CLASSES))
    accuracy = skm.accuracy_score(truth, CLASSES[probabilities.argmax(axis=1)])
    assert ours == pytest.approx(1 - accuracy)


@given(predictions())
def test_brier_is_the_squared_distance_from_the_truth(case):
    truth, probabilities = case
    ours = metric_value("brier", row_losses("brier", truth, probabilities, CLASSES))
    theirs = skm.brier_score_loss(truth, probabilities, labels=CLASSES, scale_by_half=False)
    assert ours == pytest.approx(theirs)


@given(st.data())
@settings(max_examples=50)
def test_regression_losses_are_those_of_scikit_learn(data):
    truth = data.draw(NUMBERS)
    predicted = data.draw(hnp.arrays(float, len(truth), elements=st.floats(-1e6, 1e6, width=32)))
    rmse = metric_value("rmse", row_losses("rmse", truth, predicted))
    mae = metric_value("mae", row_losses("mae", truth, predicted))
    assert rmse == pytest.approx(skm.root_mean_squared_error(truth, predicted))
    assert mae == pytest.approx(skm.mean_absolute_error(truth, predicted))


@pytest.mark.parametrize("metric", losses_for("multiclass"))
def test_a_class_the_model_does_not_know_costs_as_much_as_being_surely_wrong(metric):
    unknown = row_losses(metric, ["z"], [[1.0, 0.0, 0.0]], CLASSES)
    wrong = row_losses(metric, ["b"], [[1.0, 0.0, 0.0]], CLASSES)
    assert unknown == pytest.approx(wrong)


def test_a_certain_miss_stays_finite():
    assert np.isfinite(row_losses("log_loss", ["b"], [[1.0, 0.0, 0.0]], CLASSES)).all()


@pytest.mark.parametrize("labels", [[0, 1, 1], [False, True, True]])
def test_classes_need_not_be_text(labels):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    losses = row_losses("error_rate", labels, probabilities, sorted(set(labels)))
    assert losses.tolist() == [0, 0, 1]


def test_labels_of_another_type_than_the_classes_are_refused():
    with pytest.raises(DataRejected, match="type"):
        row_losses("error_rate", ["0", "1"], [[0.9, 0.1], [0.2, 0.8]], [0, 1])


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(DataRejected, match="2 labels for 1 predictions"):
        row_losses("mae", [1.0, 2.0], [1.0])
    with pytest.raises(DataRejected, match="2 probabilities a row for 3 classes"):
        row_losses("log_loss", ["a"], [[0.5, 0.5]], CLASSES)
    with pytest.raises(DataRejected, match="shape"):
        row_losses("rmse", [1.0, 2.0], [[1.0], [2.0]])


@pytest.mark.parametrize("metric", losses_for("multiclass"))
def test_a_probability_that_is_no_number_never_counts_as_a_hit(metric):
    losses = row_losses(metric, ["a", "b"], [[np.nan, 0.5, 0.5], [0.0, 1.0, 0.0]], CLASSES)
    assert np.isnan(losses[0])
    assert np.isfinite(losses[1])


def test_an_unknown_metric_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="choose one of"):
        row_losses("gini", [1.0], [1.0])


def test_the_metric_of_no_rows_is_refused():
    with pytest.raises(DataRejected, match="no rows"):
        metric_value("rmse", np.array([]))


@given(predictions())
@settings(max_examples=30)
def test_scores_leave_out_what_is_undefined_and_nothing_else(case):
    truth, probabilities = case
    found = scores("multiclass", truth, probabilities, CLASSES)
    assert ("roc_auc" in found) == (len(set(truth)) == 3)
    assert {"log_loss", "brier", "error_rate", "accuracy", "balanced_accuracy", "f1"} <= set(found)
    assert all(np.isfinite(list(found.values())))


def test_binary_auc_is_the_one_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.choice(["no", "yes"], 50)
    yes = rng.random(50)
    found = scores("binary", truth, np.column_stack([1 - yes, yes]), ["no", "yes"])
    assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(truth == "yes", yes))


def test_r2_needs_two_rows():
    assert "r2" not in scores("regression", [1.0], [2.0])
    assert scores("regression", [1.0, 3.0], [1.0, 3.0])["r2"] == 1.0


def test_an_auc_needs_rows_of_every_class_the_model_knows():
    found = scores("binary", ["a", "z"], [[0.9, 0.1], [0.5, 0.5]], ["a", "b"])
    assert "roc_auc" not in found
