"""Asks how much worse a candidate gets where its input is not what it was trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.results import Candidate, Gate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings, default_metric
from ..registry.compared_models import importance_of
from ..registry.examined_model import Examined, examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows

KIND = "robustness"


@step(of_candidate("robustness of"))
def check_robustness(
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: GateSettings | None = None,
    seed: int = 0,
    stores: Stores,
) -> GateCheck:
    """Disturb the holdout and see what a candidate makes of it.

    Every number gets a little noise; every category becomes one never seen; each of the most important
    features is emptied, one at a time.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: The model: a candidate, of which the evaluated model is meant, a version or a URI, as for
            `check_model`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: What a candidate must pass. None: the defaults.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        Gates `robust to noise`, where there are numbers, `robust to unknown categories`, where there are
        categories, and `robust to missing values`: without a feature it must not be surely worse by more than
        that share than a constant guess. They are advice unless `gates.robustness.decides`. Metrics of a candidate's run:
        `robustness.noise.log_loss`, `robustness.noise.flips` and so on.

    Raises:
        ConfigurationError: If the metric does not fit the task, or rows or model are of another kind.
        DataRejected: If the model cannot score the holdout as it is.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_robustness

        found = check_robustness.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print(found.verdict, found.measured["robustness.noise.flips"])
        ```
    """
    settings = settings or GateSettings()
    metric = metric or default_metric(task_type)
    if skipped := skipped_check(KIND, settings):
        return skipped
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    importance = importance_of(
        stores.registry, found.model, found.predictor, found.holdout, columns.target, seed=seed
    )
    gates, measured, features = _disturbed(
        found, importance, columns, metric=metric, settings=settings, seed=seed
    )
    check = GateCheck(kind=KIND, gates=[*found.unseen(columns), *gates], measured=measured)
    return keep_found(stores, candidate, check, {"metric": metric, "without": features, **measured})


def _disturbed(
    found: Examined,
    importance: dict[str, float],
    columns: Columns,
    *,
    metric: str,
    settings: GateSettings,
    seed: int,
) -> tuple[list[Gate], dict[str, float], dict[str, float]]:
    """Return the gates, what is logged, and the metric by the feature that was emptied."""
    from ..data.training_rows import training_rows
    from ..gates.deepchecks_columns import most_important
    from ..gates.disturbed_rows import emptied, noisy, with_categories_never_seen
    from ..gates.disturbed_scores import DisturbedScores
    from ..gates.robustness import CATEGORIES, NOISE, missing_gate, worsening_gate
    from ..metrics.losses import metric_value
    from ..models.evaluation import losses_of
    from ..training.baselines import constant_guess

    wanted, predictor = settings.robustness, found.predictor
    holdout = found.holdout.tail(wanted.maximum_rows).reset_index(drop=True)
    scored = DisturbedScores(predictor, holdout, columns.target, metric)
    rows, clean, types = scored.rows, scored.clean, predictor.feature_types
    measured: dict[str, float] = {f"robustness.clean.{metric}": metric_value(metric, clean)}
    gates: list[Gate] = []
    train = predictor.prepare(found.train)
    for key, name, what, frame in (
        (
            "noise",
            NOISE,
            f"noise of {wanted.noise:g} standard deviations on every number",
            noisy(rows, train, types, share=wanted.noise, seed=seed),
        ),
        (
            "unknown_categories",
            CATEGORIES,
            "a category never seen in every category",
            with_categories_never_seen(rows, types),
        ),
    ):
        if frame is None:
            continue
        disturbed = scored.of(frame)
        # Of rows that say nothing any more in half of their columns, decisions may flip.
        judged = disturbed if key == "noise" else replace(disturbed, flips=None)
        gates.append(
            worsening_gate(
                name, what, metric, clean=clean, disturbed=judged, settings=settings, seed=seed
            )
        )
        if disturbed.losses is not None:
            measured[f"robustness.{key}.{metric}"] = metric_value(metric, disturbed.losses)
        if disturbed.flips is not None:
            measured[f"robustness.{key}.flips"] = disturbed.flips
    chosen = most_important(list(types), importance, wanted.features)
    without = {name: scored.of(emptied(rows, name, types)) for name in chosen}
    data = training_rows(found.train, columns, predictor.task_type)
    dummy = constant_guess(data, predictor.task_type, metric)
    guess = losses_of(metric, dummy, holdout, columns.target)
    gates.append(missing_gate(metric, without, guess=guess, settings=settings, seed=seed))
    features = {
        name: metric_value(metric, disturbed.losses)
        for name, disturbed in without.items()
        if disturbed.losses is not None
    }
    if features:
        measured[f"robustness.missing.{metric}"] = max(features.values())
    return gates, measured, features
