"""Compositions of the tasks: training, scoring and monitoring.

| flow | does |
| --- | --- |
| `adopt` | takes a model into service that was trained elsewhere |
| `backtest` | what would have become of history under several policies |
| `card` | writes the model card of a version |
| `readiness` | scores a project by the 28 tests of the ML Test Score |
| `train` | from rows to a champion, or to the reasons why not |
| `score` | scores a dataset with the champion and logs every prediction |
| `label` | attaches labels that have become known |
| `watch_canary` | from what champion and challenger predicted to a promotion, a withdrawal or neither |
| `monitor` | from a window of predictions to a decision, and to a request for retraining |
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adoption import adopt
    from .backtesting import backtest
    from .canary import watch_canary
    from .evidence import card, readiness
    from .monitoring import monitor
    from .scoring import label, score
    from .training import train

__all__ = [
    "adopt",
    "backtest",
    "card",
    "label",
    "monitor",
    "readiness",
    "score",
    "train",
    "watch_canary",
]

_HOMES = {
    "adopt": "adoption",
    "backtest": "backtesting",
    "card": "evidence",
    "label": "scoring",
    "monitor": "monitoring",
    "readiness": "evidence",
    "score": "scoring",
    "train": "training",
    "watch_canary": "canary",
}


def __getattr__(name: str) -> Any:
    # Prefect makes a form's schema of every flow when it is defined: only of those that are used.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
