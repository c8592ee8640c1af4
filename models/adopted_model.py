"""A model of any MLflow flavour, adopted: what is known of it, and how it is asked for probabilities or values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from ..core.errors import ModelUnavailable
from ..core.settings import TaskType
from ..data.class_labels import class_text
from ..data.schema import FeatureType
from ..metrics.losses import Floats
from .decision import Decision
from .seen_types import with_dtypes

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_DOCUMENT, _EXAMPLE = "adoption.json", "example.parquet"
# What double precision leaves; such sums are left alone, as a threshold may be on the very probability.
_EXACT_TOLERANCE = 1e-12
# Single precision leaves about 1e-6; anything beyond this was not meant to be probabilities.
_SUM_TOLERANCE = 1e-3
_HINT = (
    "log it so that it answers with probabilities: scikit-learn flavours with "
    'pyfunc_predict_fn="predict_proba", others wrapped in an mlflow.pyfunc.PythonModel'
)

Method = Literal["predict_proba", "predict"]


class Adoption(BaseModel):
    """What must be known of a foreign model to ask it as one of our own.

    Attributes:
        task_type: What is predicted.
        feature_types: Input column to feature type, in the model's order.
        dtypes: Input column to the data type that the model is given, see `models.seen_types`.
        classes: Class of each probability, in the model's order; None for regression.
        method: Which of the model's methods is asked: `predict_proba` of what the flavour wraps, or `predict`
            of MLflow's pyfunc.
        threshold: Least probability of the second of two classes that it decides for it from. None: it decides
            for the most probable class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_type: TaskType
    feature_types: dict[str, FeatureType]
    dtypes: dict[str, str]
    classes: list[bool | int | float | str] | None
    method: Method
    threshold: float | None = None

    @property
    def decision(self) -> Decision | None:
        """How its probabilities become a label. None: the most probable class."""
        if self.threshold is None or self.classes is None:
            return None
        names = tuple(class_text(name) for name in self.classes)
        return Decision(names, None, self.threshold)

    def save(self, folder: Path, example: pd.DataFrame) -> None:
        """Write it and an input example.

        Args:
            folder: Where to.
            example: A few conformed rows.
        """
        (folder / _DOCUMENT).write_text(self.model_dump_json(indent=1), encoding="utf-8")
        example.to_parquet(folder / _EXAMPLE, index=False)

    @classmethod
    def load(cls, folder: Path) -> tuple[Adoption, pd.DataFrame]:
        """Read what `save` wrote.

        Raises:
            ModelUnavailable: If it is not there, or damaged.
        """
        try:
            document = (folder / _DOCUMENT).read_text(encoding="utf-8")
            return cls.model_validate_json(document), pd.read_parquet(folder / _EXAMPLE)
        except (OSError, ValueError) as error:
            raise ModelUnavailable(
                f"what was stored when the model was adopted does not load: {type(error).__name__}: {error}. "
                "Adopt it again"
            ) from error


class AdoptedModel:
    """A foreign model that answers like a fitted estimator of scikit-learn.

    Args:
        model: What `mlflow.pyfunc.load_model` returned.
        adoption: What is known of it.

    Attributes:
        classes_: Class of each probability column; None for regression.
    """

    def __init__(self, model: PyFuncModel, adoption: Adoption) -> None:
        self._model = model
        self._adoption = adoption
        self._wrapped = wrapped_classifier(model) if adoption.method == "predict_proba" else None
        self.classes_ = None if adoption.classes is None else class_array(adoption.classes)

    @property
    def classifier(self) -> Any:
        """The classifier that is asked inside of the pyfunc; None where the pyfunc itself is."""
        return self._wrapped

    def predict_proba(self, rows: pd.DataFrame) -> Floats:
        """Return the probability of each class.

        Args:
            rows: Conformed rows, n.

        Returns:
            Shape (n, classes); each row sums to 1.

        Raises:
            ModelUnavailable: If the model answers with something else.
        """
        given = with_dtypes(rows, self._adoption.dtypes)
        asked = self._model if self._wrapped is None else self._wrapped
        answer = ask(asked, given, self._adoption.method)
        return probabilities(answer, self._adoption.classes or [], len(rows))

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the most probable class of each row, or its value for a regression, shape (n,).

        Raises:
            ModelUnavailable: If the model answers with something else.
        """
        if self.classes_ is not None:
            return self.classes_[self.predict_proba(rows).argmax(axis=1)]
        answer = ask(self._model, with_dtypes(rows, self._adoption.dtypes), "predict")
        return values_of(answer, len(rows))


def wrapped_classifier(model: PyFuncModel) -> Any:
    """Return the classifier inside a model that knows probabilities, None where there is none."""
    try:
        wrapped = model.get_raw_model()
    except (NotImplementedError, AttributeError):
        return None
    return wrapped if hasattr(wrapped, "predict_proba") and hasattr(wrapped, "classes_") else None


def ask(model: Any, rows: pd.DataFrame, method: Method) -> Any:
    """Call a foreign model.

    Args:
        model: A pyfunc model, or a classifier for `predict_proba`.
        rows: In the data types that it was trained with.
        method: What to call.

    Raises:
        ModelUnavailable: If it raises.
    """
    try:
        return getattr(model, method)(_as_tensor(model, rows))
    except Exception as error:
        late = (
            ". Code that comes with a model (code_paths) is there when it is loaded: import it at the top of its "
            "module, not inside functions"
        )
        raise ModelUnavailable(
            f"the adopted model cannot score these rows: {type(error).__name__}: {error}"
            f"{late if isinstance(error, ImportError) else ''}"
        ) from error


def _as_tensor(model: Any, rows: pd.DataFrame) -> Any:
    """Return an array where the model's signature is one tensor: MLflow casts none by itself."""
    from mlflow.types.schema import TensorSpec

    metadata = getattr(model, "metadata", None)
    schema = metadata.get_input_schema() if metadata is not None else None
    inputs = schema.inputs if schema is not None else []
    if len(inputs) == 1 and isinstance(inputs[0], TensorSpec) and inputs[0].name is None:
        return rows.to_numpy(dtype=inputs[0].type)
    return rows


def class_array(classes: list[Any]) -> np.ndarray:
    """Return classes as an array; texts keep their length."""
    kinds = {type(value) for value in classes}
    return np.asarray(classes, dtype=object if kinds == {str} or len(kinds) > 1 else None)


def probabilities(answer: Any, classes: list[Any], rows: int) -> Floats:
    """Read a model's answer as probabilities.

    Args:
        answer: A frame whose columns may be named like the classes; an array of shape (rows, classes); or,
            for two classes, the probability of the second one, shape (rows,) or (rows, 1).
        classes: Classes in the model's order.
        rows: Rows asked for.

    Returns:
        Shape (rows, classes); each row sums to 1.

    Raises:
        ModelUnavailable: If they are none: labels, scores before the last layer, another shape.

    Example:
        >>> probabilities([0.25], ["no", "yes"], 1).tolist()
        [[0.75, 0.25]]
    """
    found = _numbers(_in_class_order(answer, classes))
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 1 and len(classes) == 2:
        found = np.column_stack([1.0 - found, found])
    if found.shape != (rows, len(classes)):
        raise ModelUnavailable(
            f"the model answers {rows} rows with the shape {found.shape}; expected {(rows, len(classes))}, a "
            f"probability for each of {classes}: {_HINT}"
        )
    sums = found.sum(axis=1)
    wrong = ~((found >= 0.0).all(axis=1) & (np.abs(sums - 1.0) <= _SUM_TOLERANCE))
    if wrong.any():
        raise ModelUnavailable(
            f"the model answers {int(wrong.sum())} of {rows} rows with something that is no probability, such "
            f"as {found[wrong][0].tolist()}: {_HINT}"
        )
    scale = np.where(np.abs(sums - 1.0) <= _EXACT_TOLERANCE, 1.0, sums)
    return found / scale[:, None]


def values_of(answer: Any, rows: int) -> Floats:
    """Read a model's answer as the values of a regression, shape (rows,).

    Raises:
        ModelUnavailable: If they are something else, or not finite.
    """
    try:
        found = np.asarray(answer, dtype=float)
    except (TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"the model answers with something that is no number: {error}; a regression needs one a row"
        ) from error
    if found.size != rows or not np.isfinite(found).all():
        raise ModelUnavailable(
            f"the model answers {rows} rows with {found.size} numbers, {int((~np.isfinite(found)).sum())} of "
            "them not finite; a regression needs one finite number a row"
        )
    return found.reshape(rows)


def _in_class_order(answer: Any, classes: list[Any]) -> Any:
    if isinstance(answer, pd.DataFrame):
        texts = [class_text(name) for name in answer.columns]
        wanted = [class_text(value) for value in classes]
        if sorted(texts) == sorted(wanted):
            return answer.iloc[:, [texts.index(text) for text in wanted]]
    return answer


def _numbers(answer: Any) -> Floats:
    found = np.asarray(answer)
    # Whole numbers, booleans and text are labels.
    if found.dtype == object or not np.issubdtype(found.dtype, np.floating):
        try:
            plain = np.asarray(found.tolist())
        except ValueError:
            plain = found
        if not np.issubdtype(plain.dtype, np.floating):
            raise ModelUnavailable(
                f"the model answers with values of type {plain.dtype}, such as {found.ravel()[:1].tolist()}, "
                f"which are labels, not probabilities or values: {_HINT}"
            )
        found = plain
    return found.astype(float)
