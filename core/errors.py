"""Every exception this package raises on purpose.

A verdict is a result; an exception here means that no verdict was possible. Each message names
what was found, what was expected and what to do next.

| exception | raised when |
| --- | --- |
| `ConfigurationError` | a setting, URI or combination of settings cannot work |
| `SourceUnavailable` | rows could not be read: missing file, unreachable database, wrong format |
| `DataRejected` | rows were read but must not be trained on or scored |
| `ModelUnavailable` | a registered model does not load or has no such version |
| `ChampionChanged` | the champion moved between comparison and promotion |
| `LogUnavailable` | the prediction log cannot be reached or answered with an error |
| `LogOutdated` | the prediction log was written by another version of the package |
| `RegistryUnavailable` | MLflow cannot be reached or answered with an error |
| `OrchestratorUnavailable` | the Prefect API cannot be reached or refused an event |
| `WorkspaceUnavailable` | the project's workspace cannot be written or read |
| `NotificationFailed` | a notifier of the user's raised, or says that nobody was told |
"""


class MLOpsError(Exception):
    """Base of every exception this package raises on purpose."""


class ConfigurationError(MLOpsError, ValueError):
    """A setting, URI or combination of settings cannot work.

    It is a `ValueError` too, so that pydantic validators may raise it.
    """


class SourceUnavailable(MLOpsError):
    """Rows could not be read from a dataset's source."""


class DataRejected(MLOpsError):
    """Rows were read, but must not be trained on or scored.

    Attributes:
        column: The column at fault, or None when it is not one column.
    """

    def __init__(self, message: str, *, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


class ModelUnavailable(MLOpsError):
    """A registered model does not load, or has no such version."""


class ChampionChanged(MLOpsError):
    """The champion moved between the comparison and the promotion."""


class LogUnavailable(MLOpsError):
    """The prediction log cannot be reached, or answered with an error."""


class LogOutdated(LogUnavailable):
    """The prediction log was written by another version of the package."""


class RegistryUnavailable(MLOpsError):
    """MLflow cannot be reached, or answered with an error."""


class OrchestratorUnavailable(MLOpsError):
    """The Prefect API cannot be reached, or refused what was asked."""


class WorkspaceUnavailable(MLOpsError):
    """The project's workspace cannot be written or read."""


class NotificationFailed(MLOpsError):
    """A notifier of the user's raised, or says that nobody was told."""
