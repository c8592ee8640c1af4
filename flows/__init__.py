"""Compositions of the tasks: training, scoring and monitoring.

| flow | does |
| --- | --- |
| `train` | from rows to a champion, or to the reasons why not |
| `score` | scores a dataset with the champion and logs every prediction |
| `label` | attaches labels that have become known |
| `monitor` | from a window of predictions to a decision, and to a request for retraining |
"""

from .monitoring import monitor
from .scoring import label, score
from .training import train

__all__ = ["label", "monitor", "score", "train"]
