"""A project's settings of training, gates and monitoring, without its stores."""

from __future__ import annotations

from dataclasses import dataclass

from .base import TaskType
from .columns import Columns
from .data import DataSettings
from .gates import GateSettings
from .monitoring import MonitoringSettings
from .training import TrainingSettings


@dataclass(frozen=True)
class Setup:
    """What of a project decides how a stream goes.

    Attributes:
        name: Name of the project.
        task_type: Task type.
        metric: Name of the metric; lower is better.
        columns: What each column is for.
        data: Data validation and splitting.
        training: Search and fitting.
        gates: What a candidate must pass.
        monitoring: Thresholds and governor.
        refits: Whether the served model is fitted on all rows.
    """

    name: str
    task_type: TaskType
    metric: str
    columns: Columns
    data: DataSettings
    training: TrainingSettings
    gates: GateSettings
    monitoring: MonitoringSettings
    refits: bool
