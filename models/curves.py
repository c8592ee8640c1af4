"""Draws ROC, precision-recall, calibration and residual curves."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from ..core.settings import TaskType
from ..metrics.losses import Floats


def draw_curves(
    task: TaskType,
    truth: npt.ArrayLike,
    predicted: Floats,
    classes: npt.ArrayLike | None = None,
    decided: npt.ArrayLike | None = None,
) -> bytes:
    """Draw the curves that fit a task type.

    Args:
        task: Task type.
        truth: True labels, shape (n,).
        predicted: Probabilities of shape (n, classes), or values of shape (n,).
        classes: Class of each probability column.
        decided: Labels that are decided on, shape (n,). None: the most probable classes.

    Returns:
        A PNG: ROC, precision-recall and calibration for two classes; ROC by class and the confusion
        matrix for several; actual against predicted and residuals for numbers.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 3 if task == "binary" else 2
    # No pyplot: flows draw in threads, and its global state is not made for them.
    figure = Figure(figsize=(4 * panels, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, panels))
    actual = np.asarray(truth)
    if task == "regression":
        _draw_regression(axes, actual, predicted)
    elif task == "binary":
        positive = np.asarray(classes)[1]
        _draw_binary(axes, actual == positive, predicted[:, 1], str(positive))
    else:
        names = np.asarray(classes)
        labels = names[predicted.argmax(axis=1)] if decided is None else np.asarray(decided)
        _draw_multiclass(axes, actual, predicted, names, labels)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()


def _draw_regression(axes: list, actual: np.ndarray, predicted: Floats) -> None:
    from sklearn.metrics import PredictionErrorDisplay

    for axis, kind in zip(axes, ("actual_vs_predicted", "residual_vs_predicted"), strict=True):
        PredictionErrorDisplay(y_true=actual, y_pred=predicted).plot(
            ax=axis, kind=kind, scatter_kwargs={"s": 6, "alpha": 0.4}
        )


def _draw_binary(axes: list, positive: np.ndarray, probability: Floats, name: str) -> None:
    from sklearn.calibration import CalibrationDisplay
    from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

    if positive.any() and not positive.all():
        RocCurveDisplay.from_predictions(
            positive, probability, name=name, ax=axes[0], plot_chance_level=True
        )
        PrecisionRecallDisplay.from_predictions(
            positive, probability, name=name, ax=axes[1], plot_chance_level=True
        )
        CalibrationDisplay.from_predictions(
            positive, probability, name=name, n_bins=10, strategy="quantile", ax=axes[2]
        )
    for axis, title in zip(axes, ("ROC", "Precision and recall", "Calibration"), strict=True):
        axis.set_title(title)
        # scikit-learn was given booleans and would name the class 1; the legend names it.
        axis.set_xlabel(axis.get_xlabel().partition(" (Pos")[0])
        axis.set_ylabel(axis.get_ylabel().partition(" (Pos")[0])


def _draw_multiclass(
    axes: list, actual: np.ndarray, predicted: Floats, classes: np.ndarray, labels: np.ndarray
) -> None:
    from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay

    for position, name in enumerate(classes):
        mine = actual == name
        if mine.any() and not mine.all():
            RocCurveDisplay.from_predictions(
                mine, predicted[:, position], name=str(name), ax=axes[0]
            )
    axes[0].set_title("ROC, one class against the others")
    ConfusionMatrixDisplay.from_predictions(
        actual, labels, labels=classes, ax=axes[1], colorbar=False
    )
    axes[1].set_title("Confusion matrix")
