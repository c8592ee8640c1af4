"""Out-of-fold predictions of the training rows, and probabilities calibrated on them.

The calibrator is fitted on what models say of rows that they were not fitted on, and stands around the
model that is fitted on all rows: scikit-learn's `CalibratedClassifierCV(ensemble=False)`, with folds that
expand in time order, which its own `fit` refuses as they do not cover the first rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..core.errors import ConfigurationError, DataRejected
from ..core.settings import TaskType, TrainingSettings
from ..core.settings.decisions import DecisionSettings
from ..data.training_rows import TrainingRows
from ..metrics.losses import Floats
from .cross_validation import Fold

FEWEST_CLASS_ROWS = 10
# Platt's two parameters need few rows; isotonic regression overfits on fewer than a thousand
# (Niculescu-Mizil and Caruana, ICML 2005; scikit-learn's user guide, 1.16).
FEWEST_ROWS = {"none": 0, "sigmoid": 100, "isotonic": 1_000}
_FALL_BY_CHANCE = 0.1


@dataclass(frozen=True)
class DecisionRules:
    """How a fitted model is calibrated and decides.

    Attributes:
        settings: Calibration and costs.
        method: `time` for rows in time order, `hash` for others.
        folds: Folds for out-of-fold predictions.
    """

    settings: DecisionSettings
    method: Literal["time", "hash"]
    folds: int

    def without_costs(self) -> DecisionRules | None:
        """Return the rules that probabilities depend on; None where there are none."""
        if self.settings.calibration == "none":
            return None
        settings = DecisionSettings(calibration=self.settings.calibration)
        return DecisionRules(settings, self.method, self.folds)


def decision_rules(
    training: TrainingSettings, task: TaskType, method: Literal["time", "hash"]
) -> DecisionRules | None:
    """Return the rules of training settings; None where there are none.

    Raises:
        ConfigurationError: If rules are asked for and the task is a regression.
    """
    if not training.decisions.used:
        return None
    if task == "regression":
        raise ConfigurationError(
            "training.decisions is for classes, and a regression predicts numbers: leave it out"
        )
    return DecisionRules(training.decisions, method, training.folds)


@dataclass(frozen=True)
class OutOfFold:
    """What models say of rows that they were not fitted on, m of them.

    Attributes:
        positions: Positions of the rows, shape (m,).
        responses: What a calibrator takes: `decision_function` where models have one, else probabilities;
            shape (m, 1) for two classes, else (m, classes).
        probabilities: Shape (m, classes).
    """

    positions: np.ndarray
    responses: Floats
    probabilities: Floats


def out_of_fold(
    fit: Callable[[TrainingRows], Any],
    data: TrainingRows,
    folds: list[Fold],
    settings: DecisionSettings,
) -> OutOfFold:
    """Predict the rows of every fold with a model of the others.

    Args:
        fit: Returns a model fitted on rows.
        data: Training rows of a classification.
        folds: Their folds; one whose rows to fit on lack a class is left out.
        settings: What the predictions are for.

    Raises:
        DataRejected: If too few rows, or too few of a class, are predicted.
    """
    classes: Any = data.classes
    positions, responses, probabilities = [], [], []
    for fold in folds:
        if len(np.unique(data.target[fold.fitted])) < len(classes):
            continue
        model = fit(data.take(fold.fitted))
        rows = data.rows.iloc[fold.scored].reset_index(drop=True)
        found = np.asarray(model.predict_proba(rows), dtype=float)
        if hasattr(model, "decision_function"):
            response = np.asarray(model.decision_function(rows), dtype=float)
        else:
            response = found[:, 1] if len(classes) == 2 else found
        positions.append(fold.scored)
        probabilities.append(found)
        responses.append(response.reshape(len(rows), -1))
    where = np.concatenate(positions) if positions else np.empty(0, dtype=int)
    _check_enough(data.target[where], classes, settings)
    return OutOfFold(where, np.concatenate(responses), np.concatenate(probabilities))


def _check_enough(target: np.ndarray, classes: np.ndarray, settings: DecisionSettings) -> None:
    used = "calibration" if settings.calibration != "none" else "costs"
    needed = FEWEST_ROWS[settings.calibration]
    if len(target) < needed:
        other = "sigmoid or none" if settings.calibration == "isotonic" else "none"
        raise DataRejected(
            f"{len(target)} training rows can be predicted out of fold, and calibration by "
            f"{settings.calibration} needs {needed:,}: bring more rows, or set "
            f"training.decisions.calibration to {other}"
        )
    for name in classes:
        rows = int((target == name).sum())
        if rows < FEWEST_CLASS_ROWS:
            raise DataRejected(
                f"class {str(name)!r} has {rows} training rows that can be predicted out of fold, and "
                f"training.decisions.{used} needs {FEWEST_CLASS_ROWS} of every class: bring more rows of it, "
                "fewer training.folds, or none of training.decisions"
            )


def calibrated(
    model: Any, held: OutOfFold, data: TrainingRows, method: Literal["sigmoid", "isotonic"]
) -> tuple[Any, Floats]:
    """Return a model whose probabilities are calibrated, one class against the others.

    Args:
        model: Fitted on all rows.
        held: Out-of-fold predictions of such models.
        data: The rows.
        method: `sigmoid` or `isotonic`.

    Returns:
        A `CalibratedClassifierCV`, and the calibrated out-of-fold probabilities, shape (m, classes).

    Raises:
        DataRejected: If a class came less often, the surer the models were of it: calibrated, the model
            would say the opposite of what it says.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator
    from sklearn.svm import LinearSVC

    width = held.responses.shape[1]
    # Gives back what it is given: the calibrator is fitted on predictions that were made already.
    given: Any = LinearSVC()
    given.coef_, given.intercept_ = np.eye(width), np.zeros(width)
    given.classes_, given.n_features_in_ = data.classes, width
    every = np.arange(len(held.positions))
    one_model: Any = {"cv": [(every, every)], "ensemble": False}
    found: Any = CalibratedClassifierCV(FrozenEstimator(given), method=method, **one_model)
    with warnings.catch_warnings():
        # It warns that what was given takes no weights, and has nothing to fit.
        warnings.simplefilter("ignore", UserWarning)
        found.fit(held.responses, data.target[held.positions], data.counted(held.positions))
    _refuse_turned(found.calibrated_classifiers_[0].calibrators, held, data)
    probabilities = np.asarray(found.predict_proba(held.responses), dtype=float)
    found.set_params(estimator=FrozenEstimator(model), cv=None)
    found.calibrated_classifiers_[0].estimator = model
    del found.n_features_in_
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(found, name, getattr(model, name))
    return found, probabilities


def _refuse_turned(calibrators: list[Any], held: OutOfFold, data: TrainingRows) -> None:
    names: Any = data.classes
    # A class between two others may have a score that says nothing of it, and falls a little by chance.
    tolerated = 0.0 if len(calibrators) == 1 else _FALL_BY_CHANCE
    # Of two classes, the responses are of the second one.
    for name, calibrator, values in zip(
        names[-len(calibrators) :], calibrators, held.responses.T, strict=True
    ):
        low, high = calibrator.predict(np.array([values.min(), values.max()]))
        if low - high > tolerated:
            raise DataRejected(
                f"class {str(name)!r} came less often, the surer out-of-fold predictions were of it: "
                "calibration would turn the model around. The training rows change too much from fold to "
                "fold: set training.decisions.calibration to none or isotonic, or train on later rows"
            )


def is_calibrated(model: Any) -> bool:
    """Say whether a model is one that `calibrated` made, and not a calibrated classifier of the user's own."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    return isinstance(model, CalibratedClassifierCV) and isinstance(
        model.estimator, FrozenEstimator
    )


def uncalibrated(model: Any) -> Any:
    """Return the model inside of one that `calibrated` made."""
    return model.calibrated_classifiers_[0].estimator
