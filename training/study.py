"""A resumable Optuna study: killed and resumed, it gives the same trials.

Two things make it so. Every trial has a sampler of its own, seeded by the study's seed and the number
of trials before it, instead of one generator whose state dies with the process. And a trial that a
killed process left behind is marked as interrupted, and counts as never begun.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from ..core.errors import ConfigurationError
from ..core.settings import TaskType
from ..data.schema import FeatureType
from .cross_validation import TrialScore
from .recipes import find_recipe, suggest
from .search_spaces import default_parameters

_ESTIMATOR = "estimator"
_INTERRUPTED = "interrupted"
_ENDED = "ended"
_ERROR = "error"
_SECONDS = "seconds"
# A median of fewer says little.
_TRIALS_BEFORE_PRUNING = 5


class PersistentStudy:
    """A study kept in a database.

    Args:
        url: SQLAlchemy URL of the database.
        name: Name of the study.
        estimators: Estimators to choose from.
        task: Task type.
        feature_types: Input column to feature type.
        seed: Seed of sampler and estimators.
        trials: Trials to run.

    Raises:
        ConfigurationError: If an estimator cannot be found.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        estimators: list[str],
        task: TaskType,
        feature_types: Mapping[str, FeatureType],
        seed: int,
        trials: int,
    ) -> None:
        for estimator in estimators:
            find_recipe(estimator)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._estimators = estimators
        self._task: TaskType = task
        self._feature_types = feature_types
        self._seed = seed
        self._trials = trials
        storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
        self._study = optuna.create_study(study_name=name, storage=storage, load_if_exists=True)
        for left in self._study.get_trials(
            deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)
        ):
            storage.set_trial_user_attr(left._trial_id, _INTERRUPTED, True)
            storage.set_trial_state_values(left._trial_id, TrialState.FAIL)

    @property
    def begun(self) -> list[FrozenTrial]:
        """Trials that finished or are running, without the interrupted ones, in order."""
        trials = self._study.get_trials(deepcopy=False)
        return [trial for trial in trials if not trial.user_attrs.get(_INTERRUPTED)]

    @property
    def seconds(self) -> float:
        """Time that finished trials took, seconds."""
        return sum(float(trial.user_attrs.get(_SECONDS, 0.0)) for trial in self.begun)

    @property
    def ended(self) -> bool:
        """Whether there is no trial left to run."""
        return len(self.begun) >= self._trials or bool(self._study.user_attrs.get(_ENDED))

    def end(self) -> None:
        """Run no further trial, in this process or a later one."""
        self._study.set_user_attr(_ENDED, True)

    def ask(self) -> tuple[optuna.Trial, str, dict[str, Any]]:
        """Begin a trial.

        The first trials are the defaults of each estimator, in the order of the configuration.

        Returns:
            The trial, its estimator and its hyperparameters.
        """
        number = len(self.begun)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0]),
            n_startup_trials=min(10, max(5, self._trials // 4)),
        )
        if number < len(self._estimators):
            name = self._estimators[number]
            defaults = default_parameters(name, self._task)
            self._study.enqueue_trial(
                {_ESTIMATOR: name, **{f"{name}.{key}": value for key, value in defaults.items()}}
            )
        trial = self._study.ask()
        with warnings.catch_warnings():
            # Choices may be of any type here: they are stored and read by this class alone.
            warnings.simplefilter("ignore", UserWarning)
            estimator = trial.suggest_categorical(_ESTIMATOR, self._estimators)
            try:
                parameters = suggest(trial, estimator, self._task, self._feature_types, self._seed)
            except Exception as error:
                raise ConfigurationError(
                    f"recipe {estimator!r} failed: {type(error).__name__}: {error}"
                ) from error
        return trial, estimator, parameters

    def cutoffs(self) -> list[float]:
        """Return, for every fold, the mean above which a trial is worse than half of the others.

        The median rule of Optuna's `MedianPruner`, taken when a trial begins instead of while it runs,
        so that a trial can run on a worker that does not reach the study.
        """
        complete = [trial for trial in self.begun if trial.state == TrialState.COMPLETE]
        if len(complete) < _TRIALS_BEFORE_PRUNING:
            return []
        folds = min(len(trial.intermediate_values) for trial in complete)
        return [
            float(np.median([trial.intermediate_values[fold] for trial in complete]))
            for fold in range(folds)
        ]

    def tell(self, trial: optuna.Trial, score: TrialScore) -> None:
        """End a trial."""
        for fold, mean in enumerate(score.means):
            trial.report(mean, fold)
        trial.set_user_attr(_SECONDS, score.seconds)
        if score.error is not None:
            trial.set_user_attr(_ERROR, score.error)
            self._study.tell(trial, state=TrialState.FAIL)
        elif score.pruned:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, score.means[-1])

    def best(self) -> tuple[str, dict[str, Any], float]:
        """Return estimator, hyperparameters and score of the recipe to fit.

        The best trial, if it is better than scikit-learn's defaults by more than one standard error
        of the difference over the folds; else the defaults. The best of many trials is best partly
        by luck, and luck does not carry over to later rows.

        The one-standard-error rule: Breiman, Friedman, Olshen and Stone, Classification and
        Regression Trees, 1984, section 3.4.3.

        Raises:
            ConfigurationError: If every trial failed.
        """
        begun = self.begun
        complete = [trial for trial in begun if trial.state == TrialState.COMPLETE]
        if not complete:
            errors = [
                str(trial.user_attrs[_ERROR]) for trial in begun if _ERROR in trial.user_attrs
            ]
            raise ConfigurationError(
                f"all {len(errors)} trials failed, the first with {errors[0] if errors else 'no error'}"
                ". Look at training.estimators and at the rows"
            )
        best = min(complete, key=lambda trial: (trial.value, trial.number))
        defaults = [trial for trial in complete if trial.number < len(self._estimators)]
        if defaults:
            plain = min(defaults, key=lambda trial: (trial.value, trial.number))
            if not _clearly_better(best, plain):
                best = plain
        estimator = best.params[_ESTIMATOR]
        scope = f"{estimator}."
        parameters = {
            key.removeprefix(scope): value
            for key, value in best.params.items()
            if key.startswith(scope)
        }
        return estimator, parameters, float(best.value)  # pyright: ignore[reportArgumentType]

    def count(self, state: TrialState) -> int:
        """Return the number of trials in a state, without the interrupted ones."""
        return sum(trial.state == state for trial in self.begun)


def _clearly_better(trial: FrozenTrial, other: FrozenTrial) -> bool:
    folds = min(len(trial.intermediate_values), len(other.intermediate_values))
    gains = _fold_scores(other)[:folds] - _fold_scores(trial)[:folds]
    return bool(gains.mean() > gains.std(ddof=1) / np.sqrt(folds))


def _fold_scores(trial: FrozenTrial) -> np.ndarray:
    """Return the score of every fold: a trial reports the mean over its folds so far."""
    means = np.array(
        [trial.intermediate_values[fold] for fold in sorted(trial.intermediate_values)]
    )
    totals = means * np.arange(1, len(means) + 1)
    return np.diff(totals, prepend=0.0)
