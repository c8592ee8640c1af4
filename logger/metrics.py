"""Prometheus metrics of the prediction loggers.

| metric | type | rows |
| --- | --- | --- |
| `prefect_mlops_predictions_logged_total` | counter | accepted |
| `prefect_mlops_predictions_written_total` | counter | accepted, and confirmed by the database |
| `prefect_mlops_predictions_spooled_total` | counter | accepted, and put on disk |
| `prefect_mlops_predictions_replayed_total` | counter | left by ended processes, written now |
| `prefect_mlops_predictions_dropped_total` | counter | refused with an exception, or given up |
| `prefect_mlops_predictions_pending` | gauge | accepted, and not in the database yet |
| `prefect_mlops_predictions_failing` | gauge | 1 while the latest try to write failed, else 0 |

All have one label, `model`; the loggers of one model in one process are added up. prometheus_client is
imported when the first logger is registered.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from .counters import Counters

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

_PREFIX = "prefect_mlops_predictions"
_COUNTERS = {
    "logged": "Predictions that were accepted.",
    "written": "Predictions that were accepted and confirmed by the database.",
    "spooled": "Predictions that were accepted and put on disk.",
    "replayed": "Predictions left by processes that ended, written now.",
    "dropped": "Predictions that were refused with an exception or given up.",
}
_collectors: WeakKeyDictionary[CollectorRegistry, _Collector] = WeakKeyDictionary()
_registering = threading.Lock()


class HasCounters(Protocol):
    """What has counters to show: a logger."""

    @property
    def model(self) -> str:
        """Registered model's name: the metrics' label."""
        ...

    def counters(self) -> Counters:
        """Return the counters as they are now."""
        ...


class _Collector:
    """One for each registry: it refuses the same metric from two."""

    def __init__(self) -> None:
        self.loggers: list[HasCounters] = []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found: defaultdict[str, list[Counters]] = defaultdict(list)
        for logger in list(self.loggers):
            found[logger.model].append(logger.counters())
        for name, text in _COUNTERS.items():
            counter = CounterMetricFamily(f"{_PREFIX}_{name}", text, labels=["model"])
            for model, counters in found.items():
                counter.add_metric([model], sum(getattr(each, name) for each in counters))
            yield counter
        pending = GaugeMetricFamily(
            f"{_PREFIX}_pending", "Predictions that are not in the database yet.", labels=["model"]
        )
        failing = GaugeMetricFamily(
            f"{_PREFIX}_failing", "Whether the latest try to write failed.", labels=["model"]
        )
        for model, counters in found.items():
            pending.add_metric([model], sum(each.pending for each in counters))
            failing.add_metric([model], any(each.last_error is not None for each in counters))
        yield pending
        yield failing


def register(logger: HasCounters, registry: CollectorRegistry | None = None) -> None:
    """Show a logger's counters to Prometheus for the rest of the process's life.

    Args:
        logger: Registering it again changes nothing.
        registry: None: prometheus_client's own.

    Example:
        >>> register(logger)  # doctest: +SKIP
    """
    from prometheus_client import REGISTRY

    chosen = REGISTRY if registry is None else registry
    with _registering:
        collector = _collectors.get(chosen)
        if collector is None:
            collector = _collectors[chosen] = _Collector()
            chosen.register(collector)
        if logger not in collector.loggers:
            collector.loggers.append(logger)
