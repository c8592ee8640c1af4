"""Finds the threshold that a foreign classifier decides by, and holds the labels it gets here against its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.errors import ModelUnavailable
from ..data.class_labels import class_text, match_classes
from ..metrics.costs import Positions
from ..metrics.losses import Floats
from .adopted_model import ask
from .predictor import Predictor

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_HINT = (
    "Put sklearn.model_selection.FixedThresholdClassifier(FrozenEstimator(classifier), threshold=..., "
    'response_method="predict_proba") around the classifier to decide by a probability, or log the classifier '
    'alone with pyfunc_predict_fn="predict_proba" to decide for the most probable class'
)


def threshold_in(classifier: Any) -> float | None:
    """Return the threshold that one of scikit-learn's threshold classifiers decides by.

    Args:
        classifier: A fitted classifier; a pipeline or a search may be around it.

    Returns:
        Least probability of the second class to decide for it; None where the classifier has none, or
        decides by something else than a probability.

    Example:
        >>> from sklearn.dummy import DummyClassifier
        >>> from sklearn.model_selection import FixedThresholdClassifier
        >>> inside = DummyClassifier().fit([[0], [1]], ["no", "yes"])
        >>> threshold_in(FixedThresholdClassifier(inside, threshold=0.2))
        0.2
    """
    from sklearn.model_selection import TunedThresholdClassifierCV

    found = _threshold_classifier(classifier)
    if found is None or found.response_method == "decision_function":
        return None
    if isinstance(found, TunedThresholdClassifierCV):
        threshold: Any = found.best_threshold_
        # Which class a scorer asks about is in no public attribute.
        scorer: Any = vars(found).get("_curve_scorer")
        if not hasattr(scorer, "_get_pos_label"):
            return None
        positive = scorer._get_pos_label()
    else:
        threshold = 0.5 if found.threshold == "auto" else found.threshold
        positive = found.pos_label
    if positive is None or positive == found.classes_[1]:
        return float(threshold)
    # The first class from its threshold on: the second one beyond what is left.
    return float(np.nextafter(1.0 - threshold, np.inf))


def _threshold_classifier(classifier: Any) -> Any:
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
    from sklearn.pipeline import Pipeline

    found = classifier
    while not isinstance(found, FixedThresholdClassifier | TunedThresholdClassifierCV):
        # What passes on the labels of what is in it.
        found = (
            found[-1] if isinstance(found, Pipeline) else getattr(found, "best_estimator_", None)
        )
        if found is None:
            return None
    return found


def check_labels(
    model: PyFuncModel,
    classifier: Any,
    given: pd.DataFrame,
    predictor: Predictor,
    predicted: Floats,
) -> None:
    """Check that every row gets the label that the model itself says.

    A model that was logged to answer with probabilities says none, unless a threshold is in it.

    Args:
        model: The model as a pyfunc.
        classifier: The classifier inside.
        given: Rows in the data types that it was trained with, n.
        predictor: The model as it is going to be asked.
        predicted: What it predicts for the rows, shape (n, classes).

    Raises:
        ModelUnavailable: If a label differs, or is none of the model's classes.
    """
    stated = _stated(model, classifier, given, predictor)
    if stated is None:
        return
    decision = predictor.decision
    ours = predicted.argmax(axis=1) if decision is None else decision.choose(predicted)
    wrong = np.flatnonzero(ours != stated)
    if len(wrong) == 0:
        return
    row, classes = int(wrong[0]), np.asarray(predictor.classes).tolist()
    rule = (
        "its most probable class" if decision is None else f"its threshold {decision.threshold:g}"
    )
    raise ModelUnavailable(
        f"the model's own label is another one than {rule} gives in {len(wrong)} of {len(given)} rows; for example "
        f"row {row}: {given.iloc[row].to_dict()} is {classes[stated[row]]!r} to the model, whose probabilities of "
        f"{classes} are {predicted[row].tolist()}. How it decides cannot be told from its probabilities. {_HINT}"
    )


def _stated(
    model: PyFuncModel, classifier: Any, given: pd.DataFrame, predictor: Predictor
) -> Positions | None:
    """Return the positions of the labels that a model says, None where it says probabilities alone."""
    rows, classes = len(given), np.asarray(classifier.classes_).tolist()
    try:
        answer: Any = np.asarray(ask(model, given, "predict"))
    except ModelUnavailable:
        # MLflow may refuse data types that the classifier itself was trained with.
        answer = None
    else:
        for names in (classes, np.asarray(predictor.classes).tolist()):
            found = _positions(answer, rows, names)
            if found is not None:
                return found
        if answer.size == rows and not _is_float(answer):
            raise _unknown(answer, classes)
        if _threshold_classifier(classifier) is None:
            return None
    answer = np.asarray(ask(classifier, given, "predict"))
    found = _positions(answer, rows, classes)
    if found is None:
        raise _unknown(answer, classes)
    return found


def _positions(answer: np.ndarray, rows: int, classes: list[Any]) -> Positions | None:
    if answer.size != rows:
        return None
    texts = {class_text(name): position for position, name in enumerate(classes)}
    matched = match_classes(answer.reshape(rows).tolist(), list(texts))
    found = [texts[name] for name in matched if name is not None]
    return np.asarray(found, dtype=np.intp) if len(found) == rows else None


def _is_float(answer: np.ndarray) -> bool:
    return np.issubdtype(np.asarray(answer.tolist()).dtype, np.floating)


def _unknown(answer: np.ndarray, classes: list[Any]) -> ModelUnavailable:
    return ModelUnavailable(
        f"the model answers with labels such as {answer.ravel()[:1].tolist()}, and its classes are {classes}: what it "
        f"decides cannot be held against its probabilities. {_HINT}"
    )
