"""Settings of a project, written in Python, in JSON or in a form of the Prefect UI.

| settings | of |
| --- | --- |
| `Columns` | what each column of a dataset is for |
| `DataSettings` | data validation and splitting |
| `TrainingSettings` | estimators, hyperparameter optimisation and fitting |
| `DecisionSettings` | how probabilities are calibrated, and which label they lead to |
| `GateSettings` | what a candidate must pass before it is promoted |
| `MonitoringSettings` | drift, performance and the governor |
| `ScoringSettings` | which rows batch scoring refuses |
| `CanarySettings` | when a challenger on live traffic is promoted or withdrawn |

Unknown keys are errors everywhere. `None` means unbounded.
"""

from .base import Seconds, Settings, Share, TaskType
from .canary import CanarySettings
from .columns import Columns
from .data import DataSettings, ScoringSettings
from .decisions import ClassWeights, DecisionSettings
from .gates import DeepcheckSettings, GateSettings
from .monitoring import DriftThresholds, GovernorPolicy, MonitoringSettings, PerformanceThresholds
from .setup import Setup
from .sources import (
    CsvSource,
    FunctionSource,
    MongoSource,
    ParquetSource,
    PredictionsSource,
    Source,
    SqlSource,
)
from .training import TrainingSettings, default_metric

__all__ = [
    "CanarySettings",
    "ClassWeights",
    "Columns",
    "CsvSource",
    "DataSettings",
    "DecisionSettings",
    "DeepcheckSettings",
    "DriftThresholds",
    "FunctionSource",
    "GateSettings",
    "GovernorPolicy",
    "MongoSource",
    "MonitoringSettings",
    "ParquetSource",
    "PerformanceThresholds",
    "PredictionsSource",
    "ScoringSettings",
    "Seconds",
    "Settings",
    "Setup",
    "Share",
    "Source",
    "SqlSource",
    "TaskType",
    "TrainingSettings",
    "default_metric",
]
