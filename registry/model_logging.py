"""Logs fitted models to MLflow without its global state, in a form that loads without pickles."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from .tracking import registry_errors

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import TaskType
    from ..data.schema import FeatureType
    from ..models.decision import Decision

_TRUSTED_PREFIXES = ("sklearn.", "numpy.", "scipy.")
# Harmless by themselves: what they call is listed, and checked, too.
_TRUSTED = frozenset({"operator.methodcaller", "functools.partial"})
_REQUIREMENTS = ("scikit-learn", "skops", "numpy", "scipy", "pandas")
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
    decision: Decision | None = None,
) -> str:
    """Log a fitted estimator as a model of a run.

    Args:
        run_id: The run.
        estimator: Fitted; takes a conformed frame.
        name: Name of the logged model.
        feature_types: Input column to feature type, in order.
        example: Conformed rows; the first 5 are kept with the model.
        parameters: Hyperparameters, to be shown with the model.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        registry: Where runs and models are kept.
        decision: How its probabilities become a label. None: the most probable class.

    Returns:
        Its URI, `models:/<id>`.

    Raises:
        ConfigurationError: If the estimator contains a type that cannot be persisted safely.
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    from mlflow import sklearn as mlflow_sklearn
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    from ..models.decision import deciding_estimator
    from ..models.predictor import METADATA_KEY

    metadata: dict[str, Any] = {"kinds": dict(feature_types), "task_type": task_type}
    if decision is not None:
        estimator = deciding_estimator(estimator, decision, example)
        metadata["decision"] = decision.document()
    trusted = trusted_types(estimator)
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
            folder = str(Path(temporary) / "model")
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
                skops_trusted_types=trusted,
                pip_requirements=[f"{package}=={version(package)}" for package in _REQUIREMENTS],
                signature=_signature(feature_types, estimator.predict(example.head(_EXAMPLE_ROWS))),
                input_example=example.head(_EXAMPLE_ROWS),
                metadata={METADATA_KEY: metadata},
            )
            client.log_model_artifacts(identifier, folder)
        except BaseException:
            client.finalize_logged_model(identifier, LoggedModelStatus.FAILED)
            raise
        client.finalize_logged_model(identifier, LoggedModelStatus.READY)
        client.log_outputs(run_id, [LoggedModelOutput(identifier, step=0)])
    return f"models:/{identifier}"


def trusted_types(estimator: Any) -> list[str]:
    """Return the types in a fitted estimator that skops must be told to trust.

    Args:
        estimator: Fitted.

    Returns:
        Their names; all of scikit-learn, NumPy or SciPy.

    Raises:
        ConfigurationError: If there is any other, or skops cannot persist the estimator.
    """
    from skops import io

    try:
        found = io.get_untrusted_types(data=io.dumps(estimator))
    except Exception as error:
        raise ConfigurationError(
            f"the estimator cannot be persisted with skops: {type(error).__name__}: {error}. Use types "
            "of scikit-learn, NumPy and SciPy only, no functions or classes of your own"
        ) from error
    foreign = [
        name for name in found if name not in _TRUSTED and not name.startswith(_TRUSTED_PREFIXES)
    ]
    if foreign:
        raise ConfigurationError(
            f"the estimator contains {', '.join(foreign)}: a model server would need that code, and "
            "loading it could run anything. Use types of scikit-learn, NumPy and SciPy only"
        )
    return found


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
