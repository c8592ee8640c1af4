"""What is written into an MLflow run: files, descriptions, batches of metrics and tags."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .tracking import flow_run_link, registry_errors

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.results import ModelVersion, Snapshot


_LONGEST_NOTE = 5_000
# MLflow's digests hold 36 characters.
_DIGEST_CHARACTERS = 36


def log_file(
    registry: ModelRegistry, run_id: str, content: Path | str | bytes, artifact: str
) -> str:
    """Log a file, a folder or bytes as an artifact of a run.

    Args:
        registry: Where runs and models are kept.
        run_id: The run.
        content: Path of a local file or folder, or the bytes themselves.
        artifact: Path of the file or folder below the run's artifacts, with `/` between folders.

    Returns:
        Its URI, `runs:/…`.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    client = registry.get_client()
    place = PurePosixPath(artifact)
    folder = None if str(place.parent) == "." else str(place.parent)
    with registry_errors(registry):
        if not isinstance(content, bytes) and Path(content).is_dir():
            client.log_artifacts(run_id, str(content), artifact)
        else:
            with tempfile.TemporaryDirectory() as temporary:
                local = Path(temporary) / place.name
                local.write_bytes(
                    content if isinstance(content, bytes) else Path(content).read_bytes()
                )
                client.log_artifact(run_id, str(local), folder)
    return f"runs:/{run_id}/{artifact}"


def describe(registry: ModelRegistry, run_id: str, version: ModelVersion | None, text: str) -> None:
    """Describe a run, and the version made of it, for whoever opens them in MLflow.

    Args:
        registry: Where runs and models are kept.
        run_id: The run.
        version: The version, or None.
        text: Markdown; cut at 5,000 characters. A link to the flow run that is running is added.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

    client = registry.get_client()
    link = flow_run_link()
    tail = f"\n\nPrefect flow run: [{link.name}]({link.url})" if link.url else ""
    shown = text[: _LONGEST_NOTE - len(tail)] + tail
    with registry_errors(registry):
        client.set_tag(run_id, MLFLOW_RUN_NOTE, shown)
        if version is not None:
            client.update_model_version(version.name, version.version, description=shown)


def log_inputs(stores: Stores, run_id: str, snapshots: dict[str, Snapshot]) -> None:
    """Log which rows were used, by the digest of all of them: MLflow's own covers the first 10,000.

    Args:
        stores: Where the model's things are kept.
        run_id: The run.
        snapshots: What they were used for to the rows.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=stores.name,
                digest=snapshot.digest[:_DIGEST_CHARACTERS],
                source_type="parquet",
                source=json.dumps({"uri": snapshot.uri, "from": snapshot.source}),
                schema=json.dumps({"columns": snapshot.columns})[:65_535],
                profile=json.dumps({"rows": snapshot.rows}),
            ),
            [InputTag("mlflow.data.context", context), InputTag("digest", snapshot.digest)],
        )
        for context, snapshot in snapshots.items()
    ]
    with registry_errors(stores.registry):
        stores.registry.get_client().log_inputs(run_id, inputs)
