"""Settings of a project, written in Python, in JSON or in a form of the Prefect UI.

| settings | of |
| --- | --- |
| `Columns` | what each column of a dataset is for |
| `DataSettings` | data validation and splitting |
| `TrainingSettings` | estimators, hyperparameter optimisation and fitting |
| `FeatureStep` | a step of your own that makes features |
| `SearchSettings` | how a study searches, within `TrainingSettings` |
| `DecisionSettings` | how probabilities are calibrated, and which label they lead to |
| `GateSettings` | what a candidate must pass before it is promoted |
| `ApprovalSettings` | whether a person has the last word on a promotion |
| `MonitoringSettings` | drift, performance and the governor |
| `ScoringSettings` | which rows batch scoring refuses |
| `CardSettings` | what only people know of a model, for its card |
| `ReadinessSettings` | what people attest, for the readiness report |
| `CanarySettings` | when a challenger on live traffic is promoted or withdrawn |

Unknown keys are errors everywhere. `None` means unbounded.
"""

from .approval import ApprovalSettings
from .base import Seconds, Settings, Share, TaskType
from .canary import CanarySettings
from .card import CardSettings
from .columns import Columns
from .data import DataSettings, ScoringSettings
from .decisions import ClassWeights, DecisionSettings
from .features import FeatureStep
from .gate_kinds import (
    BaselineSettings,
    CalibrationSettings,
    DecisionGateSettings,
    FreshnessSettings,
    PackageSettings,
    RobustnessSettings,
)
from .gates import DeepcheckSettings, GateSettings
from .monitoring import DriftThresholds, GovernorPolicy, MonitoringSettings, PerformanceThresholds
from .readiness import Attestation, ReadinessSettings
from .search import ParameterSpace, SearchSettings
from .segments import FairnessSettings, SliceSettings
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
    "ApprovalSettings",
    "Attestation",
    "BaselineSettings",
    "CalibrationSettings",
    "CanarySettings",
    "CardSettings",
    "ClassWeights",
    "Columns",
    "CsvSource",
    "DataSettings",
    "DecisionGateSettings",
    "DecisionSettings",
    "DeepcheckSettings",
    "DriftThresholds",
    "FairnessSettings",
    "FeatureStep",
    "FreshnessSettings",
    "FunctionSource",
    "GateSettings",
    "GovernorPolicy",
    "MongoSource",
    "MonitoringSettings",
    "ParameterSpace",
    "ParquetSource",
    "PerformanceThresholds",
    "PredictionsSource",
    "ReadinessSettings",
    "PackageSettings",
    "RobustnessSettings",
    "ScoringSettings",
    "SearchSettings",
    "Seconds",
    "Settings",
    "Setup",
    "Share",
    "SliceSettings",
    "Source",
    "SqlSource",
    "TaskType",
    "TrainingSettings",
    "default_metric",
]
