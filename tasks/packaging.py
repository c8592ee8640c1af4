"""Loads the logged model in a clean process and compares what it says there with what it says here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelUnavailable
from ..core.library_switches import DO_NOT_TRACK, MLFLOW_TELEMETRY_OFF
from ..core.results import Candidate, Gate, PackageCheck, Split, Verdict
from ..core.settings import GateSettings
from ..core.settings.gate_kinds import PACKAGE
from ..gates.package_limits import LATENCY
from ..runs.gate_words import log_gates
from ..runs.step import step
from ..serving import package_probe

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import PackageSettings, TaskType
    from ..metrics.losses import Floats
    from ..models.predictor import Predictor

_ROWS = 200
_CALLS = 50
_TIMEOUT_SECONDS = 180.0
_LARGEST_DIFFERENCE = 1e-9
_TAIL_CHARACTERS = 800
_LOADS, _SAME = "loads", "same predictions"


@step("check package of {candidate.estimator}")
def check_package(
    split: Split,
    candidate: Candidate,
    evaluated: bool = False,
    *,
    task_type: TaskType,
    latency_p99_ms: float | None,
    settings: GateSettings | None = None,
    registry: ModelRegistry,
) -> PackageCheck:
    """Check that the logged model works where it will be served.

    A process that has imported nothing loads the model's files, scores the saved input example and
    holdout rows, and times one-row predictions.

    Args:
        split: Whose holdout to score.
        candidate: The model.
        evaluated: Whether to check the evaluated model instead of the served one.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        latency_p99_ms: Longest 99th percentile of the latency, milliseconds. None: unbounded.
        settings: What a candidate must pass, of which `package` counts. None: the defaults.
        registry: Where runs and models are kept.

    Returns:
        Gates `loads`, `same predictions`, `latency` and `size`; `memory` and `load time` where `gates.package`
        bounds them.

    Raises:
        DataRejected: If an input column is missing.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    from ..data.schema import conform
    from ..data.snapshots import load_frame
    from ..gates.skipping import skipped_gate

    settings = settings or GateSettings()
    if skipped := skipped_gate(PACKAGE, settings):
        log_gates(PACKAGE, skipped)
        return PackageCheck(gates=skipped)
    uri = candidate.evaluated_uri if evaluated else candidate.model_uri
    try:
        predictor = registry.load_model(uri, task_type)
    except ModelUnavailable as error:
        return PackageCheck(gates=_stopped(_LOADS, "failed", str(error)))
    rows, _ = conform(load_frame(split.holdout).head(_ROWS), predictor.feature_types)
    with tempfile.TemporaryDirectory() as temporary:
        found, problem = _probe(registry, uri, rows, Path(temporary))
    check = _judge(predictor, rows, found, problem, latency_p99_ms=latency_p99_ms)
    check = _with_resources(check, found, settings.package)
    log_gates(PACKAGE, check.gates)
    return check


def _with_resources(
    check: PackageCheck, found: dict[str, Any], settings: PackageSettings
) -> PackageCheck:
    from ..gates.package_limits import resource_gates, size_gate

    memory, seconds = found.get("memory_bytes"), found.get("load_seconds")
    more = [size_gate(found["size_bytes"], settings), *resource_gates(memory, seconds, settings)]
    return check.model_copy(
        update={
            "gates": [*check.gates, *more],
            "size_bytes": found["size_bytes"],
            "memory_bytes": memory,
            "load_seconds": seconds,
        }
    )


def _probe(
    registry: ModelRegistry, uri: str, rows: pd.DataFrame, temporary: Path
) -> tuple[dict[str, Any], tuple[Verdict, str] | None]:
    """Run the process; return what it wrote, and how it ended when not well."""
    from ..models.predictor import fetch_model

    tracking_uri, registry_uri = registry.uris
    folder = fetch_model(uri, str(temporary), tracking_uri=tracking_uri, registry_uri=registry_uri)
    rows_path, result_path = temporary / "rows.parquet", temporary / "result.json"
    rows.to_parquet(rows_path)
    script = str(Path(package_probe.__file__).resolve())
    command = [sys.executable, "-I", script, folder, str(rows_path), str(result_path), str(_CALLS)]
    problem: tuple[Verdict, str] | None = None
    try:
        ended = subprocess.run(
            command,
            cwd=temporary,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = "not_run", f"the process did not end within {_TIMEOUT_SECONDS:g} seconds"
    else:
        tail = ended.stderr.strip()[-_TAIL_CHARACTERS:]
        if ended.returncode < 0:
            # Killed from outside, as for want of memory: that says nothing about the model.
            problem = "not_run", f"the process was killed by signal {-ended.returncode}: {tail}"
        elif ended.returncode:
            problem = "failed", f"the process ended with code {ended.returncode}: {tail}"
    try:
        found = json.loads(result_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {**found, "size_bytes": size}, problem


def _environment() -> dict[str, str]:
    """Return this process' environment without what points at servers or carries their secrets."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MLFLOW_", "PREFECT_"))
    }
    return {**kept, **MLFLOW_TELEMETRY_OFF, **DO_NOT_TRACK}


def _judge(
    predictor: Predictor,
    rows: pd.DataFrame,
    found: dict[str, Any],
    problem: tuple[Verdict, str] | None,
    *,
    latency_p99_ms: float | None,
) -> PackageCheck:
    import numpy as np

    verdict, reason = problem or ("not_run", "the process wrote no result")
    if "loaded" not in found:
        return PackageCheck(gates=_stopped(_LOADS, verdict, reason))
    gates = [Gate(name=_LOADS, verdict="passed", reason="the model loads in a clean process")]
    if "values" not in found:
        return PackageCheck(gates=gates + _stopped(_SAME, verdict, reason))
    expected = predictor.predict(rows)
    difference = _difference(np.asarray(found["values"], dtype=float), expected)
    gates.append(_same(predictor, expected, found, difference))
    if "milliseconds" not in found:
        gates += _stopped(LATENCY, verdict, reason)
        return PackageCheck(gates=gates, largest_difference=difference)
    p50, p99 = (float(value) for value in np.percentile(found["milliseconds"], [50, 99]))
    longest = latency_p99_ms
    bound = "no bound is set" if longest is None else f"at most {longest:g} ms is asked"
    gates.append(
        Gate(
            name=LATENCY,
            verdict="passed" if longest is None or p99 <= longest else "failed",
            reason=f"99% of one-row predictions take up to {p99:.1f} ms, half up to {p50:.1f} ms; {bound}",
            value=p99,
            threshold=longest,
        )
    )
    return PackageCheck(
        gates=gates, latency_p50_ms=p50, latency_p99_ms=p99, largest_difference=difference
    )


def _difference(values: Floats, expected: Floats) -> float:
    """Return the largest absolute difference; infinite when a value is missing or not finite."""
    import numpy as np

    if values.shape != expected.shape or not np.isfinite([values, expected]).all():
        return float("inf")
    return float(np.abs(values - expected).max(initial=0.0))


def _same(predictor: Predictor, expected: Floats, found: dict[str, Any], difference: float) -> Gate:
    labels = [str(label) for label in predictor.labels(expected).tolist()]
    other = sum(a != b for a, b in zip(labels, found["labels"], strict=True))
    if predictor.classes is None:
        # Numbers are compared as numbers, above.
        other = 0
    same = difference <= _LARGEST_DIFFERENCE and other == 0
    return Gate(
        name=_SAME,
        verdict="passed" if same else "failed",
        reason=f"on {len(labels)} holdout rows predictions differ by at most {difference:.3g}, and "
        f"{other} labels are others; {found['example_rows']} rows of the input example are scored",
        value=difference,
        threshold=_LARGEST_DIFFERENCE,
    )


def _stopped(first: str, verdict: Verdict, reason: str) -> list[Gate]:
    """Return the gate where the process stopped, and `not_run` for those after it."""
    names = [_LOADS, _SAME, LATENCY]
    later = names[names.index(first) + 1 :]
    return [
        Gate(name=first, verdict=verdict, reason=reason),
        *(Gate(name=name, verdict="not_run", reason=f"{first}: {verdict}") for name in later),
    ]
