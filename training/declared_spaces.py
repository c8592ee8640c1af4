"""Hyperparameters from a declared search space: a mapping, as JSON has it, asked of an Optuna trial.

Self-contained: any trial that can suggest will do, and any mapping from parameter to its space.

| key | of | means |
| --- | --- | --- |
| `type` | all | `float`, `int` or `categorical` |
| `low`, `high` | numbers | smallest and largest value |
| `log` | numbers | whether to sample on a logarithmic scale |
| `step` | numbers | distance between values |
| `choices` | `categorical` | the values; a single one fixes the parameter |
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ..core.errors import ConfigurationError
from ..core.settings.search import ParameterSpace

Space = Mapping[str, ParameterSpace | Mapping[str, Any]]


def suggest_declared(trial: Any, space: Space) -> dict[str, Any]:
    """Let a trial choose every parameter of a declared space.

    Args:
        trial: Optuna's trial, or one that suggests like it.
        space: Parameter to its space.

    Returns:
        Parameter to value, in the order of the space.

    Raises:
        ConfigurationError: If a space is not one.

    Example:
        >>> from optuna.trial import FixedTrial
        >>> space = {"depth": {"type": "int", "low": 2, "high": 8}}
        >>> suggest_declared(FixedTrial({"depth": 3}), space)
        {'depth': 3}
    """
    return {name: suggest_one(trial, name, as_space(name, found)) for name, found in space.items()}


def suggest_one(trial: Any, name: str, space: ParameterSpace) -> Any:
    """Let a trial choose one parameter.

    Args:
        trial: Optuna's trial, or one that suggests like it.
        name: Name of the parameter.
        space: Its space.
    """
    if space.type == "categorical":
        return trial.suggest_categorical(name, space.choices)
    if space.type == "int":
        low, high, step = int(space.low or 0), int(space.high or 0), int(space.step or 1)
        return trial.suggest_int(name, low, high, step=step, log=space.log)
    return trial.suggest_float(name, space.low, space.high, step=space.step, log=space.log)


def as_space(name: str, space: ParameterSpace | Mapping[str, Any]) -> ParameterSpace:
    """Return the space of a parameter, checked.

    Raises:
        ConfigurationError: If it is not one; the message names the parameter and the key.
    """
    if isinstance(space, ParameterSpace):
        return space
    try:
        return ParameterSpace.model_validate(space)
    except (ValidationError, TypeError, ValueError) as error:
        said = str(error)
        if isinstance(error, ValidationError):
            said = "; ".join(
                f"{'.'.join(map(str, found['loc']))} {found['msg'].removeprefix('Value error, ')}".strip()
                for found in error.errors()
            )
        raise ConfigurationError(f"search space of {name!r}: {said}") from error


def within(space: ParameterSpace, value: Any) -> Any:
    """Return the value of a space that is nearest to a given one: the first choice, or `low`, if none is near.

    Example:
        >>> within(ParameterSpace(type="int", low=50, high=90, step=20), 100)
        90
    """
    if space.type == "categorical":
        return nearest_choice(space.choices, value)
    low, high = space.low or 0.0, space.high or 0.0
    number = min(max(float(value), low), high) if _is_number(value) else low
    if space.step:
        # In decimals, as Optuna's grid counts: 0.3 + 2 * 0.3 is no 0.9 in binary.
        least, most, step, near = (Decimal(str(x)) for x in (low, high, space.step, number))
        number = least + min(round((near - least) / step), (most - least) // step) * step
    return round(number) if space.type == "int" else float(number)


def nearest_choice(choices: Sequence[Any], value: Any) -> Any:
    """Return the choice that equals a value, else the nearest number, else the first choice.

    Booleans are no numbers here: `True` is not 1.

    Example:
        >>> nearest_choice([0.001, 1, 10], 1.0), nearest_choice(["sqrt", 0.3, 0.6], 1.0)
        (1, 0.6)
    """
    for choice in choices:
        if choice == value and isinstance(choice, bool) == isinstance(value, bool):
            return choice
    numbers = [choice for choice in choices if _is_number(choice)]
    if not _is_number(value) or not numbers:
        return choices[0]
    return min(numbers, key=lambda number: abs(number - value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def refuse_unknown(
    names: Iterable[str], known: Iterable[str], owner: str, what: str = "parameter"
) -> None:
    """Refuse names that are not known, with the nearest known one.

    Args:
        names: What was given.
        known: What there is.
        owner: Whose they are, for the message: `estimator 'linear'`.
        what: What they are, for the message.

    Raises:
        ConfigurationError: If one is unknown.

    Example:
        >>> refuse_unknown(["learn_rate"], ["learning_rate"], "estimator 'boost'")
        Traceback (most recent call last):
        ...
        prefect_mlops.core.errors.ConfigurationError: estimator 'boost' has no parameter 'learn_rate': did you mean 'learning_rate'? It has ['learning_rate']
    """
    there = sorted(known)
    for name in names:
        if name not in there:
            near = difflib.get_close_matches(name, there, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(f"{owner} has no {what} {name!r}: {hint}It has {there}")
