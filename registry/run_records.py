"""The seven records that a metadata store must keep of every run, read from MLflow and the journal.

Google Cloud, *MLOps: Continuous delivery and automation pipelines in machine learning* (2023), "ML metadata
management": versions of the pipeline and its components; begin, end and duration of each step; the executor; the
arguments; pointers to what each step made; a pointer to the previous model; the metrics on training and test rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..core import tags
from ..core.results import RunRecord, StepRecord
from .tracking import registry_errors

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

    from ..blocks.stores import Stores

_PARENT_RUN = "mlflow.parentRunId"
_TRAINING, _HOLDOUT = "training.", "holdout."


def run_metadata(stores: Stores, limit: int | None = 100) -> list[RunRecord]:
    """Return the seven records of the project's runs, newest first.

    Trainings and adoptions are in it, whatever became of them; so are trainings that ended before they had an
    MLflow run, because their rows could not be read or trusted: the journal knows them.

    Args:
        stores: Where the model's things are kept; registry and predictions are needed.
        limit: Most runs. None: all of them.

    Returns:
        One a run. Its `missing` names those of the seven that were not recorded, as of runs of earlier versions
        of this package.

    Raises:
        LogUnavailable: If the journal cannot be read.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.registry.run_records import as_table, run_metadata

        project = MLProject.load("telemarketing")
        print(as_table(run_metadata(project.stores, limit=10)))
        ```
    """
    with stores.predictions.get_client() as store:
        endings = store.journal("retraining", stores.name)
    by_run = {str(end["run_id"]): end for end in reversed(endings) if end.get("run_id")}
    versions = _versions(stores)
    found = [
        _record(run, versions.get(run.info.run_id), by_run.get(run.info.run_id, {}))
        for run in _runs(stores, limit)
    ]
    found += [_unseen(end) for end in endings if not end.get("run_id")]
    found.sort(key=lambda record: record.started, reverse=True)
    return found if limit is None else found[:limit]


def as_table(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return records as a table, a row a run.

    Args:
        records: What `run_metadata` returned.

    Returns:
        The fields of the records; steps, artifacts and metrics as columns of dictionaries, and `seconds`.
    """
    import pandas as pd

    rows = []
    for record in records:
        row = record.model_dump()
        row["steps"] = {step.name: step.seconds for step in record.steps}
        row["seconds"] = (record.ended - record.started).total_seconds() if record.ended else None
        rows.append(row)
    return pd.DataFrame(rows, columns=[*RunRecord.model_fields, "seconds"])


def as_json(records: Iterable[RunRecord]) -> str:
    """Return records as JSON, a list of objects.

    Args:
        records: What `run_metadata` returned.
    """
    return json.dumps([record.model_dump(mode="json") for record in records], indent=2)


def _runs(stores: Stores, limit: int | None) -> list[Run]:
    """Return the runs of trainings and adoptions, newest first: those of trials are below them."""
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        experiment = client.get_experiment_by_name(stores.registry.experiment_name)
        if experiment is None:
            return []
        found: list[Run] = []
        token: str | None = None
        while limit is None or len(found) < limit:
            page = client.search_runs(
                [experiment.experiment_id],
                f"tags.`{tags.PROJECT}` = '{stores.name}'",
                order_by=["attributes.start_time DESC"],
                max_results=1_000,
                page_token=token,
            )
            found += [run for run in page if _PARENT_RUN not in run.data.tags]
            token = page.token
            if not token:
                break
    return found if limit is None else found[:limit]


def _versions(stores: Stores) -> dict[str, MlflowVersion]:
    client, name = stores.registry.get_client(), stores.registry.model_name
    found: dict[str, MlflowVersion] = {}
    with registry_errors(stores.registry):
        token: str | None = None
        while True:
            page = client.search_model_versions(f"name='{name}'", page_token=token)
            for version in page:
                run_id = (version.tags or {}).get(tags.EVIDENCE_RUN_ID) or version.run_id
                if run_id:
                    found[run_id] = version
            token = page.token
            if not token:
                return found


def _record(run: Run, version: MlflowVersion | None, ending: Mapping[str, Any]) -> RunRecord:
    texts, metrics = run.data.tags, run.data.metrics
    status = str(run.info.status)
    outcome = texts.get(tags.OUTCOME) or ending.get("outcome")
    if version is not None:
        outcome = (version.tags or {}).get(tags.OUTCOME) or outcome
    if outcome is None and status in ("FAILED", "KILLED"):
        outcome = status.lower()
    steps = _steps(texts)
    versions = _json(texts, tags.ENVIRONMENT)
    if not versions and tags.CODE_VERSION in texts:
        versions = {"prefect-mlops": texts[tags.CODE_VERSION]}
    recorded = {
        "versions": tags.ENVIRONMENT in texts,
        "steps": bool(steps),
        "executor": tags.EXECUTOR in texts,
        "parameters": tags.PARAMETERS in texts,
        "artifacts": any(step.outputs for step in steps),
        "previous_version": tags.PREVIOUS_VERSION in texts,
        "training_metrics": any(name.startswith(_TRAINING) for name in metrics),
        "holdout_metrics": any(name.startswith(_HOLDOUT) for name in metrics),
    }
    return RunRecord(
        run_id=run.info.run_id,
        name=str(run.info.run_name),
        kind="train" if tags.TRAINING_KEY in texts else "adopt",
        status=status,
        outcome=outcome,
        versions=versions,
        started=_moment(run.info.start_time),
        ended=_moment(run.info.end_time) if run.info.end_time else None,
        steps=steps,
        executor=_json(texts, tags.EXECUTOR),
        parameters={**_json(texts, tags.PARAMETERS), **run.data.params},
        artifacts={
            "run": str(run.info.artifact_uri),
            **{name: uri for step in steps for name, uri in _named(step)},
        },
        previous_version=texts.get(tags.PREVIOUS_VERSION) or None,
        model_version=str(version.version) if version else None,
        training_metrics=_metrics(metrics, _TRAINING),
        holdout_metrics=_metrics(metrics, _HOLDOUT),
        missing=[name for name, there in recorded.items() if not there],
    )


def _unseen(ending: Mapping[str, Any]) -> RunRecord:
    """Return what the journal knows of a training that ended before it had an MLflow run."""
    moment = datetime.fromisoformat(ending["ended_at"])
    executed = ending.get("flow_run_id")
    return RunRecord(
        run_id="",
        name=str(executed or "unknown"),
        kind="train",
        status="FAILED",
        outcome=ending["outcome"],
        started=moment,
        ended=moment,
        executor={"flow_run_id": str(executed)} if executed else {},
        parameters={"cause": ending.get("cause_id"), "reasons": ending.get("reasons", [])},
        missing=[
            "versions",
            "steps",
            "artifacts",
            "previous_version",
            "training_metrics",
            "holdout_metrics",
        ],
    )


def _steps(texts: Mapping[str, str]) -> list[StepRecord]:
    found: list[StepRecord] = []
    for name, text in texts.items():
        if name.startswith(tags.STEP):
            try:
                content = json.loads(text)
                found.append(StepRecord(name=name.removeprefix(tags.STEP), **content))
            except (ValueError, TypeError, ValidationError):
                # Somebody else's tag, or cut by another store.
                continue
    return sorted(found, key=lambda step: step.started)


def _named(step: StepRecord) -> list[tuple[str, str]]:
    return [(f"{step.name}.{name}", uri) for name, uri in step.outputs.items()]


def _json(texts: Mapping[str, str], tag: str) -> dict[str, Any]:
    try:
        found = json.loads(texts.get(tag, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _metrics(metrics: Mapping[str, float], prefix: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): value
        for name, value in metrics.items()
        if name.startswith(prefix)
    }


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
