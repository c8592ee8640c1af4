"""Prometheus metrics of the model server, beside MLServer's own metrics of requests.

| metric | labels | counts |
| --- | --- | --- |
| `prefect_mlops_server_version` | model, alias | version that is served; 0 when there is none, or it is no number |
| `prefect_mlops_server_refreshed_seconds` | model, alias | when the alias was last seen and served, seconds since 1970 |
| `prefect_mlops_server_refresh_failures_total` | model, alias | looks at an alias that failed |
| `prefect_mlops_server_predictions_total` | model, role | rows predicted |
| `prefect_mlops_server_refused_total` | model | requests refused with 4xx |
| `prefect_mlops_server_challenger_failures_total` | model, role | requests that the challenger could not predict |
| `prefect_mlops_server_shadow_skipped_total` | model | requests the shadow skipped because too many waited |
| `prefect_mlops_server_unlogged_total` | model, role | rows that could not be logged |
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge

_PREFIX = "prefect_mlops_server_"


# Prometheus refuses a name twice, and a server has several models, or loads one again.
@lru_cache
def _counter(name: str, help: str, *labels: str) -> Counter:
    from prometheus_client import Counter

    return Counter(f"{_PREFIX}{name}", help, ["model", *labels])


@lru_cache
def _gauge(name: str, help: str, *labels: str) -> Gauge:
    from prometheus_client import Gauge

    return Gauge(f"{_PREFIX}{name}", help, ["model", *labels])


class ServerMetrics:
    """The metrics of one served model.

    Args:
        model: Registered model's name.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._version = _gauge("version", "Version that is served.", "alias")
        self._seen = _gauge("refreshed_seconds", "When the alias was last served.", "alias")
        self._failures = _counter("refresh_failures", "Looks at an alias that failed.", "alias")
        self._predictions = _counter("predictions", "Rows predicted.", "role")
        self._refused = _counter("refused", "Requests refused.")
        self._challenger = _counter(
            "challenger_failures", "Requests that the challenger could not predict.", "role"
        )
        self._skipped = _counter("shadow_skipped", "Requests that the shadow skipped.")
        self._unlogged = _counter("unlogged", "Rows that could not be logged.", "role")

    def serving(self, champion: str, challenger: str | None) -> None:
        """Set the versions that are served."""
        for alias, version in (("champion", champion), ("challenger", challenger)):
            number = float(version) if version and version.isdecimal() else 0.0
            self._version.labels(self._model, alias).set(number)

    def refreshed(self, alias: str) -> None:
        """Note that an alias was seen and is served."""
        self._seen.labels(self._model, alias).set_to_current_time()

    def refresh_failed(self, alias: str) -> None:
        """Count a look at an alias that failed."""
        self._failures.labels(self._model, alias).inc()

    def predicted(self, role: str, rows: int) -> None:
        """Count rows."""
        self._predictions.labels(self._model, role).inc(rows)

    def refused(self) -> None:
        """Count a request that was refused."""
        self._refused.labels(self._model).inc()

    def challenger_failed(self, role: str) -> None:
        """Count a request that the challenger could not predict."""
        self._challenger.labels(self._model, role).inc()

    def shadow_skipped(self) -> None:
        """Count a request that the shadow skipped."""
        self._skipped.labels(self._model).inc()

    def unlogged(self, role: str, rows: int) -> None:
        """Count rows that could not be logged."""
        self._unlogged.labels(self._model, role).inc(rows)
