"""Recipes whose parameters are declared: narrowed, widened, fixed, or chosen by a function of the user's.

A recipe asks its trial for parameters. The trial it is given here answers from the declared space, and
passes on what is not declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.errors import ConfigurationError
from ..core.import_paths import load_function
from ..core.settings import ParameterSpace, TaskType
from ..data.schema import FeatureType
from .declared_spaces import (
    nearest_choice,
    refuse_unknown,
    suggest_declared,
    suggest_one,
    within,
)
from .estimator_classes import EstimatorClass
from .recipes import ScopedTrial, find_recipe, suggest

Spaces = Mapping[str, Mapping[str, ParameterSpace] | str]


class DeclaredTrial:
    """A trial that answers an estimator's recipe from its declared space.

    Args:
        trial: Optuna's trial.
        estimator: Name of the estimator; names of its parameters start with it.
        space: Parameter to space, or the import path of a function that gets the trial and returns
            parameters.

    Attributes:
        asked: Parameters that the recipe asked for, without the estimator's name, and their values.

    Raises:
        ConfigurationError: If the function cannot be loaded, raises, or returns something else.
    """

    def __init__(
        self, trial: Any, estimator: str, space: Mapping[str, ParameterSpace] | str
    ) -> None:
        self._trial = trial
        self._estimator = estimator
        self._space = {} if isinstance(space, str) else space
        self._chosen = _chosen(space, trial, estimator) if isinstance(space, str) else {}
        self.asked: dict[str, Any] = {}

    @property
    def declared(self) -> list[str]:
        """Parameters that are declared."""
        return [*self._space, *self._chosen]

    @property
    def params(self) -> dict[str, Any]:
        """Values by the trial's names."""
        return {f"{self._estimator}.{name}": value for name, value in self.asked.items()}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Ask for a float in `[low, high]`."""
        space = ParameterSpace(type="float", low=low, high=high, step=step, log=log)
        return self._answer(name, space, (int, float))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Ask for an integer in `[low, high]`."""
        # Optuna takes a step of 1 beside a logarithmic scale.
        space = ParameterSpace(type="int", low=low, high=high, step=None if log else step, log=log)
        return self._answer(name, space, (int,))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices."""
        return self._answer(name, choices, None)

    def _answer(
        self, name: str, asked: ParameterSpace | Sequence[Any], kinds: tuple[type, ...] | None
    ) -> Any:
        parameter = name.removeprefix(f"{self._estimator}.")
        if parameter in self._chosen:
            value = self._chosen[parameter]
            self._refuse_other(parameter, [value], kinds)
        elif parameter in self._space:
            space = self._space[parameter]
            ends = [int(space.low or 0) if space.type == "int" else space.low]
            self._refuse_other(parameter, space.choices or ends, kinds)
            value = suggest_one(self._trial, name, space)
        elif isinstance(asked, ParameterSpace):
            value = suggest_one(self._trial, name, asked)
        else:
            value = self._trial.suggest_categorical(name, asked)
        self.asked[parameter] = value
        return value

    def _refuse_other(
        self, parameter: str, values: Sequence[Any], kinds: tuple[type, ...] | None
    ) -> None:
        for value in values:
            if kinds and (isinstance(value, bool) or not isinstance(value, kinds)):
                wanted = "an int" if kinds == (int,) else "a number"
                raise ConfigurationError(
                    f"search.spaces gives {parameter!r} of {self._estimator!r} the "
                    f"{type(value).__name__} {value!r}: the estimator wants {wanted}"
                )


class StartTrial:
    """A trial that answers with given values, moved into the space that is asked for.

    Args:
        values: Values by the trial's names.

    Attributes:
        endless: Floats without a step that were asked for, with their ends.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._answers: dict[str, Any] = {}
        self.endless: list[tuple[str, float, float]] = []

    @property
    def params(self) -> dict[str, Any]:
        """Everything that was asked for, once any of it was given: the ends of one may depend on another."""
        return self._answers if any(name in self._values for name in self._answers) else {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Ask for a float in `[low, high]`."""
        if step is None and low < high:
            self.endless.append((name, low, high))
        return self._moved(name, ParameterSpace(type="float", low=low, high=high, step=step))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Ask for an integer in `[low, high]`."""
        return self._moved(name, ParameterSpace(type="int", low=low, high=high, step=step))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices."""
        self._answers[name] = nearest_choice(choices, self._values.get(name))
        return self._answers[name]

    def _moved(self, name: str, space: ParameterSpace) -> Any:
        self._answers[name] = within(space, self._values.get(name))
        return self._answers[name]


def choose(
    trial: Any,
    estimator: str,
    spaces: Spaces,
    *,
    task: TaskType,
    feature_types: Mapping[str, FeatureType],
    seed: int,
) -> dict[str, Any]:
    """Let a trial choose the parameters of an estimator.

    Args:
        trial: Optuna's trial.
        estimator: Name of the estimator.
        spaces: Estimator to its declared space.
        task: Task type.
        feature_types: Input column to feature type.
        seed: Seed of the estimator.

    Returns:
        Its hyperparameters.

    Raises:
        ConfigurationError: If the recipe fails, or a declared parameter is none that it asks for.
    """
    recipe, space = find_recipe(estimator), spaces.get(estimator, {})
    if isinstance(recipe, EstimatorClass):
        return _of_class(trial, recipe, space)
    try:
        asked = DeclaredTrial(trial, estimator, space)
        suggest(asked, estimator, task, feature_types, seed)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"recipe {estimator!r} failed: {type(error).__name__}: {error}"
        ) from error
    refuse_unknown(asked.declared, asked.asked, f"search.spaces: estimator {estimator!r}")
    return asked.asked


def _of_class(
    trial: Any, recipe: EstimatorClass, space: Mapping[str, ParameterSpace] | str
) -> dict[str, Any]:
    """Let a trial choose what a class is constructed with: all that is declared, and nothing else."""
    if isinstance(space, str):
        chosen = _chosen(space, trial, recipe.name)
    else:
        chosen = suggest_declared(ScopedTrial(trial, recipe.name), space)
    if recipe.parameters is not None:
        refuse_unknown(chosen, recipe.parameters, f"search.spaces: estimator {recipe.name!r}")
    return chosen


def _chosen(path: str, trial: Any, estimator: str) -> dict[str, Any]:
    function = load_function(path, "search space", "(trial) that returns parameters")
    try:
        chosen = function(ScopedTrial(trial, estimator))
    except Exception as error:
        raise ConfigurationError(
            f"search space {path!r} failed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(chosen, Mapping):
        raise ConfigurationError(
            f"search space {path!r} returned a {type(chosen).__name__}: expected parameters by name"
        )
    # A study keeps plain values.
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in chosen.items()
    }
