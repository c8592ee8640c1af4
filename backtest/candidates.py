"""Candidates of a backtest: the model of each training, fitted once and cached by content.

A policy decides when to train, not what comes of it: the candidate that is trained on the first 24,000
rows is the same one under every policy. The search for a recipe, which takes longest, is kept under the
digest of the rows it saw; the candidate, with its losses on all later rows, under that of all rows.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..core.former_names import with_task_type
from ..core.import_paths import source_digests
from ..core.results import digest_of
from ..core.settings import Columns, Setup
from ..core.version import VERSION
from ..core.workspace import Workspace
from ..data.holdout import first_held_out, straddling, wanted_holdout
from ..data.row_weights import groups_of
from ..data.training_rows import TrainingRows, labels_of, training_rows
from ..metrics.losses import Floats, row_losses
from ..models.predictor import Predictor
from ..monitoring.reference import Reference
from ..training.calibration import decision_rules
from ..training.feature_steps import with_features
from ..training.recipe_evaluation import Recipe, evaluate_recipe
from ..training.search import search_recipe
from .stream import Stream

_FILES = ("profile.json", "blocks.npz", "sample.parquet")


@dataclass(frozen=True)
class ReplayedCandidate:
    """A model trained on the first rows of a stream, and what it predicts for all later ones.

    Attributes:
        rows: Rows it could learn from; the served model has seen `fitted` of them.
        fitted: Rows that the served model was fitted on.
        first_held_out: Position of the first row that the evaluated model has not seen.
        recipe: What was fitted.
        evaluated: Losses of the evaluated model from `first_held_out` on.
        served: Losses of the served model from `rows` on.
        predictions: What the served model answers from `rows` on.
        classes: Class of each probability; None for regression.
        reference: What windows are compared with.
        metrics: Metric name to value on the holdout.
        seconds: How long search and fits took when they were made.
    """

    rows: int
    fitted: int
    first_held_out: int
    recipe: Recipe
    evaluated: Floats
    served: Floats
    predictions: Floats
    classes: list[str] | None
    reference: Reference
    metrics: dict[str, float]
    seconds: float

    def evaluated_losses(self, begin: int, end: int) -> Floats:
        """Return the evaluated model's losses on rows that it has not seen."""
        return self.evaluated[begin - self.first_held_out : end - self.first_held_out]

    def served_losses(self, begin: int, end: int) -> Floats:
        """Return the served model's losses on later rows."""
        return self.served[begin - self.rows : end - self.rows]


class Candidates:
    """Trains what is asked for, each once.

    Args:
        stream: The rows.
        setup: How to train.
        workspace: Where candidates are kept.

    Attributes:
        stream: The rows.
    """

    def __init__(self, stream: Stream, setup: Setup, workspace: Workspace) -> None:
        self.stream = stream
        self._setup = setup
        self._workspace = workspace
        self._found: dict[int, ReplayedCandidate] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._guard = threading.Lock()

    def train(self, rows: int) -> ReplayedCandidate:
        """Return what a training on the first rows gives.

        Args:
            rows: How many.

        Raises:
            ConfigurationError: If no recipe can be found.
            DataRejected: If the rows cannot be trained on.
            WorkspaceUnavailable: If the workspace cannot be read or written.
        """
        with self._guard:
            lock = self._locks.setdefault(rows, threading.Lock())
        with lock:
            if rows not in self._found:
                self._found[rows] = self._load_or_train(rows)
        return self._found[rows]

    def _load_or_train(self, rows: int) -> ReplayedCandidate:
        name = f"backtests/candidates/{self._key(len(self.stream.frame), rows)}"
        if self._workspace.exists(f"{name}/candidate.json"):
            return self._load(name)
        candidate = self._train(rows)
        self._save(name, candidate)
        return candidate

    def _key(self, covered: int, rows: int) -> str:
        setup = self._setup
        code = source_digests(setup.training.own_code)
        return digest_of(
            {
                "version": VERSION,
                "content": _content(self.stream.frame, covered),
                "rows": rows,
                # The field was called so: another text would be another training.
                "task": setup.task_type,
                "metric": setup.metric,
                "columns": setup.columns.model_dump(mode="json"),
                "data": setup.data.model_dump(mode="json"),
                "training": setup.training.model_dump(mode="json"),
                "refits": setup.refits,
                "window_rows": setup.monitoring.window_rows,
                **({"code": code} if code else {}),
            }
        )[:32]

    def _train(self, rows: int) -> ReplayedCandidate:
        started = time.perf_counter()
        setup, frame = self._setup, self.stream.frame
        table = pa.table({"at": pa.array(self.stream.timestamps[:rows])})
        wanted = wanted_holdout(rows, setup.data, setup.monitoring.window_rows)
        first = first_held_out(table, "at", wanted)
        train, holdout = rows_learnt(frame, setup.columns, first, rows), frame.iloc[first:rows]
        weights = setup.training.class_weights
        data = training_rows(train, setup.columns, setup.task_type, class_weights=weights)
        data = with_features(data, setup.training)
        recipe, searched = self._recipe(data, first)
        rules = decision_rules(setup.training, setup.task_type, "time")
        found = evaluate_recipe(
            recipe,
            data,
            holdout,
            setup.columns,
            method="time",
            periods=setup.training.promise_periods,
            rules=rules,
        )
        served = found.predictor
        if setup.refits:
            everything = training_rows(
                frame.iloc[:rows], setup.columns, setup.task_type, data.feature_types, weights
            )
            served = recipe.fitted(replace(everything, steps=data.steps), rules)
        later = frame.iloc[rows:]
        classes = found.predictor.classes
        spent = time.perf_counter() - started
        return ReplayedCandidate(
            rows=rows,
            fitted=rows if setup.refits else first,
            first_held_out=first,
            recipe=recipe,
            evaluated=self._losses(found.predictor, frame.iloc[first:]),
            served=self._losses(served, later),
            predictions=served.predict(later) if len(later) else np.empty(0),
            classes=None if classes is None else list(found.reference.classes or []),
            reference=found.reference,
            metrics=found.metrics,
            # The search may have been made earlier: it counts all the same.
            seconds=spent + searched,
        )

    def _losses(self, predictor: Predictor, rows: pd.DataFrame) -> Floats:
        if not len(rows):
            return np.empty(0)
        setup = self._setup
        truth = labels_of(rows, setup.columns.target, setup.task_type)
        return row_losses(setup.metric, truth, predictor.predict(rows), predictor.classes)

    def _recipe(self, data: TrainingRows, first: int) -> tuple[Recipe, float]:
        """Return the recipe, and how long the search took when it was made before."""
        setup = self._setup
        name = f"backtests/recipes/{self._key(first, first)}.json"
        if self._workspace.exists(name):
            known = self._workspace.read_json(name)
            return Recipe(**with_task_type(known["recipe"])), float(known["seconds"])
        started = time.perf_counter()
        recipe, _ = search_recipe(data, "time", setup.training, setup.task_type, setup.metric)
        spent = time.perf_counter() - started
        self._workspace.write_json(name, {"recipe": _plain(recipe), "seconds": spent})
        return recipe, 0.0

    def _save(self, name: str, candidate: ReplayedCandidate) -> None:
        with tempfile.TemporaryDirectory() as folder:
            candidate.reference.save(Path(folder))
            for file in _FILES:
                content = (Path(folder) / file).read_bytes()
                self._workspace.write_bytes(f"{name}/{file}", content)
        arrays = io.BytesIO()
        np.savez_compressed(
            arrays,
            evaluated=candidate.evaluated,
            served=candidate.served,
            predictions=candidate.predictions,
        )
        self._workspace.write_bytes(f"{name}/losses.npz", arrays.getvalue())
        plain = {
            "rows": candidate.rows,
            "fitted": candidate.fitted,
            "first_held_out": candidate.first_held_out,
            "recipe": _plain(candidate.recipe),
            "classes": candidate.classes,
            "metrics": candidate.metrics,
            "seconds": candidate.seconds,
        }
        # Last: a candidate that is not whole counts as none.
        self._workspace.write_json(f"{name}/candidate.json", plain)

    def _load(self, name: str) -> ReplayedCandidate:
        plain = self._workspace.read_json(f"{name}/candidate.json")
        with tempfile.TemporaryDirectory() as folder:
            for file in _FILES:
                (Path(folder) / file).write_bytes(self._workspace.read_bytes(f"{name}/{file}"))
            reference = Reference.load(Path(folder))
        stored = np.load(
            io.BytesIO(self._workspace.read_bytes(f"{name}/losses.npz")), allow_pickle=False
        )
        arrays: dict[str, Any] = {key: stored[key] for key in stored.files}
        recipe = Recipe(**with_task_type(plain.pop("recipe")))
        return ReplayedCandidate(**plain, **arrays, recipe=recipe, reference=reference)


def rows_learnt(frame: pd.DataFrame, columns: Columns, first: int, rows: int) -> pd.DataFrame:
    """Return the rows that an evaluated model is fitted on.

    Args:
        frame: Rows of a stream.
        columns: Roles.
        first: Position of the first row that is held out.
        rows: Rows that the training could learn from.

    Returns:
        Those before `first`, without the groups that are also held out.
    """
    groups = groups_of(frame.iloc[:rows], columns)
    if groups is None:
        return frame.iloc[:first]
    return frame.iloc[:first][~straddling(groups, np.arange(rows) >= first)[:first]]


def with_changes(setup: Setup, **changes: Any) -> Setup:
    """Return a setup with other thresholds or gates, which trainings do not depend on."""
    return replace(setup, **{key: value for key, value in changes.items() if value is not None})


def _plain(recipe: Recipe) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(recipe)))


def _content(frame: pd.DataFrame, rows: int) -> str:
    digest = hashlib.sha256(json.dumps([str(name) for name in frame.columns]).encode())
    hashed = pd.util.hash_pandas_object(frame.iloc[:rows], index=False)
    digest.update(hashed.to_numpy().tobytes())
    return digest.hexdigest()
