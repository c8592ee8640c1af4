"""Saved configuration: what exists and how to reach it.

| block | says |
| --- | --- |
| `Dataset` | where rows come from and what each column is for |
| `ModelRegistry` | the MLflow tracking server and registry, and the model's name |
| `PredictionLog` | the database with predictions and journal |
| `MLProject` | one model's whole configuration: composes the others |

`Stores` is no block: registry, prediction log and workspace of one model, as one value for the steps.
"""

from .dataset import Dataset
from .model_registry import ModelRegistry
from .prediction_log import PredictionLog
from .project import MLProject
from .stores import Stores

__all__ = ["Dataset", "MLProject", "ModelRegistry", "PredictionLog", "Stores"]
