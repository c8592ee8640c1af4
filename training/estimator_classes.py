"""Any estimator class with scikit-learn's interface, behind the preprocessor that suits it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from ..core.errors import ConfigurationError
from ..core.settings import TaskType
from ..data.schema import FeatureType
from ..models.labelled_classifier import LabelledClassifier
from .preprocessing import default_preprocessor

# By their names: scikit-learn's own seed, and what else it is called.
_SEEDS = ("random_state", "random_seed", "seed")


@dataclass(frozen=True)
class EstimatorClass:
    """A class that is constructed with hyperparameters, as a recipe.

    Attributes:
        name: Its import path.
        family: The class.
    """

    name: str
    family: type

    @property
    def parameters(self) -> set[str] | None:
        """What the class can be constructed with; None where it takes any keyword."""
        names, any_keyword = _keywords(self.family)
        return None if any_keyword else names

    def __call__(
        self,
        trial: Any,
        task_type: TaskType,
        feature_types: Mapping[str, FeatureType],
        seed: int,
    ) -> Any:
        """Return the estimator with its defaults: without a declared space there is nothing to ask for."""
        return self.make({}, feature_types, seed)

    def make(
        self, parameters: Mapping[str, Any], feature_types: Mapping[str, FeatureType], seed: int
    ) -> Any:
        """Construct the estimator.

        Args:
            parameters: What to construct it with.
            feature_types: Input column to feature type.
            seed: Set as its seed, where it has one and `parameters` does not say another.

        Returns:
            A pipeline of the default preprocessor and the estimator; a pipeline of the user's as it is. One
            whose tags allow missing values gets them, and categories as codes, as trees do; any other gets
            what linear models get, see `training.preprocessing`.

        Raises:
            ConfigurationError: If it does not take the parameters, or is not of scikit-learn's base class.
        """
        given = {**_seeded(self.family, seed, parameters), **parameters}
        try:
            model = self.family(**given)
        except Exception as error:
            raise ConfigurationError(
                f"estimator {self.name!r} cannot be made with {sorted(given)}: {type(error).__name__}: {error}"
            ) from error
        if isinstance(model, Pipeline):
            return model
        style = "trees" if self._takes_missing(model) else "linear"
        if _wants_numbered_classes(self.family):
            model = LabelledClassifier(model)
        return Pipeline(
            [("preprocessor", default_preprocessor(feature_types, style)), ("model", model)]
        )

    def _takes_missing(self, model: Any) -> bool:
        try:
            return bool(get_tags(model).input_tags.allow_nan)
        except Exception as error:
            raise ConfigurationError(
                f"estimator {self.name!r} has none of the tags that scikit-learn's pipelines ask for: derive it "
                "from sklearn.base.ClassifierMixin or RegressorMixin, and BaseEstimator"
            ) from error


def _seeded(family: type, seed: int, parameters: Mapping[str, Any]) -> dict[str, int]:
    if any(name in parameters for name in _SEEDS):
        return {}
    known, _ = _keywords(family)
    return next(({name: seed} for name in _SEEDS if name in known), {})


def _keywords(family: type) -> tuple[set[str], bool]:
    """Return what the constructor takes, and whether it takes any keyword; then its bases count, too."""
    names: set[str] = set()
    for base in family.__mro__:
        constructor = base.__dict__.get("__init__")
        if constructor is None:
            continue
        try:
            parameters = inspect.signature(constructor).parameters.values()
        except (TypeError, ValueError):
            return names, True
        names |= {
            parameter.name
            for parameter in parameters
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        } - {"self"}
        if not any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters):
            return names, False
    return names, True


def _wants_numbered_classes(family: type) -> bool:
    """Return whether a class is a classifier of XGBoost or CatBoost, see `LabelledClassifier`."""
    libraries = {base.__module__.partition(".")[0] for base in family.__mro__}
    return bool(libraries & {"xgboost", "catboost"}) and callable(
        getattr(family, "predict_proba", None)
    )
