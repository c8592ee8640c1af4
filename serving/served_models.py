"""The served versions of a model: follows the registry's aliases and swaps versions atomically.

A new version is loaded beside the old one and tried on its input example first. Requests hold on to
the `ServedPair` that they began with. What goes wrong is said once in the log, counted, and tried
again, ever more rarely for a version that does not load: up to five minutes apart.

| what happens | champion | challenger |
| --- | --- | --- |
| the registry is away | the one that is loaded | the one that is loaded |
| the alias moves to a version that does not load | the one that is loaded | none |
| the alias is taken away | the one that is loaded | none |
| both aliases are on one version | that one | none |
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import MLOpsError, ModelUnavailable
from ..core.secret_text import scrubbed
from ..core.tags import CHALLENGER, CHAMPION
from ..models.mlflow_errors import mlflow_errors
from ..models.model_package import load_package
from ..models.predictor import Predictor
from .server_metrics import ServerMetrics
from .server_settings import ServerSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient


_log = logging.getLogger(__name__)
_MAX_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class ServedModel:
    """A loaded version."""

    version: str
    predictor: Predictor


@dataclass(frozen=True)
class ServedPair:
    """What is served at one moment.

    Attributes:
        champion: Answers.
        challenger: Answers a share of the requests, or predicts beside the champion. None when there
            is none, it does not load, or the settings do not want one.
    """

    champion: ServedModel
    challenger: ServedModel | None = None


def load_version(settings: ServerSettings, version: str) -> ServedModel:
    """Load a version and try it on its input example.

    Args:
        settings: Where from.
        version: Version of the registered model.

    Returns:
        The version, ready to predict.

    Raises:
        ModelUnavailable: If it does not load, is of another task type, or cannot score its example.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    tracking_uri, registry_uri = _uris(settings)
    name = f"version {version} of {settings.model_name}"
    with mlflow_errors(tracking_uri, registry_uri):
        package = load_package(
            f"models:/{settings.model_name}/{version}",
            tracking_uri=tracking_uri,
            registry_uri=registry_uri,
        )
    if settings.task_type not in (None, package.task_type):
        raise ModelUnavailable(
            f"{name} is a {package.task_type} model, but the settings say {settings.task_type}"
        )
    if package.example is None:
        raise ModelUnavailable(f"{name} has no input example to try it on")
    try:
        finite = bool(np.isfinite(package.predictor.predict(package.example)).all())
    except Exception as error:
        raise ModelUnavailable(
            f"{name} cannot score its input example: {type(error).__name__}: {error}"
        ) from error
    if not finite:
        raise ModelUnavailable(f"{name} scores its input example with something that is no number")
    return ServedModel(version, package.predictor)


def _uris(settings: ServerSettings) -> tuple[str, str | None]:
    registry = settings.registry_uri
    return (
        settings.tracking_uri.get_secret_value(),
        registry.get_secret_value() if registry else None,
    )


class ServedModels:
    """Follows the aliases of one registered model.

    Args:
        settings: Which model, and how often to look.
        metrics: Where versions and failures are counted.
        on_champion: Called once, from any thread, when the first champion is there.
    """

    def __init__(
        self,
        settings: ServerSettings,
        metrics: ServerMetrics,
        on_champion: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._on_champion = on_champion
        self._client: MlflowClient | None = None
        self._logged_reasons: dict[str, str] = {}
        self._broken: dict[str, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.current: ServedPair | None = None

    def refresh(self) -> None:
        """Look at the aliases once, and load what is new. Says what goes wrong, and never raises."""
        first = self.current is None
        champion = self._follow(CHAMPION, self.current.champion if self.current else None)
        if champion is None:
            return
        challenger = None
        if self._settings.wants_challenger:
            held = self.current.challenger if self.current else None
            challenger = self._follow(CHALLENGER, held)
            if challenger and challenger.version == champion.version:
                challenger = None
        # One assignment: a request sees the old pair or the new one.
        self.current = ServedPair(champion, challenger)
        self._metrics.serving(champion.version, challenger and challenger.version)
        if first:
            self._on_champion()

    def start(self) -> None:
        """Look at the aliases again and again, in a thread."""
        self._thread = threading.Thread(target=self._run, name="served-models", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking. What is loaded stays."""
        self._stop.set()
        if self._thread is not None:
            # It may be in the middle of a slow download, and nothing depends on its end.
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stop.wait(self._settings.refresh_seconds):
            self.refresh()

    def _follow(self, alias: str, held: ServedModel | None) -> ServedModel | None:
        try:
            version = self._version_of(alias)
        except Exception as error:
            self._failed(alias, self._reason(error), held)
            return held
        if version is None:
            kept = held if alias == CHAMPION else None
            if alias == CHAMPION:
                self._failed(alias, f"{self._settings.model_name} has no champion", kept)
            elif held:
                _log.info("%s: there is no challenger any more", self._settings.model_name)
            return kept
        if held and held.version == version:
            self._recovered(alias)
            return held
        fallback = held if alias == CHAMPION else None
        loaded = self._loaded(version)
        if loaded is None:
            failures, again = self._broken.get(version, (0, 0.0))
            if time.monotonic() < again:
                return fallback
            try:
                loaded = load_version(self._settings, version)
            except Exception as error:
                wait = min(self._settings.refresh_seconds * 2**failures, _MAX_WAIT_SECONDS)
                self._broken[version] = (failures + 1, time.monotonic() + wait)
                self._failed(alias, self._reason(error), fallback)
                return fallback
        self._broken.pop(version, None)
        self._recovered(alias)
        _log.info(
            "%s: version %s is the %s now, after %s",
            self._settings.model_name,
            version,
            alias,
            held.version if held else "none",
        )
        return loaded

    def _loaded(self, version: str) -> ServedModel | None:
        """Return a version that is loaded already: a challenger that was promoted, most often."""
        if self.current is not None:
            for model in (self.current.champion, self.current.challenger):
                if model is not None and model.version == version:
                    return model
        return None

    def _version_of(self, alias: str) -> str | None:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        tracking_uri, registry_uri = _uris(self._settings)
        with mlflow_errors(tracking_uri, registry_uri):
            if self._client is None:
                self._client = MlflowClient(tracking_uri, registry_uri)
            try:
                found = self._client.get_model_version_by_alias(self._settings.model_name, alias)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise
        return str(found.version)

    def _failed(self, alias: str, reason: str, kept: ServedModel | None) -> None:
        self._metrics.refresh_failed(alias)
        if self._logged_reasons.get(alias) != reason:
            self._logged_reasons[alias] = reason
            serving = (
                f"version {kept.version} goes on" if kept else f"there is no {alias} meanwhile"
            )
            _log.warning(
                "%s cannot follow its %s, %s: %s", self._settings.model_name, alias, serving, reason
            )

    def _reason(self, error: Exception) -> str:
        text = str(error) if isinstance(error, MLOpsError) else f"{type(error).__name__}: {error}"
        return scrubbed(text, *_uris(self._settings))

    def _recovered(self, alias: str) -> None:
        self._metrics.refreshed(alias)
        if self._logged_reasons.pop(alias, None) is not None:
            _log.info("%s follows its %s again", self._settings.model_name, alias)
