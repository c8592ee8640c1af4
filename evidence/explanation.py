"""Explains a model of trees with SHAP, within a budget of rows and time, and only where the values add up.

Lundberg et al., "From local explanations to global understanding with explainable AI for trees", *Nature Machine
Intelligence* 2, 2020, 56-67. SHAP values of a row sum to its answer minus the mean one. That is checked here:
of trees that split on categories natively, `TreeExplainer` of shap 0.50 returns values which do not, without a word.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.results import Explanation
from ..metrics.losses import Floats
from ..models.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Iterator

# Others are not of trees: asking SHAP would import it for seconds, to be told so.
_OF_TREES = ("sklearn.ensemble", "sklearn.tree", "lightgbm.", "xgboost.", "catboost.")
_FIRST_ROWS = 10
_PROBED_ROWS = 100
_TOLERANCE = 1e-3
UNATTRIBUTED = "(several columns)"


@dataclass(frozen=True)
class Explained:
    """An explanation, and what it is drawn of.

    Attributes:
        explanation: Shares by input column, or why there are none.
        values: SHAP values by row and input column, shape (n, columns); with several classes also by class.
        rows: The rows that were explained, conformed.
    """

    explanation: Explanation
    values: Floats | None = None
    rows: pd.DataFrame | None = None


class _NotExplained(Exception):
    """Why there is no explanation; never leaves this module."""


def explain(
    predictor: Predictor,
    rows: pd.DataFrame,
    *,
    most_rows: int,
    seconds: float,
    seed: int = 0,
    weights: Floats | None = None,
) -> Explained:
    """Explain a model's answers to some rows.

    Args:
        predictor: The model.
        rows: Rows with its input columns.
        most_rows: Rows to explain at most; a sample of more.
        seconds: Time that it may take, seconds: of what the first rows take follows how many more there are.
        seed: Seed of the sample.
        weights: What each row counts in the shares, shape (n,). None: all the same.

    Returns:
        The explanation, or the reason why there is none: nothing here raises.
    """
    if most_rows < 1:
        return Explained(Explanation(reason="no rows are to be explained (card.explained_rows)"))
    try:
        return _explained(
            predictor, rows, most_rows=most_rows, seconds=seconds, seed=seed, weights=weights
        )
    except _NotExplained as why:
        return Explained(Explanation(reason=str(why)))
    # An estimator may be anybody's: a card without an explanation is still a card.
    except Exception as error:
        said = f"SHAP could not explain it: {type(error).__name__}: {error}"
        return Explained(Explanation(reason=said[:500]))


def _explained(
    predictor: Predictor,
    rows: pd.DataFrame,
    *,
    most_rows: int,
    seconds: float,
    seed: int,
    weights: Floats | None,
) -> Explained:
    transform, trees = _parts_of(predictor.model)
    if not type(trees).__module__.startswith(_OF_TREES):
        raise _NotExplained(
            f"TreeExplainer is for models of trees, and this is a {type(trees).__name__}"
        )
    if importlib.util.find_spec("shap") is None:
        raise _NotExplained("the package shap is not installed (extra `shap`)")
    from shap import TreeExplainer

    rng = np.random.default_rng(seed)
    count = min(len(rows), most_rows)
    chosen = np.sort(rng.choice(len(rows), count, replace=False))
    sample = predictor.prepare(rows.iloc[chosen])
    explainer = TreeExplainer(trees)
    matrix = np.asarray(transform(sample), dtype=float)
    # Compiled at the first call: not what a row takes.
    explainer.shap_values(matrix[:1])
    started = time.perf_counter()
    values = _by_row(explainer.shap_values(matrix[:_FIRST_ROWS]))
    each = (time.perf_counter() - started) / len(values)
    fitting = int(seconds / each) if each > 0 else count
    if fitting < min(_FIRST_ROWS, count):
        raise _NotExplained(
            f"one row takes {each:.2g} seconds, and {seconds:g} are allowed (card.explanation_seconds)"
        )
    count = min(count, fitting)
    matrix, sample = matrix[:count], sample.iloc[:count]
    values = _by_row(explainer.shap_values(matrix))
    _check_sums(values, explainer.expected_value, trees, matrix)
    if values.ndim == 3 and values.shape[2] == 2:
        # Of two classes, one says it all.
        values = values[..., 1]
    values = _by_column(values, _sources(transform, sample, rng), sample)
    counted = None if weights is None else weights[chosen[:count]]
    if counted is not None and not counted.sum() > 0:
        raise _NotExplained(f"the {count} rows that were sampled all weigh nothing")
    weight = np.average(np.abs(values), axis=0, weights=counted)
    weight = weight if weight.ndim == 1 else weight.mean(axis=1)
    total = float(weight.sum())
    names = [*sample.columns, UNATTRIBUTED][: len(weight)]
    shares = {
        name: float(part / total) if total > 0 else 0.0
        for name, part in zip(names, weight, strict=True)
        if name != UNATTRIBUTED or part > 0
    }
    return Explained(
        Explanation(
            method="TreeExplainer",
            rows=count,
            shares=shares,
            reason="share of the mean absolute SHAP value, in the unit that the trees add up",
        ),
        values=values[:, : len(sample.columns)],
        rows=sample,
    )


def _parts_of(model: Any) -> tuple[Any, Any]:
    """Return what turns rows into a matrix, and the estimator that takes it."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        raise _NotExplained(f"it is a {type(model).__name__}, not a pipeline that ends with trees")
    return model[:-1].transform, model[-1]


def _by_row(values: Any) -> Floats:
    found = np.stack(values, axis=-1) if isinstance(values, list) else np.asarray(values)
    return found.astype(float)


def _check_sums(values: Floats, expected: Any, trees: Any, matrix: Floats) -> None:
    sums = values.sum(axis=1) + np.asarray(expected, dtype=float)
    scale = max(1.0, float(np.abs(sums).max()))
    for answer in _answers(trees, matrix):
        if answer.shape == sums.shape and np.abs(answer - sums).max() <= _TOLERANCE * scale:
            return
    raise _NotExplained(
        "the SHAP values do not add up to the model's answers, as of trees that split on categories natively: "
        "they would be wrong"
    )


def _answers(trees: Any, matrix: Floats) -> Iterator[Floats]:
    """Yield what a model says in the units that SHAP may have explained: raw scores, probabilities, values."""
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        ("decision_function", {}),
        ("predict", {"raw_score": True}),
        ("predict", {"output_margin": True}),
        ("predict", {"prediction_type": "RawFormulaVal"}),
        ("predict_proba", {}),
        ("predict", {}),
    )
    for method, options in ways:
        # Each library has a way of its own, and refuses those of the others.
        try:
            answer = np.asarray(getattr(trees, method)(matrix, **options), dtype=float)
        except (AttributeError, TypeError, ValueError):
            continue
        yield answer


def _sources(transform: Any, sample: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return which input columns reach which columns of the matrix, shape (inputs, outputs).

    Found by trying, so that any preprocessing will do: an output that changes when an input is shuffled is made
    of it.
    """
    probe = sample.head(_PROBED_ROWS)
    before = np.asarray(transform(probe), dtype=float)
    found = np.zeros((len(sample.columns), before.shape[1]), dtype=bool)
    for position, name in enumerate(sample.columns):
        values = probe[name]
        # Shuffled, as any value may come; and moved, as one that never changes cannot be shuffled.
        for changed in (values.iloc[rng.permutation(len(probe))].to_numpy(), _moved(values)):
            after = np.asarray(transform(probe.assign(**{name: changed})), dtype=float)
            same = (after == before) | (np.isnan(after) & np.isnan(before))
            found[position] |= ~same.all(axis=0)
    return found


def _moved(values: pd.Series) -> Any:
    """Return other values than these: of categories, missing ones."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.fillna(0.0) + 1.0
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.fillna(pd.Timestamp(0)) + pd.Timedelta(days=1.3)
    return np.full(len(values), None, dtype=object)


def _by_column(values: Floats, sources: np.ndarray, sample: pd.DataFrame) -> Floats:
    """Return SHAP values by input column, and a last one of what belongs to none that was told."""
    makers = sources.sum(axis=0)
    shares = np.vstack([sources / np.maximum(makers, 1), makers == 0]).astype(float)
    return np.einsum("no...,io->ni...", values, shares)
