"""Results that steps hand to each other: small, frozen, serialised as JSON.

Big things (frames, models, HTML) stay in storage; a result carries their URIs.

| result | made by | says |
| --- | --- | --- |
| `Snapshot` | `extract` | which rows, by digest |
| `DataValidation` | `validate_data` | whether they may be used, and which may not |
| `Split` | `split` | rows to fit on, rows to decide on |
| `Study` | `tune` | the best recipe found and what it scored in cross-validation |
| `Candidate` | `fit` | the model just trained, logged, not yet registered |
| `ModelValidation` | `check_model`, `run_gates` | Deepchecks conditions, absolute floors, own gates |
| `GateCheck` | `check_baseline`, `check_calibration`, `check_decisions`, `check_robustness`, `check_slices`, `check_fairness`, `check_freshness` | what one kind of gate says of a candidate |
| `Comparison` | `compare` | candidate against champion on the same holdout |
| `PackageCheck` | `check_package` | whether the logged model works in a clean process |
| `ModelVersion` | `register`, `promote` | what the registry holds |
| `WindowData` | `read_window` | which predictions, and how many are labelled |
| `DriftReport` | `measure_drift` | how a window differs from the reference |
| `PerformanceReport` | `measure_performance` | whether the model is worse than promised |
| `Decision` | `decide` | retrain now, or not, and why |
| `Cause` | `decide` | the immutable record of why a retraining was asked for |
| `CanaryVerdict` | `judge_canary` | whether a challenger on live traffic should be promoted |
| `ModelScores` | `measure_model` | what a model scores on training and holdout rows, with intervals |
| `ModelCard` | `write_card` | where the model card of a version is |
| `ReadinessReport` | `assess_readiness` | how ready a project is, by 28 tests |
| `CheckReport` | `run_expectations`, `run_deepchecks`, `run_evidently` | what a suite or report of your own says |
| `Notice` | `notify`, the flows | what a person is told |
| `ApprovalRequest` | `request_approval`, `find_approval` | what is asked of a person |
| `Approval` | `record_approval` | what the person answered |
| `Repair` | `verify_repair` | whether the new champion fixes the window that caused it |
"""

from .approval import Approval, ApprovalRequest, Channel, WaitingRun
from .base import Gate, Result, UtcDatetime, Verdict, as_utc, digest_of, verdict_of
from .canary import CanaryOutcome, CanaryVerdict
from .checks import CheckReport
from .data import DataValidation, Snapshot, Split
from .evidence import (
    Explanation,
    MetricInterval,
    ModelCard,
    ModelScores,
    ReadinessCheck,
    ReadinessReport,
    RowScores,
    RunRecord,
    StepRecord,
)
from .gate_checks import GateCheck
from .model import (
    Candidate,
    Comparison,
    ModelValidation,
    ModelVersion,
    PackageCheck,
    SliceScore,
    Study,
)
from .monitoring import (
    Cause,
    ColumnDrift,
    Decision,
    DriftReport,
    PerformanceReport,
    Repair,
    Window,
    WindowData,
)
from .notice import Notice
from .outcomes import MonitoringOutcome, ScoringOutcome, TrainingOutcome

__all__ = [
    "Approval",
    "ApprovalRequest",
    "CanaryOutcome",
    "CanaryVerdict",
    "Candidate",
    "Cause",
    "Channel",
    "CheckReport",
    "ColumnDrift",
    "Comparison",
    "DataValidation",
    "Decision",
    "DriftReport",
    "Explanation",
    "Gate",
    "MetricInterval",
    "ModelCard",
    "ModelScores",
    "GateCheck",
    "ModelValidation",
    "ModelVersion",
    "MonitoringOutcome",
    "Notice",
    "PackageCheck",
    "PerformanceReport",
    "ReadinessCheck",
    "ReadinessReport",
    "Repair",
    "Result",
    "RowScores",
    "RunRecord",
    "ScoringOutcome",
    "SliceScore",
    "Snapshot",
    "Split",
    "StepRecord",
    "Study",
    "TrainingOutcome",
    "UtcDatetime",
    "Verdict",
    "WaitingRun",
    "Window",
    "WindowData",
    "as_utc",
    "digest_of",
    "verdict_of",
]
