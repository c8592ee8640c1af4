"""What a study may begin with besides the defaults: the champion's parameters, and those of earlier studies."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import tags
from ..registry.tracking import registry_errors
from ..registry.versions import find_version
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import TaskType, TrainingSettings
    from ..training.trial_records import Start

_STUDIES = 3


def warm_starts(
    stores: Stores, url: str, *, task_type: TaskType, metric: str, settings: TrainingSettings
) -> list[Start]:
    """Return the recipes that a new study tries after the defaults.

    Args:
        stores: Where the model's things are kept.
        url: The new study's database, among those of the earlier ones.
        task_type: Task type; a study of another one does not count.
        metric: Metric to decide by; likewise.
        settings: Estimators, and `search.warm_start`.

    Returns:
        Estimators and parameters, each once: the champion's, then the best of the three studies that
        were written last.

    Raises:
        RegistryUnavailable: If the champion is asked for and MLflow cannot be reached.
    """
    found: list[Start] = []
    if "champion" in settings.search.warm_start:
        found += _of_champion(stores)
    if "studies" in settings.search.warm_start:
        found += _of_studies(Path(url.removeprefix("sqlite:///")), task_type, metric)
    kept: list[Start] = []
    for start in found:
        if start[0] in settings.estimators and start not in kept:
            kept.append(start)
    return kept


def _of_champion(stores: Stores) -> Iterator[Start]:
    champion = find_version(stores.registry, tags.CHAMPION)
    if champion is None or not champion.run_id:
        return
    with registry_errors(stores.registry):
        logged = dict(stores.registry.get_client().get_run(champion.run_id).data.params)
    estimator = logged.pop("estimator", None)
    # An adopted model was fitted by no recipe.
    if estimator is not None:
        yield estimator, {name: _value(text) for name, text in logged.items()}


def _value(text: str) -> Any:
    # MLflow keeps parameters as text.
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _of_studies(mine: Path, task_type: str, metric: str) -> Iterator[Start]:
    import optuna
    from optuna.trial import TrialState

    from ..training.best_trial import best_trial
    from ..training.trial_records import ESTIMATOR, PARAMETERS

    others = [path for path in mine.parent.glob("*.db") if path != mine]
    others.sort(key=lambda path: (path.stat().st_mtime, path.name), reverse=True)
    left = _STUDIES
    for path in others:
        try:
            study = optuna.load_study(study_name=None, storage=f"sqlite:///{path}")
            same = study.user_attrs.get("task") == task_type
            same = same and study.user_attrs.get("metric") == metric
            complete = study.get_trials(states=(TrialState.COMPLETE,)) if same else []
        except Exception as error:
            # It is only a hint: a study of another version of Optuna, or one that is damaged.
            run_logger().warning("no warm start from %s: %s", path.name, error)
            continue
        if complete:
            best = best_trial(complete, 0).user_attrs
            yield best[ESTIMATOR], best[PARAMETERS]
            left -= 1
        if not left:
            return
