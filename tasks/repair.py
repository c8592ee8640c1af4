"""Verifies whether a new champion fixes the window that caused its training.

The served model may have been fitted on that window's rows, so it is not asked: the evaluated model
is, on the rows after its own cutoff, which it has never seen. Only where too few of those are
labelled are all rows used, and the result says which share had been fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core import tags
from ..core.results import Cause, ModelVersion, Repair, WindowData
from .champion import get_version
from .drift import measure_window
from .performance import labelled_rows
from .run_log import run_logger
from .tracking import registry_errors
from .windows import read_window

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.project import MLProject


@task(
    name="verify_repair",
    task_run_name="verify repair by version {version.version}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def verify_repair(project: MLProject, cause: Cause, version: ModelVersion) -> Repair:
    """Score the window that caused a training with the champion before and after.

    With labels, the window is repaired when the new champion's metric is better on the same rows and
    the bootstrap interval of the improvement stays above 0. Without enough labels, or with features
    that are logged redacted, it is repaired when the window no longer drifts from the new champion's
    reference.

    Args:
        project: The project.
        cause: Why the training was asked for.
        version: The version that was promoted.

    Returns:
        The verdict; it is written to the journal and to the version's tags too.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        ModelUnavailable: If one of the two models does not load.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    data = read_window.fn(project, cause.window)
    rows = labelled_rows(project, data)
    minimum = project.monitoring.performance.minimum_labels
    if len(rows) >= minimum and not project.redacted:
        repair = _by_performance(project, cause, version, rows, minimum)
    else:
        repair = _by_drift(project, cause, version, data)
    with project.predictions.get_client() as store:
        store.record("repair", cause.id, project.name, repair.model_dump(mode="json"))
    client = project.registry.get_client()
    with registry_errors(project):
        client.set_model_version_tag(version.name, version.version, tags.REPAIR, repair.verdict)
    run_logger().info("repair of %s: %s, %s", cause.id, repair.verdict, repair.reason)
    return repair


def _by_performance(
    project: MLProject, cause: Cause, version: ModelVersion, rows: pd.DataFrame, minimum: int
) -> Repair:
    import pandas as pd

    from ..core.bootstrap import paired_difference
    from ..core.labels import to_classes
    from ..core.metrics import row_losses, total

    cutoff = version.tags.get(tags.EVALUATED_CUTOFF)
    # Without timestamps nobody can tell which rows were fitted on: assume all of them.
    seen = rows["at"] <= pd.Timestamp(cutoff) if cutoff else pd.Series(True, index=rows.index)
    unseen = rows[~seen]
    judged, fitted = (unseen, 0.0) if len(unseen) >= minimum else (rows, float(seen.mean()))

    def losses(uri: str):  # noqa: ANN202
        model = project.registry.load_model(uri, project.task)
        classes = model.classes
        labels = judged["label"] if classes is None else to_classes(judged["label"], classes)
        return row_losses(project.metric, labels, model.predict(judged), classes)

    before_version = get_version(project, cause.champion_version)
    before = losses(before_version.tags.get(tags.EVALUATED_URI, before_version.uri))
    after = losses(version.tags[tags.EVALUATED_URI])
    policy = project.monitoring.performance
    interval = paired_difference(
        project.metric,
        before,
        after,
        confidence=policy.confidence,
        resamples=project.gates.resamples,
        seed=project.training.seed,
    )
    old, new = total(project.metric, before), total(project.metric, after)
    repaired = interval.low > 0
    share = f"; {fitted:.0%} of them had been fitted on" if fitted else ""
    return Repair(
        cause_id=cause.id,
        version=version.version,
        verdict="passed" if repaired else "failed",
        reason=f"{project.metric} {old:.4f} before, {new:.4f} after, on {len(judged):,} rows of the "
        f"window{share}; improvement {interval.value:+.4f}, interval {interval.low:+.4f} to "
        f"{interval.high:+.4f}",
        metric=project.metric,
        before=old,
        after=new,
        fitted_on_window=fitted,
        rows=len(judged),
    )


def _by_drift(project: MLProject, cause: Cause, version: ModelVersion, data: WindowData) -> Repair:
    drift = measure_window(project, data, version)
    why = (
        f"{', '.join(project.redacted)} are logged redacted, so nobody can score these rows again"
        if project.redacted
        else f"too few labels to compare {project.metric}"
    )
    return Repair(
        cause_id=cause.id,
        version=version.version,
        verdict=drift.verdict,
        reason=f"{why}; against the new reference: {drift.reason}",
        metric=project.metric,
        rows=data.rows,
    )
