"""Measures a model on the rows that it was fitted on and on those that it was not, for its card and for records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ConfigurationError
from ..core.results import Candidate, ModelScores, ModelVersion, RowScores, Split
from ..core.settings import CardSettings, GateSettings, default_metric
from ..registry.batches import log_batch
from ..registry.compared_models import NamedModel, named_model
from ..registry.run_logging import log_file
from ..registry.tracking import registry_errors
from ..runs.run_logger import run_logger
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows

SCORES = "reports/scores.json"
EXPLANATION = "reports/explanation.png"


@step(of_candidate("measure"))
def measure_model(
    split: Split | tuple[Rows | None, Rows | None],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: GateSettings | None = None,
    card: CardSettings | None = None,
    seed: int = 0,
    registry: ModelRegistry,
) -> ModelScores:
    """Measure the evaluated model on training and holdout rows, with intervals, by slice, and explain it.

    Rows count what `columns.weight` says, as in the gates, and those of one `columns.group` are drawn together.
    Of a candidate or a version it is logged to its run: `training.<metric>`, the scores as
    `reports/scores.json`, and the picture of the explanation as `reports/explanation.png`.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots; None for those that are not there.
        candidate: The model. Of a candidate or a version, its evaluated model is measured; a URI such as
            `models:/calls/3` or `runs:/<run id>/model` may be of any scikit-learn model, whoever logged it.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric of the slices; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: Confidence, resamples and fewest rows of a slice. None: the defaults.
        card: How many rows are explained, and how long that may take. None: the defaults.
        seed: Seed of every draw.
        registry: Where runs and models are kept.

    Returns:
        The scores.

    Raises:
        ConfigurationError: If rows or model are of another kind, or there are no rows.
        DataRejected: If the model cannot score the rows.
        ModelUnavailable: If the model does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import measure_model

        found = measure_model.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            registry=ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls"),
        )
        print(found.of("holdout").metrics)
        ```
    """
    from ..data.row_weights import weights_of
    from ..data.snapshots import as_frame
    from ..evidence.explanation import explain
    from ..evidence.explanation_plot import draw_explanation
    from ..evidence.model_scores import row_scores, slice_scores

    settings, card = settings or GateSettings(), card or CardSettings()
    metric = metric or default_metric(task_type)
    parts = _parts(split)
    frames = {of: as_frame(rows, of) for of, rows in parts.items() if rows is not None}
    model = named_model(registry, candidate)
    uri = model.version.tags.get(tags.EVALUATED_URI, model.uri) if model.version else model.uri
    if not frames:
        raise ConfigurationError("split holds no rows: give training rows, holdout rows or both")
    given = frames.get("holdout", next(iter(frames.values())))
    if isinstance(model.origin, Candidate):
        predictor = registry.load_model(uri, task_type)
    else:
        predictor = registry.load_on_rows(uri, given, columns=columns, task_type=task_type)
    scores: list[RowScores] = [
        row_scores(
            predictor,
            frame,
            columns,
            of=of,
            digest=getattr(parts[of], "digest", None),
            settings=settings,
            seed=seed,
        )
        for of, frame in frames.items()
    ]
    slices: list[RowScores] = []
    if "holdout" in frames:
        slices = slice_scores(
            predictor, frames["holdout"], columns, metric=metric, settings=settings, seed=seed
        )
    explained = explain(
        predictor,
        given,
        most_rows=card.explained_rows,
        seconds=card.explanation_seconds,
        seed=seed,
        weights=weights_of(given, columns),
    )
    found = ModelScores(
        confidence=settings.confidence,
        weight=columns.weight,
        group=columns.group,
        scores=scores,
        slices=slices,
        explanation=explained.explanation,
        missing=[f"no {of} rows were given" for of, rows in parts.items() if rows is None],
    )
    run_id = _run_id(model)
    if run_id:
        _log(registry, run_id, found, draw_explanation(explained))
    run_logger().info(
        "measured on %s; explained: %s",
        ", ".join(f"{part.rows} {part.of} rows" for part in scores) or "no rows",
        explained.explanation.method or explained.explanation.reason,
    )
    return found


def _parts(split: Split | tuple[Rows | None, Rows | None]) -> dict[str, Rows | None]:
    from ..data.snapshots import train_and_holdout

    train, holdout = train_and_holdout(split)  # pyright: ignore[reportArgumentType]
    return {"training": train, "holdout": holdout}


def _run_id(model: NamedModel) -> str:
    """Return the run to log to: none of somebody else's."""
    if isinstance(model.origin, Candidate):
        return model.origin.run_id
    ours = {tags.TRAINING_KEY, tags.EVIDENCE_RUN_ID}
    version = model.version
    return version.run_id if version is not None and ours & set(version.tags) else ""


def _log(registry: ModelRegistry, run_id: str, found: ModelScores, picture: bytes | None) -> None:
    training = found.of("training")
    values = {f"training.{part.name}": part.value for part in training.metrics} if training else {}
    with registry_errors(registry):
        log_batch(registry.get_client(), run_id, metrics=values)
    log_file(registry, run_id, found.model_dump_json(indent=2).encode(), SCORES)
    if picture is not None:
        log_file(registry, run_id, picture, EXPLANATION)
