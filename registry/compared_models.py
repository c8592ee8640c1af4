"""Finds the models that steps are told to look at: candidates, versions, or whatever a URI names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..blocks.model_registry import ModelRegistry
from ..core.errors import ConfigurationError, ModelUnavailable
from ..core.results import Candidate, ModelVersion
from .versions import find_version, get_version

if TYPE_CHECKING:
    from ..data.training_cutoff import Cutoff

_URI = re.compile(r"models:/[^/]+|models:/[^/]+/\d+|runs:/[^/]+/.+")


@dataclass(frozen=True)
class NamedModel:
    """A model that somebody named.

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
    found = _version_of_uri(registry, model)
    if found is not None:
        return of_version(registry, found)
    return NamedModel(model, model, None, expected=model)


def _version_of_uri(registry: ModelRegistry, uri: str) -> ModelVersion | None:
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
