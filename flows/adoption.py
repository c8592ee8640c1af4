"""The adoption flow: a model that was trained elsewhere is scored, registered and put into service."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from prefect import flow

from ..blocks.dataset import Dataset
from ..blocks.project import MLProject
from ..core import tags
from ..core.results import ModelVersion
from ..registry.versions import get_version
from ..runs.events import MODEL_PROMOTED, emit
from ..tasks.adoption import adopt as adopt_model
from ..tasks.card import write_card
from ..tasks.extraction import extract
from .project_flow import project_flow
from .projects import load_dataset, load_project, run_name


@project_flow
@flow(name="adopt", flow_run_name=lambda: run_name("adopt"), persist_result=False)
def adopt(
    project: MLProject | str,
    model: str,
    dataset: Dataset | str | None = None,
    *,
    alias: Literal["champion", "challenger"] = tags.CHAMPION,
    replace_champion: bool = False,
    classes: list[bool | int | float | str] | None = None,
    cutoff: datetime | int | None = None,
) -> ModelVersion:
    """Take a model of any MLflow flavour into service that was trained elsewhere.

    Its project scores, logs, monitors and rolls it back from then on, and a training may replace it.

    Args:
        project: The project, or the name its block was saved under.
        model: Number of a version of the project's registered model, or a URI: `models:/name/version`,
            `models:/name@alias`, `models:/<id>`, `runs:/<run>/<name>`.
        dataset: Labelled rows that the model was not fitted on, or the name of a saved Dataset block. Empty:
            the project's own.
        alias: What it becomes: the champion, which serves, or the challenger, which a canary tries.
        replace_champion: Whether it may take the place of another champion, without a comparison.
        classes: Classes in the order of the model's probabilities. Empty: as the model says, or the target's
            values in order.
        cutoff: What it was fitted on: the newest moment, or how many rows of the ordered history. Empty: the
            newest moment of the rows.

    Returns:
        The version, with its tags and alias.

    Raises:
        ConfigurationError: If there is another champion and `replace_champion` is not set.
        DataRejected: If the rows are too few, or lack the target or an input column.
        ModelUnavailable: If there is no such model, or it cannot be asked for probabilities or values.
        SourceUnavailable: If the rows cannot be read.

    Example:
        ```python
        from prefect_mlops.flows import adopt

        version = adopt("telemarketing", "models:/their-model/3", "labelled-calls")
        ```
    """
    found = load_project(project)
    given = load_dataset(dataset, found)
    rows = extract(**{**found.arguments(extract), "dataset": given, "columns": given.columns})
    version = adopt_model(
        model,
        rows,
        alias=alias,
        replace_champion=replace_champion,
        classes=classes,
        cutoff=cutoff,
        **{**found.arguments(adopt_model), "columns": given.columns},
    )
    write_card(version, **{**found.arguments(write_card), "columns": given.columns})
    version = get_version(found.registry, version.version)
    if alias == tags.CHAMPION:
        emit(
            found.name,
            MODEL_PROMOTED,
            {
                "outcome": "promoted",
                "reasons": ["adopted"],
                "version": version.model_dump(mode="json"),
            },
        )
    return version
