"""Scores a dataset with the champion, and logs every prediction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import DataRejected, LogUnavailable
from ..core.results import ModelVersion, ScoringOutcome
from ..core.settings import ScoringSettings
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..sources.given_rows import as_dataset
from ..sources.scored_rows import (
    ScoredRows,
    differs,
    read_rows,
    records,
    refuse_unloggable,
    scores_table,
)

if TYPE_CHECKING:
    from ..blocks.dataset import Dataset
    from ..blocks.prediction_log import PredictionLog
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..models.predictor import Predictor
    from ..storage.redaction import Redaction

_CHUNK_ROWS = 5_000
_IDS_PER_LOOK = 2_000
_EXAMPLES = 3


@step("score with version {champion.version}", retry_on=LogUnavailable)
def score_rows(
    rows: Dataset | Rows,
    champion: ModelVersion,
    *,
    columns: Columns | None = None,
    task_type: TaskType,
    settings: ScoringSettings | None = None,
    redaction: Redaction | None = None,
    stores: Stores,
) -> ScoringOutcome:
    """Score rows with the champion and log every prediction.

    Rows need not have the target. A few values that are no values of their column's kind are scored as
    missing; of more than `scoring.maximum_unreadable`, nothing is scored. The time of a prediction is
    the row's timestamp, or now without a timestamp column; its id is the row's id, or a digest of the
    row. Scoring the same ids again logs nothing twice: the first prediction stays, and the outcome says
    how many there were and whether their features were others. What the project redacts is not logged;
    the model sees it.

    Args:
        rows: A dataset, a pandas frame, an Arrow table or a snapshot.
        champion: The version to score with.
        columns: What each column is for in training; of rows that are no dataset, what theirs are for. None:
            as the dataset says.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: Which rows are refused. None: the defaults.
        redaction: What of a column may be kept in the prediction log. None: everything.
        stores: Where the model's things are kept.

    Returns:
        What was logged, and where every row's id, prediction and scores are.

    Raises:
        DataRejected: If a feature is missing or hardly any of it can be read, a value cannot be logged, a
            timestamp has no zone, or an id is missing; nothing was logged.
        ConfigurationError: If the project redacts a column that the rows do not have, or redacts without
            a key and the rows have no id.
        SourceUnavailable: If the rows cannot be read.
        ModelUnavailable: If the champion does not load.
        WorkspaceUnavailable: If the workspace cannot be written; nothing was logged.
        LogUnavailable: If the log cannot be written; what was logged before stays.
    """
    from ..data.schema import conform
    from ..data.snapshots import save_snapshot
    from ..data.unreadable_rows import count_unreadable, refuse_unreadable

    dataset = as_dataset(rows, columns)
    read = read_rows(
        dataset,
        stores=stores,
        columns=columns or dataset.columns,
        task_type=task_type,
        redaction=redaction,
    )
    predictor = stores.registry.load_model(champion.uri, task_type)
    conformed, coerced = conform(read.frame, predictor.feature_types)
    hidden = set(redaction.columns) if redaction else set()
    refuse_unreadable(
        read.frame,
        conformed,
        coerced,
        feature_types=predictor.feature_types,
        settings=settings or ScoringSettings(),
        hidden=hidden,
    )
    refuse_unloggable(read.frame, [name for name in predictor.feature_types if name not in hidden])
    unreadable = count_unreadable(coerced)
    if unreadable:
        run_logger().warning(
            "values that are infinite or not of their column's kind, scored as missing: %s",
            unreadable,
        )
    predicted = _predict(predictor, read)
    scores_uri = None
    if read.ids:
        table = scores_table(read, predictor, predicted, champion, redaction)
        workspace = stores.open_workspace()
        scores_uri = save_snapshot(workspace, table, "scores", timestamp="at").uri
    logged = _log(
        champion, predictor, read, predicted, predictions=stores.predictions, redaction=redaction
    )
    differing = (
        []
        if logged == len(read.ids)
        else _differing(
            champion, predictor, read, predictions=stores.predictions, redaction=redaction
        )
    )
    run_logger().info("%d rows scored, %d predictions new to the log", len(read.ids), logged)
    if logged < len(read.ids):
        run_logger().warning(
            "%d ids were in the log already and keep their first prediction; %d of them were given other "
            "feature values%s",
            len(read.ids) - logged,
            len(differing),
            f", such as {differing[:_EXAMPLES]}" if differing else "",
        )
    return ScoringOutcome(
        model_name=champion.name,
        version=champion.version,
        rows=len(read.ids),
        logged=logged,
        known=len(read.ids) - logged,
        differing=len(differing),
        differing_ids=differing[:_EXAMPLES],
        first=min(read.timestamps, default=None),
        last=max(read.timestamps, default=None),
        unreadable=unreadable,
        scores_uri=scores_uri,
    )


def _predict(predictor: Predictor, rows: ScoredRows) -> Any:
    import numpy as np

    parts = [predictor.predict(rows.frame.iloc[part]) for part in _parts(rows, _CHUNK_ROWS)]
    return np.concatenate(parts) if parts else np.empty(0)


def _parts(rows: ScoredRows, size: int) -> Iterator[slice]:
    for begin in range(0, len(rows.ids), size):
        yield slice(begin, begin + size)


def _log(
    champion: ModelVersion,
    predictor: Predictor,
    rows: ScoredRows,
    predicted: Any,
    *,
    redaction: Redaction | None,
    predictions: PredictionLog,
) -> int:
    """Log every row, and return how many were new."""
    logger = predictions.get_logger(
        champion.name, champion.version, redaction=redaction, handle_sigterm=False
    )
    try:
        with logger:
            for part in _parts(rows, _CHUNK_ROWS):
                features = records(rows.frame.iloc[part], predictor.feature_types)
                answers = _answers(predictor, predicted[part])
                whose = zip(rows.ids[part], rows.timestamps[part], strict=True)
                for saw, answer, (id, at) in zip(features, answers, whose, strict=True):
                    logger.log(saw, *answer, id=id, at=at)
    except LogUnavailable:
        # The rows will be scored again: these must not turn up when the process ends.
        logger.abandon()
        raise
    except (TypeError, ValueError) as error:
        logger.abandon()
        raise DataRejected(f"a row cannot be logged: {error}") from error
    counters = logger.counters()
    if counters.dropped:
        raise LogUnavailable(
            f"the prediction log refused {counters.dropped} of {len(rows.ids)} predictions: see the log "
            "of this run for each of them"
        )
    return counters.new


def _answers(predictor: Predictor, predicted: Any) -> Iterator[tuple[Any, dict[str, float] | None]]:
    """Yield prediction and scores of every row."""
    classes = predictor.classes
    names = [] if classes is None else [str(name) for name in classes.tolist()]
    for label, scores in zip(predictor.labels(predicted).tolist(), predicted.tolist(), strict=True):
        yield label, dict(zip(names, scores, strict=True)) if names else None


def _differing(
    champion: ModelVersion,
    predictor: Predictor,
    rows: ScoredRows,
    *,
    redaction: Redaction | None,
    predictions: PredictionLog,
) -> list[str]:
    """Return the ids whose features are others than those that were logged.

    Which ids were new, the log does not say: all are looked at, and those that were logged just now do
    not differ.
    """
    redact = (lambda saw: saw) if redaction is None else redaction.apply
    found: list[str] = []
    with predictions.get_client() as store:
        for part in _parts(rows, _IDS_PER_LOOK):
            before = store.find(champion.name, rows.ids[part])
            features = records(rows.frame.iloc[part], predictor.feature_types)
            found += [
                id
                for id, saw in zip(rows.ids[part], features, strict=True)
                if id in before and differs(before[id].features, redact(saw))
            ]
    return found
