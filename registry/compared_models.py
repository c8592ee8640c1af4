"""Finds the models that steps are given: candidates, versions, or what a URI names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..blocks.model_registry import ModelRegistry
from ..core.errors import ConfigurationError, ModelUnavailable
from ..core.results import Candidate, ModelVersion
from ..core.settings import default_metric
from ..core.tags import PROFILE_URI
from .references import reference_of
from .versions import find_version, get_version

if TYPE_CHECKING:
    import pandas as pd

    from ..core.settings import Columns, TaskType
    from ..data.training_cutoff import Cutoff
    from ..models.predictor import Predictor

_URI = re.compile(r"models:/[^/]+|models:/[^/]+/\d+|runs:/[^/]+/.+")


@dataclass(frozen=True)
class NamedModel:
    """A model that a step was given.

    Attributes:
        uri: Where it is, as MLflow understands it.
        label: What it is called in a sentence.
        origin: The candidate or version; None for a model that is neither.
        expected: What a promotion calls it: its version in this registry, else its URI.
    """

    uri: str
    label: str
    origin: Candidate | ModelVersion | None
    expected: str

    @property
    def version(self) -> ModelVersion | None:
        """The version, if it is one."""
        return self.origin if isinstance(self.origin, ModelVersion) else None

    def served_up_to(self) -> Cutoff:
        """Return the end of what is served in its name was fitted on. Raises as `cutoff_of` does."""
        from ..data.training_cutoff import Cutoff

        if isinstance(self.origin, Candidate):
            return Cutoff(self.origin.cutoff, self.origin.cutoff_row)
        return self.fitted_up_to()

    def fitted_up_to(self) -> Cutoff:
        """Return the end of what it was fitted on itself; a candidate never saw its holdout.

        Raises:
            DataRejected: If a version's tag cannot be read.
        """
        from ..data.training_cutoff import Cutoff, cutoff_of

        return cutoff_of(self.origin) if isinstance(self.origin, ModelVersion) else Cutoff()


def named_model(
    registry: ModelRegistry, model: Candidate | ModelVersion | str, name: str = "candidate"
) -> NamedModel:
    """Find a model.

    Args:
        registry: Where runs and models are kept.
        model: A candidate, of which the evaluated model is meant; a version; or a URI:
            `models:/name/3`, `models:/name@alias`, `models:/id` or `runs:/id/path`.
        name: What an error calls it.

    Returns:
        The model. The tags of a version are those of now.

    Raises:
        ConfigurationError: If it is none of these.
        ModelUnavailable: If there is no such version or alias.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    if isinstance(model, Candidate):
        uri = model.evaluated_uri
        return NamedModel(uri, "the candidate", model, expected=uri)
    if isinstance(model, ModelVersion):
        return of_version(registry, get_version(registry, model.version, name=model.name))
    if not isinstance(model, str) or not _URI.fullmatch(model):
        raise ConfigurationError(
            f"{name} is {model!r}: give a Candidate, a ModelVersion, or a URI such as 'models:/calls/3', "
            "'models:/calls@champion' or 'runs:/<run id>/model'"
        )
    found = version_of_uri(registry, model)
    if found is not None:
        return of_version(registry, found)
    return NamedModel(model, model, None, expected=model)


def version_of_uri(registry: ModelRegistry, uri: str) -> ModelVersion | None:
    """Return the version that a URI names, None for a URI of something else.

    Args:
        registry: Where runs and models are kept.
        uri: `models:/name/version`, `models:/name@alias`, or another one.

    Raises:
        ModelUnavailable: If there is no such version or alias.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    kind, _, path = uri.partition(":/")
    name, _, number = path.partition("/")
    if kind != "models":
        return None
    if number:
        return get_version(registry, number, name=name)
    name, _, alias = name.rpartition("@")
    if not name:
        return None
    found = find_version(registry, alias, name=name)
    if found is None:
        raise ModelUnavailable(f"{uri} cannot be found: {name} has no alias {alias!r}")
    return found


def of_version(registry: ModelRegistry, version: ModelVersion) -> NamedModel:
    """Return a version that was just read from MLflow as a model that is named."""
    own = version.name == registry.model_name
    label = f"version {version.version}" if own else version.uri
    return NamedModel(version.uri, label, version, expected=version.version if own else version.uri)


def load_named(
    registry: ModelRegistry,
    model: NamedModel,
    rows: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    foreign: bool | None = None,
) -> Predictor:
    """Load a model. Raises as `ModelRegistry.load_on_rows` does.

    Args:
        registry: Where runs and models are kept.
        model: The model.
        rows: Rows that it will score.
        columns: What each of their columns is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        foreign: Whether it may be one that other code logged and nobody adopted. None: if it is no candidate.
    """
    if isinstance(model.origin, Candidate) if foreign is None else not foreign:
        return registry.load_model(model.uri, task_type)
    return registry.load_on_rows(model.uri, rows, columns=columns, task_type=task_type)


def importance_of(
    registry: ModelRegistry,
    model: NamedModel,
    predictor: Predictor,
    rows: pd.DataFrame,
    target: str,
    *,
    seed: int,
) -> dict[str, float]:
    """Return each column's share of a model's importance: the one it was logged with, or one measured on rows.

    Raises:
        DataRejected: If the model cannot score the rows.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    import numpy as np

    from ..models.evaluation import own_labels
    from ..models.importance import permutation_importance

    if isinstance(model.origin, Candidate):
        return model.origin.importance
    if model.version is not None and PROFILE_URI in model.version.tags:
        try:
            return reference_of(registry, model.version).importance
        except ModelUnavailable:
            # Measured below: it is not worth losing the checks for.
            pass
    truth = np.asarray(own_labels(predictor, rows, target))
    metric = default_metric(predictor.task_type)
    return permutation_importance(
        predictor, predictor.prepare(rows), truth, metric=metric, seed=seed
    )
