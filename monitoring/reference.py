"""The reference of a model version: profiles and a sample of its holdout, which windows are compared with.

| file in the folder | holds |
| --- | --- |
| `profile.json` | shares, rates, bounds, importance, promised metric |
| `blocks.npz` | block means, one array a numeric column |
| `sample.parquet` | at most 5,000 rows, laid out like the prediction log: `features.<name>`, `score.<class>`, `prediction`, `label` |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from ..core.errors import DataRejected, ModelUnavailable
from ..core.former_names import with_task_type
from ..core.settings import TaskType
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..data.class_labels import class_text
from ..data.schema import FeatureType
from ..metrics.losses import Floats
from ..metrics.promise import Promise, promise_of
from .profile import CategoryProfile, NumberProfile, Profile, profile_of

SAMPLE_ROWS = 5_000
PREDICTION = "prediction"
LABEL = "label"

_FORMAT = 1
_JSON, _NPZ, _SAMPLE = "profile.json", "blocks.npz", "sample.parquet"


@dataclass(frozen=True)
class ProfiledRows:
    """Rows that a window is compared with.

    Attributes:
        classes: Class of each probability, as text; None for numbers.
        feature_types: Input column to feature type.
        importance: Input column to share of the model's importance.
        columns: Input column to profile.
        predictions: Profiles of what the model answered: `score.<class>` (of the second class only
            for two), or `prediction` for regression.
        target: Profile of the true labels.
        sample: At most 5,000 rows, laid out like the prediction log.
    """

    classes: list[str] | None
    feature_types: dict[str, FeatureType]
    importance: dict[str, float]
    columns: dict[str, Profile]
    predictions: dict[str, Profile]
    target: Profile
    sample: pd.DataFrame


@dataclass(frozen=True)
class Reference(ProfiledRows):
    """What a champion's windows are compared with, stored with it.

    Attributes:
        task_type: Task type.
        promise: What the champion achieved.
    """

    task_type: TaskType
    promise: Promise

    def save(self, folder: Path) -> None:
        """Write the reference: JSON, NumPy arrays and Parquet, no pickles.

        Args:
            folder: Where to; made when it is not there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Floats] = {}
        document = {
            "format": _FORMAT,
            "task_type": self.task_type,
            "classes": self.classes,
            # Named so in every reference that was stored so far.
            "kinds": self.feature_types,
            "importance": self.importance,
            "promise": asdict(self.promise),
            "columns": {n: _pack(p, arrays) for n, p in self.columns.items()},
            "predictions": {n: _pack(p, arrays) for n, p in self.predictions.items()},
            "target": _pack(self.target, arrays),
        }
        (folder / _JSON).write_text(json.dumps(document, indent=1), encoding="utf-8")
        with (folder / _NPZ).open("wb") as file:
            np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
        self.sample.to_parquet(folder / _SAMPLE, index=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a reference written by `save`.

        Args:
            folder: Where it is.

        Returns:
            The reference.

        Raises:
            ModelUnavailable: If a file is missing or not what `save` wrote.
        """
        try:
            document = with_task_type(json.loads((folder / _JSON).read_text(encoding="utf-8")))
            if document["format"] != _FORMAT:
                raise ValueError(f"format {document['format']} instead of {_FORMAT}")  # noqa: TRY301
            with np.load(folder / _NPZ, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls(
                task_type=document["task_type"],
                classes=document["classes"],
                feature_types=document["kinds"],
                importance=document["importance"],
                columns={n: _unpack(p, arrays) for n, p in document["columns"].items()},
                predictions={n: _unpack(p, arrays) for n, p in document["predictions"].items()},
                target=_unpack(document["target"], arrays),
                promise=_promise(document["promise"]),
                sample=pd.read_parquet(folder / _SAMPLE),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(
                f"the reference in {folder.name!r} does not load: {type(error).__name__}: {error}. "
                "Retrain, so that the champion has one"
            ) from error


def _promise(document: dict[str, Any]) -> Promise:
    # JSON knows no tuples; references of earlier versions have no periods.
    return Promise(**{**document, "periods": tuple(document.get("periods", ()))})


def _pack(profile: Profile, arrays: dict[str, Floats]) -> dict[str, Any]:
    if isinstance(profile, CategoryProfile):
        return {"type": "category", **asdict(profile)}
    # Column names may hold anything; array names must not.
    name = f"blocks_{len(arrays)}"
    arrays[name] = profile.blocks
    return {"type": "number", **asdict(profile), "blocks": name}


def _unpack(packed: dict[str, Any], arrays: Mapping[str, Floats]) -> Profile:
    fields = {name: value for name, value in packed.items() if name != "type"}
    if packed["type"] == "category":
        return CategoryProfile(**fields)
    return NumberProfile(**{**fields, "blocks": arrays[fields["blocks"]]})


def build_reference(
    frame: pd.DataFrame,
    predicted: Floats,
    truth: pd.Series,
    *,
    task_type: TaskType,
    classes: Sequence[object] | np.ndarray | None,
    feature_types: Mapping[str, FeatureType],
    importance: Mapping[str, float],
    losses: Floats,
    metric: str,
    earlier: Sequence[Floats] = (),
    seed: int = 0,
    decided: Sequence[object] | np.ndarray | None = None,
) -> Reference:
    """Build the reference of a model from its holdout.

    Args:
        frame: Conformed features of the holdout, n rows (see `data.schema.conform`).
        predicted: Probabilities of shape (n, classes), or values of shape (n,) for regression.
        truth: True labels, n rows.
        task_type: Task type.
        classes: Class of each probability column; None for regression.
        feature_types: Input column to feature type.
        importance: Input column to share of the model's importance; missing ones count as 0.
        losses: Row losses, shape (n,) (see `metrics.losses.row_losses`).
        metric: Name of the metric that `losses` belong to.
        earlier: Row losses of earlier periods, newest first, that count for the promise too.
        seed: Seed of the sample.
        decided: Labels that are decided on, n of them. None: the most probable classes.

    Returns:
        The reference.

    Raises:
        DataRejected: If there are no rows, or lengths differ.
    """
    rows = len(frame)
    lengths = {"predictions": len(predicted), "labels": len(truth), "losses": len(losses)}
    for name, length in lengths.items():
        if length != rows or rows == 0:
            raise DataRejected(
                f"a reference needs as many {name} as rows, at least 1: {length} for {rows} rows"
            )
    names = None if classes is None else [class_text(value) for value in classes]
    answers: dict[str, pd.Series] = {}
    if names is None:
        answers[PREDICTION] = pd.Series(predicted, dtype=float)
        labels = truth.reset_index(drop=True).astype(float)
    else:
        for position, name in enumerate(names):
            answers[SCORE_PREFIX + name] = pd.Series(predicted[:, position], dtype=float)
        labels = truth.reset_index(drop=True).map(class_text, na_action="ignore").astype(object)
    # Two probabilities that sum to 1 drift together: one of them is enough.
    watched = list(answers)[1:] if task_type == "binary" else list(answers)
    sample = frame.reset_index(drop=True).add_prefix(FEATURE_PREFIX).assign(**answers)
    if names is not None:
        sample[PREDICTION] = (
            np.asarray(names, dtype=object)[np.argmax(predicted, axis=1)]
            if decided is None
            else [class_text(value) for value in decided]
        )
    sample[LABEL] = labels
    return Reference(
        task_type=task_type,
        classes=names,
        feature_types=dict(feature_types),
        importance={name: float(importance.get(name, 0.0)) for name in feature_types},
        columns={name: profile_of(frame[name], kind) for name, kind in feature_types.items()},
        predictions={name: profile_of(answers[name], "number") for name in watched},
        target=profile_of(labels, "number" if names is None else "category"),
        promise=promise_of(metric, [losses, *earlier]),
        sample=sample_of(sample, seed),
    )


def sample_of(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return at most 5,000 of the rows, in their order."""
    if len(rows) <= SAMPLE_ROWS:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), SAMPLE_ROWS, replace=False)
    return rows.iloc[np.sort(chosen)].reset_index(drop=True)
