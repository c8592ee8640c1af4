"""Asks how old the newest row is that a model has learnt, at the moment that it is to be promoted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..core.results import Candidate, GateCheck, ModelVersion
from ..core.settings import Columns, GateSettings
from ..registry.compared_models import named_model
from ..registry.examined_model import keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores

KIND = "freshness"


@step(of_candidate("data age of"))
def check_freshness(
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns | None = None,
    settings: GateSettings | None = None,
    stores: Stores,
) -> GateCheck:
    """Hold the age of the newest row that the served model was fitted on against `gates.freshness`.

    Args:
        candidate: The model: a candidate, of which the served model is meant, a version or a URI.
        columns: What each column is for: the timestamp is named in the reason. None: it is not.
        settings: What a candidate must pass. None: the defaults, which set no limit.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        Gate `data age`: it decides where there is a limit, and is `not_run` where the newest row is of a day to
        come. None where there is neither a limit nor a moment.

    Raises:
        ConfigurationError: If the candidate is of another kind.
        DataRejected: If a version's data cutoff cannot be read.
        ModelUnavailable: If a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import GateSettings
        from prefect_mlops.tasks import check_freshness

        found = check_freshness.fn(
            "models:/calls@champion",
            settings=GateSettings(freshness={"maximum_data_age_days": 30}),
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print(found.verdict, [gate.reason for gate in found.gates])
        ```
    """
    from ..gates.freshness import data_age

    settings = settings or GateSettings()
    if skipped := skipped_check(KIND, settings):
        return skipped
    newest = named_model(stores.registry, candidate).served_up_to().moment
    column = columns.timestamp if columns else None
    gates = data_age(newest, datetime.now(UTC), settings.freshness, column=column)
    ages = [gate.value for gate in gates if gate.value is not None]
    measured = {"freshness.data_age_days": ages[0]} if ages else {}
    check = GateCheck(kind=KIND, gates=gates, measured=measured)
    return keep_found(stores, candidate, check)
