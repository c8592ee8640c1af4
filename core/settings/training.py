"""Training settings: estimators, hyperparameter optimisation and fitting."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field

from ..import_paths import is_import_path
from .base import Seconds, Settings, TaskType
from .decisions import ClassWeights, DecisionSettings
from .features import FeatureStep, TypeName
from .search import SearchSettings


def default_metric(task: TaskType) -> str:
    """Return the metric to decide by when none is named: `log_loss` for classes, `rmse` for numbers."""
    return "rmse" if task == "regression" else "log_loss"


class TrainingSettings(Settings):
    """Estimators, hyperparameter optimisation and fitting."""

    unless_default: ClassVar[frozenset[str]] = frozenset(
        {"class_weights", "decisions", "features", "search", "trusted_types"}
    )

    estimators: list[str] = Field(
        default_factory=lambda: ["hist_gradient_boosting", "linear"],
        min_length=1,
        description="Estimators to choose from: `hist_gradient_boosting`, `random_forest`, `linear`, "
        "`lightgbm`, `xgboost`, `catboost`, or any other by `package.module:name`: a class with "
        "scikit-learn's interface, or a function that returns an estimator.",
        examples=[["hist_gradient_boosting"], ["sklearn.ensemble:ExtraTreesClassifier"]],
    )
    metric: str | None = Field(
        default=None,
        description="Metric to optimise, lower is better: `log_loss`, `brier`, `error_rate`, `rmse` or "
        "`mae`. None: `log_loss` for classes, `rmse` for numbers.",
    )
    trials: int = Field(default=20, ge=1, le=10_000, description="Trials of the study.")
    timeout_seconds: Seconds | None = Field(
        default=None, description="Longest time for the study, seconds. None: unbounded."
    )
    folds: int = Field(default=3, ge=2, le=20, description="Cross-validation folds.")
    parallel_trials: int = Field(
        default=1, ge=1, le=64, description="Trials to run at once, each a Prefect task run."
    )
    search: SearchSettings = Field(
        default_factory=SearchSettings,
        description="How a study looks for hyperparameters, for how long, and where its trials run.",
    )
    maximum_tuning_rows: int | None = Field(
        default=50_000,
        ge=100,
        description="Latest training rows that trials may use. None: all of them.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of splits, sampler and estimators.")
    refit: Literal["train", "all_rows"] | None = Field(
        default=None,
        description="What the served model is fitted on: the training rows, or, once the recipe passed "
        "every gate on the holdout, all rows; that needs rows in time order. Empty: all rows where there "
        "is a time order, else the training rows.",
    )
    promise_periods: int = Field(
        default=4,
        ge=0,
        le=20,
        description="Periods before the holdout, of its size, that the recipe is evaluated on too, each "
        "fitted on the rows before it: what is promised is the metric over all of them. Needs rows in "
        "time order.",
    )
    features: list[FeatureStep] = Field(
        default_factory=list,
        description="Steps of your own that make features, in their order. They run inside the model, before "
        "its preprocessor, are fitted on the training rows only, and are shipped with the model.",
        examples=[
            ["my_features:weekday", {"step": "my_features:Ratio", "parameters": {"of": "loan"}}]
        ],
    )
    trusted_types: list[TypeName] = Field(
        default_factory=list,
        description="Classes and functions beyond those of scikit-learn, NumPy, SciPy and the built-in "
        "estimators that a model may consist of, `package.module.Name`. Whoever loads the model runs them.",
        examples=[["my_features.Ratio", "lightgbm.sklearn.LGBMClassifier"]],
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description="What rows of a class count in fitting, beside `columns.weight`: class to a factor above "
        "0, 1 where none is named, or `balanced`, which gives every class the same sum. Probabilities move "
        "with it; `training.decisions.calibration` moves them back.",
        examples=["balanced", {"yes": 5}],
    )
    decisions: DecisionSettings = Field(
        default_factory=DecisionSettings,
        description="How probabilities are calibrated, and which label they lead to.",
    )

    @property
    def own_code(self) -> list[str]:
        """Import paths of what shapes a model and is not this package's: estimators, feature steps, spaces."""
        spaces = self.search.spaces.values()
        return [
            *(name for name in self.estimators if is_import_path(name)),
            *(step.step for step in self.features),
            *(space for space in spaces if isinstance(space, str)),
        ]

    def without_place(self) -> Self:
        """Return these settings as if trials ran one by one in the flow's process.

        Where they run and how many at once changes no result, so it counts in no key; but with
        `timeout_seconds` more at once are more trials. `search.ahead` and `search.threads_per_trial` change
        results, and stay.
        """
        search = self.search.model_copy(update={"runner": None, "runner_address": None})
        at_once = self.parallel_trials if self.timeout_seconds is not None else 1
        return self.model_copy(update={"parallel_trials": at_once, "search": search})
