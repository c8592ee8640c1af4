"""Optuna's samplers by name, each seeded for one trial."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterable

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning

from ..core.errors import ConfigurationError
from ..core.settings import SearchSettings

# They model the parameters that every trial has: with several estimators, no parameter is one of those.
_OF_ONE_ESTIMATOR = ("cmaes", "gp", "nsga2")


def check_sampler(search: SearchSettings, estimators: list[str]) -> None:
    """Refuse a sampler that cannot work here.

    Args:
        search: Names the sampler.
        estimators: Estimators to choose from.

    Raises:
        ConfigurationError: If a package is missing, or the sampler cannot search several estimators.
    """
    name = search.sampler
    if name in _OF_ONE_ESTIMATOR and len(estimators) > 1:
        raise ConfigurationError(
            f"search.sampler {name!r} searches the parameters of one estimator, training.estimators has "
            f"{estimators}: name one, or take 'tpe'"
        )
    if name == "gp" and importlib.util.find_spec("torch") is None:
        raise ConfigurationError(
            "search.sampler 'gp' needs torch, which is not installed: pip install torch, or take 'tpe'"
        )


def make_sampler(
    search: SearchSettings, seed: int, number: int, trials: int
) -> optuna.samplers.BaseSampler:
    """Return the sampler of one trial.

    A sampler of its own, seeded by the study's seed and the trial's number, needs no generator whose state
    would die with the process.

    Args:
        search: Names the sampler.
        seed: Seed of the study.
        number: Number of the trial.
        trials: Trials of the study.
    """
    seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    startup = min(10, max(5, trials // 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        match search.sampler:
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "grid":
                # Optuna's GridSampler wants one flat space; every estimator has its own.
                return optuna.samplers.BruteForceSampler(seed=seed)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup)
            case "nsga2":
                # Several generations, however few the trials are.
                population = max(4, min(50, trials // 5))
                return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
            case "tpe":
                return optuna.samplers.TPESampler(
                    seed=seed,
                    n_startup_trials=startup,
                    # Trials that are still running lie near each other without it.
                    constant_liar=search.ahead > 1,
                )


def check_grid(endless: Iterable[tuple[str, float, float]]) -> None:
    """Refuse parameters that a grid cannot enumerate.

    Args:
        endless: Floats without a step, by the trial's names, with their ends.

    Raises:
        ConfigurationError: If there is one.
    """
    for name, low, high in endless:
        estimator, _, parameter = name.rpartition(".")
        raise ConfigurationError(
            f"search.sampler 'grid' cannot enumerate {parameter!r} of {estimator!r}, any float in "
            f"[{low:g}, {high:g}]: declare choices or a step in search.spaces"
        )
