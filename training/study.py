"""A resumable Optuna study: the same trials, killed and resumed or not, one at a time or many at once.

Three things make it so. Every trial has a sampler of its own, seeded by the study's seed and the trial's
number. Trial n is chosen, and stopped early, by the results of the trials up to n - `ahead` alone,
which are finished whatever finishes first: the sampler sees a copy of the study in memory that is told
of them in order. And a trial is written to the database with its parameters when it begins, so that
one that a killed process left behind is run again as it was.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState

from ..core.errors import ConfigurationError
from ..core.settings import TaskType, TrainingSettings
from ..data.schema import FeatureType
from .best_trial import best_trial, stagnant
from .cross_validation import TrialScore
from .declared_recipes import StartTrial, choose
from .declared_spaces import refuse_unknown
from .pruning import cutoffs
from .recipes import find_recipe
from .samplers import check_grid, check_sampler, make_sampler
from .search_spaces import default_parameters
from .study_database import database_errors, open_storage
from .trial_records import ERROR, ESTIMATOR, PARAMETERS, SECONDS, Start, record, score_of, tell_view

_ENDED = "ended"
_STARTS = "starts"
_SAMPLER = "sampler"


class PersistentStudy:
    """A study kept in a database.

    Args:
        url: SQLAlchemy URL of the database. None: kept in memory.
        name: Name of the study.
        settings: Estimators, trials, seed and search.
        task: Task type.
        metric: Metric, for whoever looks for earlier studies. Empty: unknown.
        feature_types: Input column to feature type.
        steps: Means that a finished trial reports: folds, or rungs of rows.
        starts: Called when the study is new: what to try after the defaults of each estimator.

    Raises:
        ConfigurationError: If an estimator, a declared parameter or what a sampler needs cannot be found.
        WorkspaceUnavailable: If the database cannot be read or written, also by its methods.
    """

    def __init__(
        self,
        url: str | None,
        name: str,
        *,
        settings: TrainingSettings,
        task: TaskType,
        metric: str = "",
        feature_types: Mapping[str, FeatureType],
        steps: int | None = None,
        starts: Callable[[], list[Start]] = list,
    ) -> None:
        self._settings, self._search = settings, settings.search
        self._task: TaskType = task
        self._feature_types = feature_types
        self._steps = steps or settings.folds
        for estimator in settings.estimators:
            find_recipe(estimator)
        refuse_unknown(self._search.spaces, settings.estimators, "training.estimators", "estimator")
        check_sampler(self._search, settings.estimators)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # A declared parameter that no recipe asks for is refused here, before any trial.
        self._starts = [self._moved(name, {}) for name in settings.estimators]
        self._url = url
        self._storage = open_storage(url)
        try:
            self._begin(name, task, metric, starts)
        except BaseException:
            self.close()
            raise

    def _begin(
        self, name: str, task: TaskType, metric: str, starts: Callable[[], list[Start]]
    ) -> None:
        with database_errors(self._url):
            self._study = optuna.create_study(
                study_name=name, storage=self._storage, load_if_exists=True
            )
            attributes = self._study.user_attrs
        if _STARTS not in attributes:
            moved = [self._moved(*start) for start in starts()]
            found = [list(start) for start in moved if start not in self._starts]
            with database_errors(self._url):
                for key, value in ((_STARTS, found), ("task", task), ("metric", metric)):
                    self._study.set_user_attr(key, value)
                attributes = self._study.user_attrs
        self._starts += [(estimator, values) for estimator, values in attributes[_STARTS]]
        self._over = bool(attributes.get(_ENDED))
        self._view = optuna.create_study()
        self._told = 0
        with database_errors(self._url):
            self._trials = self._study.get_trials()
        self._left = [trial for trial in self._trials if trial.state == TrialState.RUNNING]
        for key, value in attributes.get(_SAMPLER, {}).items():
            self._view._storage.set_study_system_attr(self._view._study_id, key, value)
        for trial in self._trials:
            begun = copy.copy(trial)
            begun.state, begun.values, begun.datetime_complete = TrialState.RUNNING, None, None
            begun.intermediate_values = {}
            self._view._storage.create_new_trial(self._view._study_id, begun)

    @property
    def begun(self) -> list[FrozenTrial]:
        """Trials that finished or are running, in order."""
        return list(self._trials)

    @property
    def finished(self) -> list[tuple[int, str, dict[str, Any], TrialScore]]:
        """Numbers, estimators, parameters and scores of the trials that finished."""
        return [
            (
                trial.number,
                trial.user_attrs[ESTIMATOR],
                dict(trial.user_attrs[PARAMETERS]),
                score_of(trial),
            )
            for trial in self._trials
            if trial.state.is_finished()
        ]

    @property
    def seconds(self) -> float:
        """Time that finished trials took, seconds."""
        return sum(float(trial.user_attrs.get(SECONDS, 0.0)) for trial in self._trials)

    @property
    def ready(self) -> bool:
        """Whether the results that the next trial is chosen by are there."""
        return bool(self._left) or all(
            trial.state.is_finished() for trial in self._seen(len(self._trials))
        )

    @property
    def ended(self) -> bool:
        """Whether there is no trial left to run. Ask when it is `ready`."""
        if self._left:
            return False
        number = len(self._trials)
        if self._over or number >= self._settings.trials:
            return True
        patience = self._search.patience
        return patience is not None and stagnant(self._seen(number), patience)

    def end(self) -> None:
        """Begin no further trial, in this process or a later one."""
        self._over = True
        with database_errors(self._url):
            self._study.set_user_attr(_ENDED, True)

    def close(self) -> None:
        """Close the database."""
        if isinstance(self._storage, optuna.storages.RDBStorage):
            self._storage.remove_session()
            self._storage.engine.dispose()

    def ask(self) -> tuple[FrozenTrial, str, dict[str, Any]] | None:
        """Begin a trial, or go on with one that a killed process left behind.

        The first trials are the defaults of each estimator, in the order of the configuration, then what
        the study was given to start with.

        Returns:
            The trial, its estimator and its hyperparameters. None: a grid has no others, and the study
            has ended.
        """
        if self._left:
            trial = self._left.pop(0)
        else:
            trial = self._next(len(self._trials))
            if trial is None:
                self.end()
                return None
            with database_errors(self._url):
                written = self._storage.create_new_trial(self._study._study_id, trial)
            trial._trial_id = written
            self._trials.append(trial)
        return trial, trial.user_attrs[ESTIMATOR], dict(trial.user_attrs[PARAMETERS])

    def cutoffs(self, number: int) -> list[float]:
        """Return, for every step but the last, the mean above which a trial stops.

        Args:
            number: Number of the trial. The defaults never stop: others are compared with them.
        """
        if number < len(self._settings.estimators):
            return []
        seed = self._settings.seed
        return cutoffs(self._search, self._seen(number), number, self._steps, seed)

    def tell(self, trial: FrozenTrial, score: TrialScore) -> None:
        """End a trial."""
        with database_errors(self._url):
            record(self._storage, trial, score)
        self._trials[trial.number] = trial

    def best(self) -> tuple[str, dict[str, Any], float]:
        """Return estimator, hyperparameters and score of the recipe to fit, see `best_trial`.

        Raises:
            ConfigurationError: If every trial failed.
        """
        complete = [trial for trial in self._trials if trial.state == TrialState.COMPLETE]
        if not complete:
            errors = [
                str(trial.user_attrs[ERROR]) for trial in self._trials if ERROR in trial.user_attrs
            ]
            raise ConfigurationError(
                f"all {len(errors)} trials failed, the first with {errors[0] if errors else 'no error'}"
                ". Look at training.estimators and at the rows"
            )
        best = best_trial(complete, len(self._settings.estimators))
        attributes = best.user_attrs
        return attributes[ESTIMATOR], dict(attributes[PARAMETERS]), float(best.value or 0.0)

    def count(self, state: TrialState) -> int:
        """Return the number of trials in a state."""
        return sum(trial.state == state for trial in self._trials)

    def _seen(self, number: int) -> list[FrozenTrial]:
        return self._trials[: max(0, number - self._search.ahead + 1)]

    def _moved(self, estimator: str, values: Mapping[str, Any]) -> Start:
        values = {**default_parameters(estimator, self._task), **values}
        start = StartTrial({f"{estimator}.{name}": value for name, value in values.items()})
        self._choose(start, estimator)
        if self._search.sampler == "grid":
            check_grid(start.endless)
        return estimator, start.params

    def _choose(self, trial: Any, estimator: str) -> dict[str, Any]:
        with warnings.catch_warnings():
            # Choices may be of any type here: they are stored and read by this class alone.
            warnings.simplefilter("ignore", UserWarning)
            return choose(
                trial,
                estimator,
                self._search.spaces,
                task=self._task,
                feature_types=self._feature_types,
                seed=self._settings.seed,
            )

    def _next(self, number: int) -> FrozenTrial | None:
        for trial in self._seen(number)[self._told :]:
            tell_view(self._view, trial)
            self._told += 1
        settings = self._settings
        self._view.sampler = make_sampler(self._search, settings.seed, number, settings.trials)
        if number < len(self._starts):
            estimator, values = self._starts[number]
            self._view.enqueue_trial({ESTIMATOR: estimator, **values})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            trial = self._view.ask()
            estimator = trial.suggest_categorical(ESTIMATOR, settings.estimators)
            parameters = self._choose(trial, estimator)
        # A grid that has no other point left gives one again.
        known = self._search.sampler == "grid" and number >= len(self._starts)
        if known and any(other.params == trial.params for other in self._trials):
            return None
        found = self._view._storage.get_trial(trial._trial_id)
        begun = copy.deepcopy(found)
        begun.user_attrs = {ESTIMATOR: estimator, PARAMETERS: parameters}
        self._keep_sampler()
        return begun

    def _keep_sampler(self) -> None:
        """Keep what a sampler remembers of the whole study, such as the parents of a generation."""
        kept = self._view._storage.get_study_system_attrs(self._view._study_id)
        with database_errors(self._url):
            if kept != self._study.user_attrs.get(_SAMPLER, {}):
                self._study.set_user_attr(_SAMPLER, kept)
