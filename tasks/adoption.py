"""Adopts a model that was trained elsewhere, in any flavour of MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from ..core import tags
from ..core.errors import ConfigurationError, DataRejected
from ..core.results import ModelVersion
from ..core.settings.gates import MINIMUM_HOLDOUT_ROWS
from ..registry.adoption import FoundModel, find_model, registered_version, store_adoption
from ..registry.tracking import registry_errors
from ..registry.versions import find_version, get_version
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..models.adopted_model import Adoption
    from ..models.predictor import Predictor

_EXAMPLE_ROWS = 5


@step("adopt into {stores.registry.model_name}")
def adopt(
    model: ModelVersion | str,
    rows: Rows,
    *,
    alias: Literal["champion", "challenger"] = tags.CHAMPION,
    replace_champion: bool = False,
    classes: Sequence[bool | int | float | str] | None = None,
    cutoff: datetime | int | None = None,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    minimum_holdout_rows: int = MINIMUM_HOLDOUT_ROWS,
    promise_periods: int = 4,
    seed: int = 0,
    stores: Stores,
) -> ModelVersion:
    """Take a model into service that was trained elsewhere: from then on it is scored with, logged, monitored.

    Any flavour with a pyfunc will do: scikit-learn, LightGBM, XGBoost, PyTorch, a `PythonModel`. Of a
    classifier, probabilities are needed: those of the wrapped model's `predict_proba`, or what the pyfunc
    answers with. A threshold of scikit-learn's `FixedThresholdClassifier` or `TunedThresholdClassifierCV` decides
    here, too. Loading a model runs its code: adopt what you trust.

    The rows are scored, and what a training stores with its version is made of them: the reference that windows
    are compared with, the promise, feature importance, scores. They go into a run of their own; files and run
    of the model stay as they are. A version that was adopted before is adopted anew, from the new rows.

    Args:
        model: A version of `stores.registry`'s model; its number; or a URI: `models:/name/version`,
            `models:/name@alias`, `models:/<id>`, `runs:/<run>/<name>`. What is no version of that registered
            model becomes one.
        rows: Labelled rows that the model was not fitted on, in the data types that it was trained with, in
            time order if they have one.
        alias: What it becomes: `champion`, which serves, or `challenger`, which a canary or shadow tries.
        replace_champion: Whether it may take the place of another champion, without a comparison.
        classes: Classes in the order of the model's probabilities. None: as the model says, or the target's
            values in order.
        cutoff: What it was fitted on: the newest moment, or how many rows of the ordered history. None: with
            timestamps, the newest of `rows`, so that no row that it may have seen decides about a successor.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to promise; lower is better. None: `rmse` for a regression, else `log_loss`.
        minimum_holdout_rows: Fewest rows to promise on.
        promise_periods: Periods, beside the newest one, that rows in time order are cut into: the promise's
            spread is how far they differ (see `metrics.promise`).
        seed: Seed of every draw.
        stores: Where the model's things are kept.

    Returns:
        The version, with its tags and alias.

    Raises:
        ChampionChanged: If another promotion happens at the same moment.
        ConfigurationError: If there is another champion and `replace_champion` is not set, or the metric is
            none for the task type, or `error_rate` of a model that decides by a threshold or by costs.
        DataRejected: If the rows are too few, or lack the target or an input column.
        ModelUnavailable: If there is no such model, it does not load or cannot score the rows, it answers
            with labels or anything else that is no probability, or it decides for other labels than its
            probabilities and its threshold give.
        LogUnavailable: If the promotion log cannot be written.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        import pandas as pd

        from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import adopt

        stores = Stores(
            name="calls",
            registry=ModelRegistry(tracking_uri="http://127.0.0.1:5000", model_name="calls"),
            predictions=PredictionLog(uri="sqlite:///predictions.db"),
            workspace="workspace",
        )
        labelled = pd.read_parquet("calls-of-march.parquet")
        adopt("models:/calls/7", labelled, columns=Columns(target="y"), task_type="binary", stores=stores)
        ```
    """
    from ..data.schema import conform
    from ..data.snapshots import as_frame, as_snapshot
    from ..data.training_rows import labels_of
    from ..metrics.losses import losses_for
    from ..training.model_evaluation import evaluate_model, in_time_order

    metric = metric or ("rmse" if task_type == "regression" else "log_loss")
    if metric not in losses_for(task_type):
        raise ConfigurationError(
            f"metric={metric!r} is no loss for {task_type}: choose one of {sorted(losses_for(task_type))}"
        )
    frame = in_time_order(as_frame(rows), columns)
    if len(frame) < minimum_holdout_rows:
        raise DataRejected(
            f"{len(frame)} rows are too few to promise {metric} on: {minimum_holdout_rows} are needed "
            "(gates.minimum_holdout_rows)"
        )
    labels_of(frame, columns.target, task_type)
    source = find_model(stores.registry, model)
    champion = find_version(stores.registry, tags.CHAMPION)
    serving = champion.version if champion else None
    replaces = champion is not None and champion != source.version
    if alias == tags.CHAMPION and replaces and not replace_champion:
        raise ConfigurationError(
            f"version {serving} is the champion of {stores.registry.model_name}: adopt this model with "
            "alias='challenger' and let a canary or `compare` decide, or with replace_champion=True"
        )
    predictor, adoption = _open(
        source,
        frame,
        columns=columns,
        task_type=task_type,
        classes=classes,
        registry=stores.registry,
    )
    if predictor.decision is not None and metric == "error_rate":
        raise ConfigurationError(
            "metric error_rate counts labels of the most probable class, and this model decides by a threshold or by "
            "costs: use log_loss or brier"
        )
    found = evaluate_model(
        predictor,
        frame,
        columns,
        metric=metric,
        periods=promise_periods if columns.has_order else 0,
        seed=seed,
    )
    snapshot = as_snapshot(rows, stores.open_workspace(), timestamp=columns.timestamp)
    version = store_adoption(
        registered_version(stores.registry, source),
        adoption=adoption,
        example=conform(frame.head(_EXAMPLE_ROWS), predictor.feature_types)[0],
        reference=found.reference,
        metrics=found.metrics,
        evidence={tags.HOLDOUT_DIGEST: snapshot.digest, **_cutoff_tags(cutoff, frame, columns)},
        stores=stores,
    )
    run_logger().info(
        "%s version %s is adopted: %s %.4f on %d rows",
        version.name,
        version.version,
        metric,
        found.reference.promise.value,
        len(frame),
    )
    return _give_alias(version, alias, serving, stores)


def _open(
    source: FoundModel,
    frame: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    classes: Sequence[Any] | None,
    registry: ModelRegistry,
) -> tuple[Predictor, Adoption | None]:
    """Return the model, and what must be stored to load it again; None for one of this package."""
    from ..models.adoption_check import adopted_predictor
    from ..models.model_package import load_foreign
    from ..models.predictor import METADATA_KEY

    tracking_uri, registry_uri = registry.uris
    with registry_errors(registry):
        model = load_foreign(source.place, tracking_uri=tracking_uri, registry_uri=registry_uri)
    if METADATA_KEY in (model.metadata.metadata or {}):
        return registry.load_model(source.place, task_type), None
    return adopted_predictor(model, frame, columns=columns, task_type=task_type, classes=classes)


def _cutoff_tags(
    cutoff: datetime | int | None, frame: pd.DataFrame, columns: Columns
) -> dict[str, str | None]:
    from ..core.results import as_utc
    from ..data.timestamps import parse_timestamps

    if isinstance(cutoff, int):
        return {tags.CUTOFF_ROW: str(cutoff)}
    known = cutoff
    if known is None and columns.timestamp is not None:
        known = parse_timestamps(frame[columns.timestamp]).max().to_pydatetime()
    if known is not None:
        moment = as_utc(known).isoformat()
        return {tags.CUTOFF: moment, tags.EVALUATED_CUTOFF: moment}
    if columns.ordered:
        run_logger().warning(
            "what the model was fitted on is not known: no successor can be compared with it. Give "
            "`cutoff`, the number of rows of the history that it has seen"
        )
    return {}


def _give_alias(
    version: ModelVersion, alias: str, serving: str | None, stores: Stores
) -> ModelVersion:
    from .promotion import promote

    client = stores.registry.get_client()
    outcome = "promoted" if alias == tags.CHAMPION else tags.CHALLENGER
    if alias == tags.CHAMPION and serving != version.version:
        promote.fn(version, expected=serving, reason="adopted", stores=stores)
    with registry_errors(stores.registry):
        client.set_model_version_tag(version.name, version.version, tags.OUTCOME, outcome)
        if alias == tags.CHALLENGER:
            client.set_registered_model_alias(version.name, tags.CHALLENGER, version.version)
    return get_version(stores.registry, version.version)
