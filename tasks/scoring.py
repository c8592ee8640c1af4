"""Scores a dataset with the champion, logs every prediction, and attaches labels that arrive."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.errors import ConfigurationError, DataRejected, LogUnavailable
from ..core.results import ModelVersion, ScoringOutcome
from .run_log import retry_on, run_logger

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.dataset import Dataset
    from ..blocks.project import MLProject
    from ..core.models import Predictor
    from ..core.redaction import Redaction
    from ..storage.interface import LabelReport

_CHUNK_ROWS = 5_000


@task(
    name="score",
    task_run_name="score with version {champion.version}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=1,
    retry_delay_seconds=5,
    retry_condition_fn=retry_on(LogUnavailable),
)
def score_rows(project: MLProject, dataset: Dataset, champion: ModelVersion) -> ScoringOutcome:
    """Score rows with the champion and log every prediction.

    Rows need not have the target. Values that are no values of their column's kind are scored as
    missing, as a model server would. The time of a prediction is the row's timestamp, or now without a
    timestamp column; its id is the row's id, or a digest of the row. Scoring the same rows again logs
    nothing twice. What the project redacts is not logged; the model sees it.

    Args:
        project: The project.
        dataset: The rows.
        champion: The version to score with.

    Returns:
        What was logged.

    Raises:
        DataRejected: If a feature is missing, a timestamp has no zone, or an id is missing.
        ConfigurationError: If the project redacts a column that the rows do not have, or redacts without
            a key and the rows have no id.
        SourceUnavailable: If the rows cannot be read.
        ModelUnavailable: If the champion does not load.
        LogUnavailable: If the log cannot be written; what was logged before stays.
    """
    from ..core.schema import conform
    from .sources import read_source

    frame = read_source(project, dataset).to_pandas()
    predictor = project.registry.load_model(champion.uri, project.task)
    moments = _moments(frame, dataset)
    if project.redaction is not None:
        own = project.dataset.columns
        project.redaction.check(dataset.columns, [*frame, *own.ignored, *filter(None, [own.id])])
    identifiers = _identifiers(frame, dataset, project.redaction)
    _, coerced = conform(frame, predictor.kinds)
    unreadable = dict(Counter(coerced.unreadable) + Counter(coerced.infinite))
    if unreadable:
        run_logger().warning(
            "values that are infinite or not of their column's kind, scored as missing: %s",
            unreadable,
        )
    logger = project.predictions.get_logger(
        champion.name, champion.version, redaction=project.redaction, handle_sigterm=False
    )
    try:
        with logger:
            for begin in range(0, len(frame), _CHUNK_ROWS):
                part = slice(begin, begin + _CHUNK_ROWS)
                answers = _answers(predictor, frame.iloc[part])
                for answer, id, at in zip(answers, identifiers[part], moments[part], strict=True):
                    logger.log(*answer, id=id, at=at)
    except LogUnavailable:
        # The rows will be scored again: these must not turn up when the process ends.
        logger.abandon()
        raise
    logged = logger.counters().new
    run_logger().info("%d rows scored, %d predictions new to the log", len(frame), logged)
    return ScoringOutcome(
        model_name=champion.name,
        version=champion.version,
        rows=len(frame),
        logged=logged,
        first=min(moments) if moments else None,
        last=max(moments) if moments else None,
        unreadable=unreadable,
    )


def _moments(frame: pd.DataFrame, dataset: Dataset) -> list[datetime]:
    name = dataset.columns.timestamp
    if name is None:
        return [datetime.now(UTC)] * len(frame)
    if name not in frame:
        raise DataRejected(
            f"timestamp column {name!r} is missing; found {list(frame)}: name another one in "
            "dataset.columns, or add it at the source",
            column=name,
        )
    # `read_source` has brought them to UTC, or refused them.
    return [moment.to_pydatetime() for moment in frame[name]]


def _identifiers(frame: pd.DataFrame, dataset: Dataset, redaction: Redaction | None) -> list[str]:
    import pandas as pd

    name = dataset.columns.id
    if name is None:
        digests = pd.util.hash_pandas_object(frame.astype(str), index=True)
        if redaction is not None:
            # Whoever knows most of a row could try the rest out against a digest without a key.
            if redaction.key is None:
                raise ConfigurationError(
                    "these rows have no id, and a digest of them would tell of what is redacted: set "
                    "redaction.key, or columns.id"
                )
            return [f"{redaction.hashed(f'row {value}')}" for value in digests]
        return [hashlib.sha256(str(value).encode()).hexdigest()[:24] for value in digests]
    if name not in frame:
        raise DataRejected(
            f"id column {name!r} is missing; found {list(frame)}: name another one in dataset.columns, "
            "or add it at the source",
            column=name,
        )
    values = _redacted_ids(frame[name], redaction)
    nulls = int(values.isna().sum())
    repeated = values[values.duplicated() & values.notna()]
    if nulls or len(repeated):
        such = f", such as {repeated.unique()[:3].tolist()}" if len(repeated) else ""
        raise DataRejected(
            f"id column {name!r} has {nulls} nulls and {len(repeated)} duplicates{such}: an id "
            "identifies one prediction, mend them at the source",
            column=name,
        )
    return [str(value) for value in values]


def _redacted_ids(values: pd.Series, redaction: Redaction | None) -> pd.Series:
    if redaction is None or values.name not in redaction.columns:
        return values
    return values.map(redaction.hashed, na_action="ignore")


def _answers(
    predictor: Predictor, frame: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], Any, dict[str, float] | None]]:
    """Yield features, prediction and scores of every row."""
    predicted = predictor.predict(frame)
    classes = predictor.classes
    names = [] if classes is None else [str(name) for name in classes.tolist()]
    features = frame[list(predictor.kinds)].astype(object)
    records = features.where(features.notna(), None).to_dict("records")
    rows = zip(records, predictor.labels(predicted).tolist(), predicted.tolist(), strict=True)
    for record, label, scores in rows:
        saw = {str(name): _plain(value) for name, value in record.items()}
        yield saw, label, dict(zip(names, scores, strict=True)) if names else None


def _plain(value: Any) -> Any:
    """Turn NumPy and pandas scalars into Python's own."""
    if hasattr(value, "to_pydatetime"):
        moment = value.to_pydatetime()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value.item() if hasattr(value, "item") else value


@task(name="attach labels", cache_policy=NO_CACHE, persist_result=False)
def attach_labels(project: MLProject, dataset: Dataset) -> LabelReport:
    """Attach the labels of a dataset to the predictions with the same ids.

    Args:
        project: The project.
        dataset: Rows with the id column and the target.

    Returns:
        What became of them: attached, changed, and ids that no prediction has.

    Raises:
        DataRejected: If the id or target column is not set or missing, a label has no id, or an id has
            two different labels.
        SourceUnavailable: If the rows cannot be read.
        LogUnavailable: If the log cannot be written.
    """
    from ..core.schema import category_text
    from .sources import read_source

    frame = read_source(project, dataset).to_pandas()
    identifier, target = dataset.columns.id, dataset.columns.target
    if identifier is None:
        raise DataRejected("labels need an id column: set columns.id to the prediction's id")
    for name in (identifier, target):
        if name not in frame:
            raise DataRejected(f"column {name!r} is missing; found {list(frame)}", column=name)
    known = frame[frame[target].notna()]
    # A null elsewhere in the column has turned whole numbers into floats.
    texts = known[identifier].map(category_text, na_action="ignore")
    known = known.assign(**{identifier: _redacted_ids(texts, project.redaction)})
    labels = _labels_by_id(known, identifier, target)
    with project.predictions.get_client() as store:
        report = store.attach_labels(project.registry.model_name, labels)
    run_logger().info(
        "%d labels attached, %d changed, %d without a prediction",
        report.attached,
        report.changed,
        len(report.unknown),
    )
    return report


def _labels_by_id(known: pd.DataFrame, identifier: str, target: str) -> dict[str, Any]:
    missing = int(known[identifier].isna().sum())
    if missing:
        raise DataRejected(
            f"id column {identifier!r} has {missing} nulls in rows with a label: fill it in, or leave "
            "these rows out",
            column=identifier,
        )
    pairs = known[[identifier, target]].drop_duplicates()
    twice = pairs[identifier][pairs[identifier].duplicated()]
    if len(twice):
        raise DataRejected(
            f"id column {identifier!r} has two different labels for {len(twice)} ids, such as "
            f"{twice.iloc[0]!r}: keep the right one at its source",
            column=identifier,
        )
    return dict(zip(pairs[identifier], map(_plain, pairs[target]), strict=True))
