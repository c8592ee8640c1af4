"""Finds out how a foreign model is asked, and proves on rows that it answers here as it does at home."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.errors import DataRejected, ModelUnavailable
from ..core.settings import Columns, TaskType
from ..data.class_labels import match_classes
from ..data.schema import conform, infer_feature_types
from .adopted_decision import check_labels, threshold_in
from .adopted_model import (
    AdoptedModel,
    Adoption,
    Method,
    ask,
    probabilities,
    values_of,
    wrapped_classifier,
)
from .model_package import NotAdopted, load_foreign, load_predictor
from .predictor import Predictor
from .seen_types import dtype_names

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

# Of a model in single precision, 1e-7 are left.
_LARGEST_DIFFERENCE = 1e-6
# Asked for alone too: codes of categories, for one, must not depend on the rows beside them.
_SINGLE_ROWS = 20


def load_on_rows(
    model_uri: str,
    rows: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    tracking_uri: str,
    registry_uri: str | None = None,
) -> Predictor:
    """Load a model of any origin: one that was never adopted is tried on rows, as `adopted_predictor` does.

    Args:
        model_uri: `models:/name/version`, `models:/name@alias`, `models:/id` or `runs:/…`.
        rows: Rows with the target, that it is going to score.
        columns: What each column is for.
        task_type: What is predicted.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Returns:
        The model, ready to predict.

    Raises:
        DataRejected: If an input column is missing.
        ModelUnavailable: If there is no such model, it does not load, or it cannot be asked for
            probabilities or values.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    uris: dict[str, Any] = {"tracking_uri": tracking_uri, "registry_uri": registry_uri}
    try:
        return load_predictor(model_uri, task_type, **uris)
    except NotAdopted:
        model = load_foreign(model_uri, **uris)
    return adopted_predictor(model, rows, columns=columns, task_type=task_type)[0]


def adopted_predictor(
    model: PyFuncModel,
    frame: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    classes: Sequence[Any] | None = None,
) -> tuple[Predictor, Adoption]:
    """Wrap a foreign model, and check that what is done to rows on the way changes no prediction.

    Args:
        model: What `mlflow.pyfunc.load_model` returned.
        frame: Rows with the target and the model's input columns, in the data types that it was trained with.
        columns: What each column is for.
        task_type: What is predicted.
        classes: Classes in the order of the model's probabilities. None: the model's own, where it knows
            them, or the target's values in order.

    Returns:
        The model, ready to predict, and what must be stored to load it again.

    Raises:
        DataRejected: If an input column is missing, or holds what no model takes.
        ModelUnavailable: If the model cannot score the rows, answers with something that is no probability
            or value, answers otherwise once the rows went through what production sends them through, or
            decides for other labels than its probabilities and its threshold give.
    """
    names = _input_columns(model, frame, columns)
    feature_types = infer_feature_types(frame, names, columns.categorical)
    given = frame[names].reset_index(drop=True)
    known = None if task_type == "regression" else wrapped_classifier(model)
    method = "predict" if known is None else "predict_proba"
    given, answer = _ask_as_trained(model if known is None else known, given, method)
    found = None
    if task_type != "regression":
        found = _classes(known, answer, frame[columns.target], classes)
    adoption = Adoption(
        task_type=task_type,
        feature_types=feature_types,
        dtypes=dtype_names(given),
        classes=found,
        method=method,
        threshold=None if known is None else threshold_in(known),
    )
    direct = (
        values_of(answer, len(given)) if found is None else probabilities(answer, found, len(given))
    )
    predictor = Predictor(
        AdoptedModel(model, adoption), task_type, feature_types, adoption.decision
    )
    conformed, _ = conform(given, feature_types)
    predicted = predictor.predict_conformed(conformed)
    _same(direct, predicted, given)
    if known is not None:
        check_labels(model, known, given, predictor, predicted)
    some = range(min(_SINGLE_ROWS, len(given)))
    alone = [predictor.predict_conformed(conformed.iloc[[row]]) for row in some]
    _same(direct[: len(alone)], np.concatenate(alone), given.iloc[list(some)])
    return predictor, adoption


def _ask_as_trained(model: Any, given: pd.DataFrame, method: Method) -> tuple[pd.DataFrame, Any]:
    """Return the rows as the model takes them, and its answer.

    Files and databases keep text, not the category types that a model may have been trained with.
    """
    try:
        return given, ask(model, given, method)
    except ModelUnavailable:
        texts = [name for name in given if given[name].dtype == object]
        if not texts:
            raise
        typed = given.astype(dict.fromkeys(texts, "category"))
        try:
            return typed, ask(model, typed, method)
        except ModelUnavailable:
            # What it says of the rows as they came is what tells.
            pass
        raise


def _input_columns(model: PyFuncModel, frame: pd.DataFrame, columns: Columns) -> list[str]:
    schema = model.metadata.get_input_schema()
    names = (
        [str(name) for name in schema.input_names()] if schema and schema.has_input_names() else []
    )
    if not names:
        wrapped = wrapped_classifier(model)
        names = [str(name) for name in getattr(wrapped, "feature_names_in_", [])]
    if not set(names) <= set(frame.columns) and len(names) == len(
        features := columns.feature_names(list(frame.columns))
    ):
        # LightGBM, for one, replaces what it finds odd in a name; the order is the same.
        missing = sorted(set(names) - set(frame.columns))
        if schema and schema.has_input_names():
            raise DataRejected(
                f"the model takes columns {missing} that the rows do not have: they have {features}",
                column=missing[0],
            )
        return features
    names = names or columns.feature_names(list(frame.columns))
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataRejected(
            f"the model takes columns {missing} that the rows do not have: they have "
            f"{list(frame.columns)}. Bring them, under the same names",
            column=missing[0],
        )
    return names


def _classes(
    known: Any, answer: Any, labels: pd.Series, classes: Sequence[Any] | None
) -> list[Any]:
    """Return the classes in the order of the model's probabilities, as plain Python values."""
    seen = labels.dropna().unique().tolist()
    if classes is not None:
        found = list(classes)
    elif known is not None:
        found = np.asarray(known.classes_).tolist()
    elif isinstance(answer, pd.DataFrame) and None not in match_classes(
        seen, [str(name) for name in answer.columns]
    ):
        found = [str(name) for name in answer.columns]
    else:
        try:
            found = sorted(seen)
        except TypeError as error:
            raise DataRejected(
                f"target {labels.name!r} mixes types: say in `classes` what the model's probabilities are "
                "of, in its order",
                column=str(labels.name),
            ) from error
    unknown = {
        str(v)
        for v, m in zip(seen, match_classes(seen, [str(c) for c in found]), strict=True)
        if m is None
    }
    if len(unknown) == len(seen):
        raise DataRejected(
            f"target {labels.name!r} holds {sorted(unknown)[:5]}, none of the model's classes {found[:5]}: say "
            "in `classes` what its probabilities are of, in its order, in the target's words",
            column=str(labels.name),
        )
    return found


def _same(direct: np.ndarray, ours: np.ndarray, given: pd.DataFrame) -> None:
    scale = np.maximum(np.abs(direct), 1.0)
    other = ~np.isclose(direct / scale, ours / scale, rtol=0.0, atol=_LARGEST_DIFFERENCE)
    rows = other.reshape(len(given), -1).any(axis=1)
    if rows.any():
        first = int(np.flatnonzero(rows)[0])
        raise ModelUnavailable(
            f"the model answers {int(rows.sum())} of {len(given)} rows otherwise once they are scored as in "
            "production, brought to numbers, categories, booleans and moments, and one by one; for example row "
            f"{first}: {given.iloc[first].to_dict()} gives {direct[first]} and then {ours[first]}. Categories "
            "that look like numbers belong into columns.categorical; spaces around text are taken away; a "
            "model's answer must not depend on the rows beside it"
        )
