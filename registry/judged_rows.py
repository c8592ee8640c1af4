"""Scores candidate and champion on the rows of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import RegistryUnavailable
from ..core.results import Candidate, Split
from ..gates.comparable_rows import undecidable
from .compared_models import NamedModel, load_named

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import Columns, GateSettings, TaskType
    from ..data.snapshots import Rows
    from ..metrics.losses import Floats
    from ..models.predictor import Predictor


@dataclass(frozen=True)
class Judged:
    """What is judged, and by what.

    Attributes:
        rows: A split, or rows of which all count.
        candidate: The model.
        named: Whether the champion was named by the caller, not looked up.
        columns: What each column is for.
        task_type: What is predicted.
        metric: Metric to decide by; lower is better.
        settings: What a candidate must pass.
        registry: Where runs and models are kept.
    """

    rows: Split | pd.DataFrame
    candidate: NamedModel
    named: bool
    columns: Columns
    task_type: TaskType
    metric: str
    settings: GateSettings
    registry: ModelRegistry

    @property
    def count(self) -> int:
        """How many rows there are to compare on."""
        return self.rows.holdout.rows if isinstance(self.rows, Split) else len(self.rows)

    def load(self, model: NamedModel, rows: pd.DataFrame, *, foreign: bool | None) -> Predictor:
        """Load a model, see `load_named`."""
        return load_named(
            self.registry,
            model,
            rows,
            columns=self.columns,
            task_type=self.task_type,
            foreign=foreign,
        )

    def candidate_losses(self, frame: pd.DataFrame) -> Floats:
        """Return the candidate's loss on every row. Raises as `load` does, and `DataRejected`."""
        from ..models.evaluation import losses_of

        model = self.load(self.candidate, frame, foreign=None)
        return losses_of(self.metric, model, frame, self.columns.target)


def given_rows(rows: Split | Rows, columns: Columns, task_type: TaskType) -> Split | pd.DataFrame:
    """Return a split as it is, and other rows as a frame whose target is as the task needs it.

    Raises:
        ConfigurationError: If they are no rows.
        DataRejected: If the target is missing, has missing values or is no number for a regression.
        WorkspaceUnavailable: If they cannot be read.
    """
    if isinstance(rows, Split):
        return rows
    from ..data.snapshots import as_frame
    from ..data.training_rows import labels_of

    frame = as_frame(rows)
    labels_of(frame, columns.target, task_type)
    return frame.reset_index(drop=True)


def champion_losses(
    judged: Judged, champion: NamedModel, rows: pd.DataFrame
) -> tuple[Floats, list[str]]:
    """Return the champion's loss on every row, and the classes that it does not know.

    Raises:
        NotComparable: If it does not load, or cannot score the rows.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from ..models.evaluation import losses_of, unknown_classes

    target = judged.columns.target
    foreign = judged.named or not isinstance(judged.rows, Split)
    try:
        model = judged.load(champion, rows, foreign=foreign)
        return losses_of(judged.metric, model, rows, target), unknown_classes(model, rows, target)
    except RegistryUnavailable:
        raise
    except Exception as error:
        # Whatever it raises, a champion that cannot score these rows cannot be compared with.
        raise undecidable(
            f"champion {champion.label} cannot score these rows: {type(error).__name__}: {error}",
            named=judged.named,
        ) from error


def own_score(judged: Judged) -> float:
    """Return the candidate's metric on all rows: the one it came with where they are its holdout."""
    from ..data.row_weights import weights_of
    from ..data.snapshots import as_frame
    from ..metrics.losses import metric_value

    if isinstance(judged.rows, Split) and isinstance(judged.candidate.origin, Candidate):
        return judged.candidate.origin.metrics[judged.metric]
    frame = as_frame(judged.rows.holdout if isinstance(judged.rows, Split) else judged.rows)
    weights = weights_of(frame, judged.columns)
    return metric_value(judged.metric, judged.candidate_losses(frame), weights)
