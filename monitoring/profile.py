"""What a window is compared with: a compact profile of the holdout and a sample of it.

The profile costs a few kilobytes a column whatever the holdout's size, so a monitoring run never
reads training rows. A number is kept as up to 2,048 means of blocks of equal mass: enough for a
Wasserstein distance that differs from the exact one by less than 0.001 standard deviations.

| file in the folder | holds |
| --- | --- |
| `profile.json` | shares, rates, bounds, importance, promised metric |
| `blocks.npz` | block means, one array a numeric column |
| `sample.parquet` | at most 5,000 rows, laid out like the prediction log: `features.<name>`, `score.<class>`, `prediction`, `label` |
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from ..core.errors import DataRejected, ModelUnavailable
from ..core.settings import TaskType
from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from ..data.class_labels import class_text
from ..data.rising_features import only_rises
from ..data.schema import Kind
from ..metrics.losses import Floats
from ..metrics.promise import Promise, promise_of

BLOCKS = 2_048
CATEGORIES = 1_000
SAMPLE_ROWS = 5_000
WINSORISED = (0.001, 0.999)
PREDICTION = "prediction"
LABEL = "label"

_FORMAT = 1
_JSON, _NPZ, _SAMPLE = "profile.json", "blocks.npz", "sample.parquet"


@dataclass(frozen=True)
class NumberProfile:
    """One numeric column of the reference.

    Attributes:
        rows: Rows, missing values included.
        null_rate: Share of missing values, 0 to 1.
        low: Lower winsorising bound, the 0.1% quantile.
        high: Upper winsorising bound, the 99.9% quantile.
        std: Standard deviation of the winsorised values; 0 when there is nothing to measure.
        blocks: Means of blocks of equal mass of the sorted winsorised values, shape (up to 2,048,).
        rising: Whether the values only rise with the row number (`data.rising_features`). False in references
            written before this was looked at.
    """

    rows: int
    null_rate: float
    low: float
    high: float
    std: float
    blocks: Floats
    rising: bool = False

    @property
    def present(self) -> int:
        """Rows with a value."""
        return round(self.rows * (1.0 - self.null_rate))

    @property
    def constant(self) -> bool:
        """Whether there is no spread to measure a distance in."""
        return self.std == 0.0


@dataclass(frozen=True)
class CategoryProfile:
    """One column of categories of the reference.

    Attributes:
        rows: Rows, missing values included.
        null_rate: Share of missing values, 0 to 1.
        shares: Category to share of the rows with a value; at most the 1,000 most frequent.
        rest: Share of the categories beyond those.
        unseen: Share of rows with unknown categories to expect without any drift: the Good-Turing
            estimate, categories seen once / rows with a value.
    """

    rows: int
    null_rate: float
    shares: dict[str, float]
    rest: float
    unseen: float

    @property
    def present(self) -> int:
        """Rows with a value."""
        return round(self.rows * (1.0 - self.null_rate))

    @property
    def constant(self) -> bool:
        """Whether there is no value at all.

        A single category is no constant in this sense: a second one would be news.
        """
        return not self.shares


Profile = NumberProfile | CategoryProfile


def block_means(ordered: Floats, blocks: int) -> Floats:
    """Return the means of blocks of equal mass.

    Args:
        ordered: Sorted values, shape (n,), n at least 1.
        blocks: Number of blocks; a value on a border counts for both by its shares.

    Returns:
        Shape (blocks,). The mean of all blocks is the mean of the values.

    Example:
        >>> block_means(np.array([1.0, 2.0, 3.0]), 2).tolist()
        [1.3333333333333333, 2.6666666666666665]
    """
    rows = len(ordered)
    edges = np.linspace(0, rows, blocks + 1)
    whole = np.minimum(edges.astype(np.int64), rows - 1)
    # Offsets such as epoch seconds would eat the cumulative sum's digits.
    origin = ordered[0]
    shifted = ordered - origin
    sums = np.concatenate([[0.0], np.cumsum(shifted)])
    return np.diff(sums[whole] + (edges - whole) * shifted[whole]) * (blocks / rows) + origin


def measurable(values: pd.Series, kind: Kind) -> Floats | pd.Series:
    """Return the present values of a conformed column in the form that is measured.

    Args:
        values: A column of a conformed frame (see `data.schema`).
        kind: Its kind.

    Returns:
        Floats for numbers and moments (seconds since 1970), else a series of text.
    """
    if kind == "category":
        return values.dropna().astype(str)
    if kind == "boolean":
        return values.dropna().astype(int).astype(str)
    if kind == "datetime":
        return values.dropna().to_numpy("datetime64[ns]").astype(np.int64) / 1e9
    numbers = values.to_numpy(dtype=float)
    return numbers[np.isfinite(numbers)]


def profile_of(values: pd.Series, kind: Kind) -> Profile:
    """Profile one column.

    Args:
        values: A column of a conformed frame (see `data.schema`), in time order where there is one.
        kind: Its kind. Booleans are profiled as the categories `0` and `1`.

    Returns:
        The profile.
    """
    rows = len(values)
    present = measurable(values, kind)
    null_rate = 1.0 - len(present) / rows if rows else 0.0
    if isinstance(present, pd.Series):
        counts = present.value_counts()
        kept = (counts.head(CATEGORIES) / max(len(present), 1)).to_dict()
        beyond = int(counts.iloc[CATEGORIES:].sum())
        return CategoryProfile(
            rows=rows,
            null_rate=null_rate,
            shares={str(name): float(share) for name, share in kept.items()},
            rest=beyond / max(len(present), 1),
            unseen=int((counts == 1).sum()) / max(len(present), 1),
        )
    if not len(present):
        return NumberProfile(rows, null_rate, 0.0, 0.0, 0.0, np.empty(0))
    low, high = (float(bound) for bound in np.quantile(present, WINSORISED))
    clipped = np.sort(np.clip(present, low, high))
    with np.errstate(over="ignore", invalid="ignore"):
        std = float(clipped.std())
        blocks = block_means(clipped, min(BLOCKS, len(clipped)))
    # Rounding noise is no spread; an overflow is none that could be divided by.
    if not math.isfinite(std) or high - low <= 1e-12 * max(abs(low), abs(high)):
        std, blocks = 0.0, np.array([low])
    return NumberProfile(rows, null_rate, low, high, std, blocks, only_rises(present))


@dataclass(frozen=True)
class Reference:
    """What a window is compared with, stored with the champion.

    Attributes:
        task: Task type.
        classes: Class of each probability, as text; None for regression.
        kinds: Input column to kind.
        importance: Input column to share of the model's importance.
        columns: Input column to profile.
        predictions: Profiles of what the model answered: `score.<class>` (of the second class only
            for two), or `prediction` for regression.
        target: Profile of the true labels.
        promise: What the champion achieved.
        sample: At most 5,000 rows, laid out like the prediction log.
    """

    task: TaskType
    classes: list[str] | None
    kinds: dict[str, Kind]
    importance: dict[str, float]
    columns: dict[str, Profile]
    predictions: dict[str, Profile]
    target: Profile
    promise: Promise
    sample: pd.DataFrame

    def save(self, folder: Path) -> None:
        """Write the reference: JSON, NumPy arrays and Parquet, no pickles.

        Args:
            folder: Where to; made when it is not there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Floats] = {}
        document = {
            "format": _FORMAT,
            "task": self.task,
            "classes": self.classes,
            "kinds": self.kinds,
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
            document = json.loads((folder / _JSON).read_text(encoding="utf-8"))
            if document["format"] != _FORMAT:
                raise ValueError(f"format {document['format']} instead of {_FORMAT}")  # noqa: TRY301
            with np.load(folder / _NPZ, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls(
                task=document["task"],
                classes=document["classes"],
                kinds=document["kinds"],
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
    task: TaskType,
    classes: Sequence[object] | np.ndarray | None,
    kinds: Mapping[str, Kind],
    importance: Mapping[str, float],
    losses: Floats,
    metric: str,
    earlier: Sequence[Floats] = (),
    seed: int = 0,
) -> Reference:
    """Build the reference of a model from its holdout.

    Args:
        frame: Conformed features of the holdout, n rows (see `data.schema.conform`).
        predicted: Probabilities of shape (n, classes), or values of shape (n,) for regression.
        truth: True labels, n rows.
        task: Task type.
        classes: Class of each probability column; None for regression.
        kinds: Input column to kind.
        importance: Input column to share of the model's importance; missing ones count as 0.
        losses: Row losses, shape (n,) (see `metrics.losses.row_losses`).
        metric: Name of the metric that `losses` belong to.
        earlier: Row losses of earlier periods, newest first, that count for the promise too.
        seed: Seed of the sample.

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
    watched = list(answers)[1:] if task == "binary" else list(answers)
    sample = frame.reset_index(drop=True).add_prefix(FEATURE_PREFIX).assign(**answers)
    if names is not None:
        sample[PREDICTION] = np.asarray(names, dtype=object)[np.argmax(predicted, axis=1)]
    sample[LABEL] = labels
    if rows > SAMPLE_ROWS:
        chosen = np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False)
        sample = sample.iloc[np.sort(chosen)].reset_index(drop=True)
    return Reference(
        task=task,
        classes=names,
        kinds=dict(kinds),
        importance={name: float(importance.get(name, 0.0)) for name in kinds},
        columns={name: profile_of(frame[name], kind) for name, kind in kinds.items()},
        predictions={name: profile_of(answers[name], "number") for name in watched},
        target=profile_of(labels, "number" if names is None else "category"),
        promise=promise_of(metric, [losses, *earlier]),
        sample=sample,
    )
