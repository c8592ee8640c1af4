"""Logs fitted models to MLflow without its global state, in a form that loads without pickles."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from .model_code import ModelCode, code_of
from .tracking import registry_errors

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import TaskType
    from ..data.schema import FeatureType
    from ..models.decision import Decision

_REQUIREMENTS = ("scikit-learn", "skops", "numpy", "scipy", "pandas")
# Packages of these requirements, and the standard library's part that preprocessors use.
_REQUIRED = ("sklearn.", "numpy.", "scipy.", "pandas.")
_EXAMPLE_ROWS = 5


def log_model(
    run_id: str,
    estimator: Any,
    *,
    name: str,
    feature_types: dict[str, FeatureType],
    example: pd.DataFrame,
    parameters: dict[str, Any],
    task_type: TaskType,
    registry: ModelRegistry,
    trusted: Collection[str] = (),
    decision: Decision | None = None,
) -> str:
    """Log a fitted estimator as a model of a run, with the modules of a user's own that it needs.

    Args:
        run_id: The run.
        estimator: Fitted; takes a conformed frame.
        name: Name of the logged model.
        feature_types: Input column to feature type, in order.
        example: Conformed rows; the first 5 are kept with the model.
        parameters: Hyperparameters, to be shown with the model.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        registry: Where runs and models are kept.
        trusted: Types that it may consist of beyond those of scikit-learn, NumPy and SciPy.
        decision: How its probabilities become a label. None: the most probable class.

    Returns:
        Its URI, `models:/<id>`.

    Raises:
        ConfigurationError: If the estimator contains a type that nobody trusts, or whose code can be neither
            shipped nor required.
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    from mlflow import sklearn as mlflow_sklearn
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    from ..models.decision import deciding_estimator
    from ..models.predictor import METADATA_KEY, TRUSTED_KEY
    from ..models.trusted_types import untrusted

    stored: dict[str, Any] = {"kinds": dict(feature_types), "task_type": task_type}
    if decision is not None:
        estimator = deciding_estimator(estimator, decision, example)
        stored["decision"] = decision.document()
    types = trusted_types(estimator, trusted)
    declared = untrusted(types)
    code = code_of(name for name in types if not name.startswith(_REQUIRED))
    if declared:
        stored[TRUSTED_KEY] = declared
    client = registry.get_client()
    with registry_errors(registry), tempfile.TemporaryDirectory() as temporary:
        logged = client.create_logged_model(
            client.get_run(run_id).info.experiment_id,
            name=name,
            source_run_id=run_id,
            params={key: str(value) for key, value in parameters.items()},
        )
        identifier = logged.model_id
        try:
            folder, modules = str(Path(temporary) / "model"), Path(temporary) / "modules"
            modules.mkdir()
            mlflow_sklearn.save_model(
                estimator,
                folder,
                mlflow_model=Model(
                    artifact_path=logged.artifact_location,
                    run_id=run_id,
                    model_uuid=identifier,
                    model_id=identifier,
                ),
                serialization_format="skops",
                skops_trusted_types=types,
                pip_requirements=_requirements(code),
                code_paths=code.copy_to(modules) or None,
                signature=_signature(feature_types, estimator.predict(example.head(_EXAMPLE_ROWS))),
                input_example=example.head(_EXAMPLE_ROWS),
                metadata={METADATA_KEY: stored},
            )
            client.log_model_artifacts(identifier, folder)
        except BaseException:
            client.finalize_logged_model(identifier, LoggedModelStatus.FAILED)
            raise
        client.finalize_logged_model(identifier, LoggedModelStatus.READY)
        client.log_outputs(run_id, [LoggedModelOutput(identifier, step=0)])
    return f"models:/{identifier}"


def trusted_types(estimator: Any, trusted: Collection[str] = ()) -> list[str]:
    """Return the types in a fitted estimator that skops must be told to trust.

    Args:
        estimator: Fitted.
        trusted: Types that a person declared, or that a built-in estimator brings.

    Returns:
        Their names.

    Raises:
        ConfigurationError: If there is any that nobody trusts, or skops cannot persist the estimator.
    """
    from skops import io

    from ..models.trusted_types import how_to_trust, untrusted

    try:
        found = io.get_untrusted_types(data=io.dumps(estimator))
    except Exception as error:
        raise ConfigurationError(
            f"the estimator cannot be persisted with skops: {type(error).__name__}: {error}. Define its classes "
            "and functions by name in modules, and keep nothing in them that is no data"
        ) from error
    foreign = untrusted(found, trusted)
    if foreign:
        raise ConfigurationError(
            f"the estimator contains {', '.join(foreign)}, which nobody declared to trust: whoever loads the "
            f"model runs that code. If you trust it, set {how_to_trust(foreign)}, beside what is there"
        )
    return found


def _requirements(code: ModelCode) -> list[str]:
    found = {package: version(package) for package in _REQUIREMENTS} | code.requirements
    return [f"{package}=={number}" for package, number in found.items()]


def _signature(feature_types: dict[str, FeatureType], predicted: Any) -> ModelSignature:
    """Return a signature by kind: one inferred from rows depends on which of them have nulls."""
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema

    types = {
        "number": DataType.double,
        "boolean": DataType.double,
        "category": DataType.string,
        "datetime": DataType.datetime,
    }
    inputs = Schema([ColSpec(types[kind], name) for name, kind in feature_types.items()])
    return ModelSignature(inputs=inputs, outputs=infer_signature(predicted, predicted).outputs)
