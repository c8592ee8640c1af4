"""Loads a logged model in a process of its own, as a model server would, and scores with it.

Run as a script: `python -I package_probe.py MODEL_FOLDER ROWS_PARQUET RESULT_JSON CALLS`. It writes
what it has after every step, so that its caller sees how far it came. It imports neither
Prefect nor this package.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

_WARM_UP = 5


def probe(folder: str, rows_path: str, result_path: str, calls: int) -> None:
    """Load a model both ways that MLflow offers, score, and time one-row predictions.

    Args:
        folder: Local folder of the logged model.
        rows_path: Parquet file with conformed rows.
        result_path: Where to write the result: `example_rows`, `values` (probabilities, or values
            for regression), `labels`, `milliseconds` of each one-row prediction, `load_seconds` and, where
            the system tells it, `memory_bytes` at its peak.
        calls: One-row predictions to time.
    """
    import pandas as pd
    from mlflow import pyfunc
    from mlflow import sklearn as mlflow_sklearn
    from sklearn.ensemble import StackingClassifier

    result: dict[str, Any] = {}

    def save() -> None:
        Path(result_path).write_text(json.dumps(result), encoding="utf-8")

    started = time.perf_counter()
    served = pyfunc.load_model(folder)
    result["load_seconds"] = time.perf_counter() - started
    model: Any = mlflow_sklearn.load_model(folder)
    result["loaded"] = True
    save()
    example = served.input_example
    if example is None:
        raise ValueError("the model was logged without an input example")
    result["example_rows"] = len(served.predict(example))
    rows = pd.read_parquet(rows_path)
    if isinstance(model, StackingClassifier) and not hasattr(model, "predict_proba"):
        # A rule over the costs of several classes stands around the model, and answers with labels only.
        inside: Any = model.estimators_
        model = inside[0]
    values = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    result["values"] = values.tolist()
    result["labels"] = [str(label) for label in served.predict(rows).tolist()]
    save()
    singles = [rows.iloc[[position % len(rows)]] for position in range(calls + _WARM_UP)]
    milliseconds = []
    for single in singles:
        started = time.perf_counter()
        served.predict(single)
        milliseconds.append((time.perf_counter() - started) * 1_000)
    result["milliseconds"] = milliseconds[_WARM_UP:]
    result["memory_bytes"] = _peak_memory()
    save()


def _peak_memory() -> int | None:
    """Return the most memory that this process has taken, bytes, or None where the system does not tell."""
    try:
        # Not getrusage: on Linux its peak is that of the process that started this one, if that was higher.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return None if found is None else int(found.split()[1]) * 1_024


if __name__ == "__main__":
    probe(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
