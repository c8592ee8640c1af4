"""Probabilities are calibrated on rows that the model had not seen, and decided on by costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns, DecisionSettings, TrainingSettings
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.metrics.calibration import calibration_error
from prefect_mlops.training.calibration import (
    DecisionRules,
    calibrated,
    decision_rules,
    is_calibrated,
    out_of_fold,
    uncalibrated,
)
from prefect_mlops.training.cross_validation import make_folds
from prefect_mlops.training.recipe_evaluation import Recipe, earlier_losses, evaluate_recipe
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB

COLUMNS = Columns(target="y", ordered=True)
FOREST = {"n_estimators": 50, "min_samples_leaf": 1, "max_features": 0.6}
RECIPE = Recipe("random_forest", FOREST, "binary", "log_loss", 0)


def rows(count=2_000, classes=("no", "yes"), seed=0, repeats=1):
    """Rows whose features are repeated: naive Bayes takes each as new evidence and is too sure."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2))
    level = x[:, 0] + rng.logistic(size=count)
    cuts = np.quantile(level, np.linspace(0, 1, len(classes) + 1)[1:-1])
    frame = pd.DataFrame(np.repeat(x, repeats, axis=1)).rename(columns=str)
    return frame.assign(y=np.asarray(classes)[np.digitize(level, cuts)])


def rules(method="time", **decisions):
    return DecisionRules(DecisionSettings(**decisions), method, 3)


@pytest.mark.parametrize("model", [LogisticRegression(), GaussianNB()], ids=["scores", "chances"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("classes", [("no", "yes"), (1, 2, 3)], ids=str)
def test_where_folds_cover_all_rows_it_is_scikit_learns_own(model, method, classes):
    frame = rows(classes=classes, repeats=3)
    data = training_rows(frame, COLUMNS, "multiclass")
    own = CalibratedClassifierCV(model, method=method, cv=KFold(4), ensemble=False)
    own.fit(data.rows, data.target)

    def fit(part):
        return type(model)().fit(part.rows, part.target)

    folds = [type(make_folds(data, "hash", 3, 0)[0])(*parts) for parts in KFold(4).split(data.rows)]
    held = out_of_fold(fit, data, folds, DecisionSettings(calibration=method))
    found, probabilities = calibrated(fit(data), held, data, method)
    later = rows(300, classes, seed=1, repeats=3).drop(columns="y")
    assert found.predict_proba(later) == pytest.approx(own.predict_proba(later))
    assert probabilities.shape == (len(frame), len(classes))
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
    assert type(uncalibrated(found)) is type(model)


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")], ids=str)
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_model_that_is_too_sure_is_mended(method, classes):
    data = training_rows(rows(4_000, classes, repeats=8), COLUMNS, "multiclass")

    def fit(part):
        return GaussianNB().fit(part.rows, part.target)

    folds = make_folds(data, "time", 3, 0)
    held = out_of_fold(fit, data, folds, DecisionSettings(calibration=method))
    model = fit(data)
    later = training_rows(rows(4_000, classes, seed=1, repeats=8), COLUMNS, "multiclass")
    before = calibration_error(later.target, model.predict_proba(later.rows), data.classes)
    found, _ = calibrated(model, held, data, method)
    after = calibration_error(later.target, found.predict_proba(later.rows), data.classes)
    assert before > 0.1
    # Platt's curve fits probabilities that are all next to 0 or 1 less well.
    assert after < {"isotonic": 0.035, "sigmoid": 0.6 * before}[method]


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")], ids=str)
def test_a_model_is_never_turned_around(classes):
    frame = rows(900, classes)
    # What the feature means turns round with every fold: out of fold, models are worse than chance.
    frame["0"] *= np.repeat([1, -1, 1, -1], 225)
    data = training_rows(frame, COLUMNS, "multiclass")

    def fit(part):
        return LogisticRegression().fit(part.rows[-225:], part.target[-225:])

    held = out_of_fold(fit, data, make_folds(data, "time", 3, 0), DecisionSettings())
    with pytest.raises(
        DataRejected, match=f"class '{classes[-1] if len(classes) == 2 else 'a'}' came less"
    ):
        calibrated(fit(data), held, data, "sigmoid")


def test_in_time_order_no_row_is_predicted_from_later_ones():
    data = training_rows(rows(400), COLUMNS, "binary")
    seen = []

    def fit(part):
        seen.append(len(part.rows))
        return GaussianNB().fit(part.rows, part.target)

    held = out_of_fold(fit, data, make_folds(data, "time", 3, 0), DecisionSettings(costs=None))
    assert held.positions.tolist() == list(range(100, 400))
    assert seen == [100, 200, 300]


@pytest.mark.parametrize(
    ("count", "rare", "decisions", "said"),
    [
        (100, 50, {"calibration": "sigmoid"}, "75 training rows .* sigmoid needs 100.* to none"),
        (900, 400, {"calibration": "isotonic"}, "isotonic needs 1,000.* to sigmoid or none"),
        (
            900,
            9,
            {"calibration": "sigmoid"},
            "class 'yes' has . training rows .*calibration needs 10",
        ),
        (
            900,
            9,
            {"costs": {"false_positive": 1, "false_negative": 5}},
            "class 'yes' has . training rows .*costs needs 10",
        ),
    ],
)
def test_too_few_rows_are_refused_by_name(count, rare, decisions, said):
    frame = rows(count)
    spread = np.linspace(0, count - 1, rare).astype(int)
    frame["y"] = np.where(np.isin(np.arange(count), spread), "yes", "no")
    data = training_rows(frame, COLUMNS, "binary")
    with pytest.raises(DataRejected, match=said):
        RECIPE.fitted(data, rules(**decisions))


def test_the_evidence_says_what_calibration_and_costs_did():
    frame = rows(1_500)
    data = training_rows(frame[:1_000], COLUMNS, "binary")
    costs = {"false_positive": 1, "false_negative": 9}
    asked = rules(calibration="sigmoid", costs=costs)
    found = evaluate_recipe(
        RECIPE, data, frame[1_000:], COLUMNS, method="time", periods=1, rules=asked
    )
    plain = evaluate_recipe(RECIPE, data, frame[1_000:], COLUMNS, method="time", periods=1)
    metrics = found.metrics
    assert metrics["uncalibrated.log_loss"] == pytest.approx(plain.metrics["log_loss"])
    assert metrics["log_loss"] < metrics["uncalibrated.log_loss"]
    assert metrics["ece"] < metrics["uncalibrated.ece"]
    assert metrics["cost"] < metrics["cost_of_most_probable"]
    assert metrics["accuracy"] == pytest.approx(1 - metrics["error_rate"])
    labels = found.predictor.labels(found.predictor.predict(frame[1_000:]))
    assert found.reference.sample["prediction"].tolist() == labels.tolist()
    # What is promised is what the calibrated model does, in every period.
    assert found.reference.promise.periods[0] == pytest.approx(metrics["log_loss"])
    assert found.reference.promise.value < plain.reference.promise.value


def test_periods_end_where_too_little_is_left_to_calibrate_on():
    data = training_rows(rows(2_000), COLUMNS, "binary")
    asked = rules(calibration="isotonic")
    assert len(earlier_losses(RECIPE, data, 200, 4, asked)) == 3
    assert len(earlier_losses(RECIPE, data, 200, 4)) == 4


def test_a_regression_has_no_decisions():
    training = TrainingSettings(decisions={"calibration": "sigmoid"})
    with pytest.raises(ConfigurationError, match="is for classes"):
        decision_rules(training, "regression", "time")
    assert decision_rules(TrainingSettings(), "regression", "time") is None


def test_a_calibrated_classifier_of_the_users_own_is_none_of_ours():
    data = training_rows(rows(1_000), COLUMNS, "binary")
    own = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(data.rows, data.target)
    assert not is_calibrated(own)
    assert not is_calibrated(LogisticRegression())
    assert is_calibrated(RECIPE.fitted(data, rules(calibration="sigmoid")).model)
