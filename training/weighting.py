"""Sample weights on their way into an estimator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import optuna
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ..core.errors import ConfigurationError
from ..core.settings import TaskType
from ..data.training_rows import TrainingRows
from .declared_recipes import Spaces, choose
from .recipes import build

_WEIGHT = "sample_weight"


def weight_keyword(estimator: Any) -> str | None:
    """Return the keyword of an estimator's `fit` that takes sample weights; None where there is none.

    Args:
        estimator: Unfitted; of a pipeline, its last step takes the weights.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.pipeline import make_pipeline
        >>> weight_keyword(make_pipeline(Ridge()))
        'ridge__sample_weight'
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inside = weight_keyword(last)
        return None if inside is None else f"{name}__{inside}"
    return _WEIGHT if has_fit_parameter(estimator, _WEIGHT) else None


def fit_parameters(estimator: Any, data: TrainingRows) -> dict[str, Any]:
    """Return the keywords of an estimator's `fit` for the weights of rows; none where they have none.

    Raises:
        ConfigurationError: If the estimator takes no weights.
    """
    weights = data.fit_weights()
    if weights is None:
        return {}
    keyword = weight_keyword(estimator)
    if keyword is None:
        raise _unweighted(type(estimator).__name__, estimator)
    return {keyword: weights}


def refuse_unweighted(
    estimators: Sequence[str],
    data: TrainingRows,
    task: TaskType,
    seed: int,
    spaces: Spaces | None = None,
) -> None:
    """Refuse estimators that cannot take sample weights.

    Args:
        estimators: Their names; each is asked for an estimator with hyperparameters of its own choice.
        data: The rows; without weights nothing is refused.
        task: Task type.
        seed: Seed of the estimators.
        spaces: Estimator to what is declared for it. None: nothing is.

    Raises:
        ConfigurationError: If one cannot, cannot be found or cannot be built.
    """
    if data.fit_weights() is None:
        return
    for name in estimators:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        types = data.model_types
        with warnings.catch_warnings():
            # Choices may be of any type here: they are stored nowhere.
            warnings.simplefilter("ignore", UserWarning)
            parameters = choose(
                study.ask(), name, spaces or {}, task=task, feature_types=types, seed=seed
            )
        estimator = build(name, parameters, task, types, seed)
        if weight_keyword(estimator) is None:
            raise _unweighted(name, estimator)


def _unweighted(name: str, estimator: Any) -> ConfigurationError:
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return ConfigurationError(
        f"estimator {name!r} makes a {type(last).__name__}, whose fit() takes no sample_weight, and "
        "columns.weight or training.class_weights asks for it: leave one of them out"
    )
