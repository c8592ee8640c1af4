"""Measures how rows differ from a reference: a window from the champion's, or one frame from another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from ..core.results import DriftReport, ModelVersion, WindowData, digest_of
from ..core.settings import DriftThresholds
from ..core.workspace import as_workspace
from ..monitoring.window_rows import load_window, report_path
from ..registry.references import reference_of
from ..registry.tracking import registry_errors
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import Columns
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows
    from ..monitoring.drift import ScoredColumn
    from ..monitoring.reference import ProfiledRows


@step()
def measure_drift(
    data: WindowData | Rows,
    reference: ModelVersion | Rows,
    *,
    thresholds: DriftThresholds | None = None,
    importance: Mapping[str, float] | None = None,
    redacted: Sequence[str] = (),
    columns: Columns | None = None,
    stores: Stores | None = None,
    workspace: Workspace | str | None = None,
) -> DriftReport:
    """Measure drift, and write the Evidently report.

    Features that are logged redacted are left out; the report says so. Of rows that are no window of the
    prediction log, and against a reference that is no model version, there are no predictions to compare:
    the features are, and the target where `columns` names it and both sides have it.

    The report goes to the workspace, if there is one. That of a version's window is logged to the
    version's MLflow run too, as `report_path` says.

    Args:
        data: A window, a pandas frame, an Arrow table or a snapshot.
        reference: The version whose reference to compare with; or rows that are as they should be, in time
            order when they have one.
        thresholds: What counts as drift. None: the defaults.
        importance: Feature to weight, where the reference is rows: an alarm needs
            `thresholds.importance` of all of it. None: all the same.
        redacted: Features that are logged redacted.
        columns: What each column is for, where data or reference are rows. None: every column that both
            have is a feature, a timestamp or id among them too.
        stores: Where the model's things are kept; the registry is needed for a version.
        workspace: Where the report is written: a path, a URL or a workspace. None: that of `stores`.

    Returns:
        The verdict; `not_run`, without a report, with fewer than `monitoring.drift.minimum_rows` on either
        side.

    Raises:
        ConfigurationError: If one of `thresholds.methods` is no drift method, a weight is of no feature,
            data or reference are of another kind, or a version is given without a registry.
        DataRejected: If a feature is missing on one side, a column is there twice, the sides have no
            column in common, or a column of the reference mixes types.
        ModelUnavailable: If the champion's reference cannot be fetched or does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the workspace cannot be read or written.

    Example:
        ```python
        import numpy as np
        import pandas as pd
        from prefect_mlops.tasks import measure_drift

        rng = np.random.default_rng(0)
        before = pd.DataFrame({"age": rng.normal(40, 9, 500), "job": rng.choice(["a", "b"], 500)})
        report = measure_drift.fn(before.assign(age=before["age"] + 9), before)
        print(report.verdict, report.drifted_columns)
        ```
    """
    thresholds = thresholds or DriftThresholds()
    if importance is not None and isinstance(reference, ModelVersion):
        raise ConfigurationError(
            "importance is given, and the reference is a model version, which has its own: leave it out"
        )
    report, scored = _measure(
        data,
        reference,
        thresholds=thresholds,
        importance=importance,
        redacted=redacted,
        columns=columns,
        stores=stores,
    )
    if scored:
        from ..monitoring.evidently_report import render_report

        html = render_report(report, scored, _title(data, reference, stores))
        place = _place(stores, workspace)
        if place is not None:
            name = digest_of(_identity(data, reference, report))[:16]
            uri = place.write_bytes(f"reports/drift/{name}.html", html.encode())
            report = report.model_copy(update={"report_uri": uri})
        if isinstance(data, WindowData) and isinstance(reference, ModelVersion):
            registry = _registry(stores)
            with registry_errors(registry):
                registry.get_client().log_text(reference.run_id, html, report_path(data.window))
    run_logger().info("drift %s: %s", report.verdict, report.reason)
    return report


def _measure(
    data: WindowData | Rows,
    reference: ModelVersion | Rows,
    *,
    thresholds: DriftThresholds,
    importance: Mapping[str, float] | None,
    redacted: Sequence[str],
    columns: Columns | None,
    stores: Stores | None,
) -> tuple[DriftReport, list[ScoredColumn]]:
    from ..monitoring.drift import score_window
    from ..monitoring.drift_verdict import judge, too_few_rows

    needed = thresholds.minimum_rows
    logged = isinstance(data, WindowData)
    if logged and data.rows < needed:
        return too_few_rows(data.rows, thresholds), []
    rows = load_window(data) if logged else _frame(data, "data")
    if len(rows) < needed:
        return too_few_rows(len(rows), thresholds, of="rows"), []
    if isinstance(reference, ModelVersion):
        known = reference_of(_registry(stores), reference)
        if logged:
            window = rows
        else:
            known = replace(known, predictions={})
            window = _as_window(rows, known.feature_types, columns)
        left_out = ""
    else:
        before = _frame(reference, "reference")
        if len(before) < needed:
            return too_few_rows(len(before), thresholds, of="rows of the reference"), []
        known, window, left_out = _against_rows(
            rows, before, logged=logged, columns=columns, importance=importance
        )
    scored = score_window(known, window, thresholds, redacted)
    report = judge(scored, len(window), thresholds)
    if left_out:
        report = report.model_copy(update={"reason": f"{report.reason}; {left_out}"})
    return report, scored


def _against_rows(
    rows: pd.DataFrame,
    before: pd.DataFrame,
    *,
    logged: bool,
    columns: Columns | None,
    importance: Mapping[str, float] | None,
) -> tuple[ProfiledRows, pd.DataFrame, str]:
    """Return the reference, the rows laid out like a window, and which columns are not compared."""
    from ..monitoring.given_rows import (
        compared_features,
        profile_rows,
        rows_of_window,
    )

    if logged:
        rows = rows_of_window(rows, columns.target if columns else None)
    features = compared_features(rows, before, columns)
    known = profile_rows(before, features, columns=columns, importance=importance)
    one_sided = sorted({*map(str, rows)} ^ {*map(str, before)}) if columns is None else []
    said = f"on one side only, not compared: {', '.join(one_sided)}" if one_sided else ""
    return known, _as_window(rows, features, columns), said


def _as_window(
    rows: pd.DataFrame, features: Iterable[str], columns: Columns | None
) -> pd.DataFrame:
    from ..monitoring.given_rows import window_of_rows

    return window_of_rows(rows, list(features), columns.target if columns else None)


def _frame(rows: Any, side: str) -> pd.DataFrame:
    from ..data.snapshots import as_frame
    from ..monitoring.given_rows import named_columns

    return named_columns(as_frame(rows, side))


def _registry(stores: Stores | None) -> ModelRegistry:
    if stores is None:
        raise ConfigurationError(
            "a model version's reference is kept in MLflow: give stores=Stores(name, registry=…), or give "
            "rows as the reference"
        )
    return stores.registry


def _place(stores: Stores | None, workspace: Workspace | str | None) -> Workspace | None:
    if workspace is not None:
        return as_workspace(workspace)
    return stores.find_workspace() if stores else None


def _title(data: WindowData | Rows, reference: ModelVersion | Rows, stores: Stores | None) -> str:
    name = stores.name if stores else "rows"
    version = (
        f"version {reference.version}"
        if isinstance(reference, ModelVersion)
        else "against rows that were given"
    )
    window = data.window.key if isinstance(data, WindowData) else "rows that were given"
    return f"{name}, {version}, {window}"


def _identity(
    data: WindowData | Rows, reference: ModelVersion | Rows, report: DriftReport
) -> dict[str, Any]:
    if isinstance(data, WindowData) and isinstance(reference, ModelVersion):
        return {"window": data.snapshot.digest, "version": reference.version}
    # The same finding gets the same name: rows have no digest of their own.
    return report.model_dump(mode="json")
