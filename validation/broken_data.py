"""Distinguishes broken data from drifted data in new rows.

What moved is to be learned from; what broke is to be mended. The difference is in **how** rows
differ from the known ones, so no share of rows and no cause excuses any of these:

| broken | looks like |
| --- | --- |
| unit | a usual factor maps new values on known ones, a move does not, and it happened at once |
| filler | one value, such as -999, among ordinary ones |
| stuck | one value in more rows on end than ever |
| emptied | no value in the latest rows, or more nulls than values |
| exchanged | two columns that hold each other's values |
| sign | values, or all correlations with other columns, mirrored |
| names | known categories in another spelling, codes instead of names, mostly unknown ones |
| copies | rows that are there again |
| moved back | a column that only rises falls behind its beginning, or leaps |

Values that left the known range without any of these are judged by `validation.out_of_range`. That the
target has nothing to do with the features any more is said, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.settings import Columns, TaskType
from ..data.rising_features import RISING, only_rises
from ..data.schema import FeatureType, category_text, infer_feature_types
from .broken_columns import judge_numbers
from .broken_rows import repeated_rows, unrelated_target
from .broken_texts import KNOWN_CATEGORIES, comes_in_blocks, foreign_texts
from .new_rows import FEWEST, new_part, row_hashes
from .row_comparison import Judgement, RowComparison


def judge_rows(
    known: pd.DataFrame | None,
    rows: pd.DataFrame,
    *,
    columns: Columns,
    task: TaskType,
    caused: Collection[str] = (),
    logged: Collection[str] = (),
) -> Judgement:
    """Judge the new rows of a snapshot by the known ones.

    Args:
        known: Rows the champion was trained on, in order. None: only what rises is recognised.
        rows: The snapshot, in order, positions as index.
        columns: Roles.
        task: Task type.
        caused: Columns whose drift is the cause of the training.
        logged: Columns on which the prediction log agrees with the new rows.

    Returns:
        Findings that do not hold, and what the suite must know.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> frame = pd.DataFrame({"age": rng.normal(40, 9, 900), "y": ["no", "yes", "no"] * 300})
        >>> wrong = frame.assign(age=frame["age"].where(frame.index < 600, -999.0))
        >>> found = judge_rows(frame[:600], wrong, columns=Columns(target="y"), task="binary")
        >>> found.findings[0].name
        'age: no filler values'
    """
    judged = Judgement()
    features = columns.feature_names([str(name) for name in rows])
    features = [name for name in features if name in rows]
    trusted = rows if known is None else known
    feature_types = _feature_types(trusted, features, columns)
    numbers = [name for name, kind in feature_types.items() if kind in ("number", "datetime")]
    new = np.arange(len(rows)) if known is None else new_part(known, rows)
    comparison = RowComparison(trusted, rows, new, columns, judged)
    if columns.has_order:
        judged.rising = [name for name in numbers if only_rises(comparison.before(name))]
    if known is not None and len(new):
        regression = [columns.target] if task == "regression" else []
        _judge_presence(comparison, [*feature_types])
        judge_numbers(comparison, [*numbers, *regression], caused=caused, logged=logged)
        _judge_texts(
            comparison, [name for name, kind in feature_types.items() if kind == "category"]
        )
        _judge_whole_rows(comparison, [*feature_types], numbers)
    for name in judged.rising:
        comparison.advise(f"{name}: not only rising", f"{name} {RISING}")
    return judged


def _feature_types(
    known: pd.DataFrame, features: list[str], columns: Columns
) -> dict[str, FeatureType]:
    feature_types: dict[str, FeatureType] = {}
    for name in features:
        if name not in known or known[name].isna().all():
            continue
        try:
            feature_types |= infer_feature_types(known, [name], columns.categorical)
        except DataRejected:
            continue
    return feature_types


def _judge_presence(comparison: RowComparison, names: list[str]) -> None:
    for name in names:
        rate = float(comparison.known[name].isna().mean())
        missing = comparison.rows[name].isna().to_numpy()[comparison.new]
        allowed = (1.0 + rate) / 2.0
        if len(missing) >= FEWEST and missing.mean() > allowed:
            why = f"{allowed:.0%} may be empty"
            comparison.broken(f"{name}: values present in new rows", why, np.flatnonzero(missing))
            continue
        latest = len(missing) - np.argmax(~missing[::-1]) if not missing.all() else 0
        run = np.arange(latest, len(missing))
        if (
            len(run) >= FEWEST
            and rate ** len(run) < 1e-9
            and len(run) > 3 * _longest(comparison.known[name])
        ):
            why = "all of them the latest ones"
            comparison.broken(f"{name}: values present in new rows", why, run)


def _longest(values: pd.Series) -> int:
    missing = values.isna()
    if not missing.any():
        return 0
    return int(missing.groupby((~missing).cumsum()).sum().max())


def _judge_texts(comparison: RowComparison, names: list[str]) -> None:
    ordered = comparison.columns.has_order
    for name in names:
        old = comparison.known[name].map(category_text, na_action="ignore")
        found = comparison.rows[name].iloc[comparison.new]
        new = found.map(category_text, na_action="ignore").reset_index(drop=True)
        foreign = list(foreign_texts(old, new, ordered=ordered))
        for what, why, at in foreign:
            comparison.broken(f"{name}: no {what}", why, at)
        share = float((~new.dropna().isin(set(old))).mean())
        if not foreign and share > 1.0 - KNOWN_CATEGORIES and ordered and comes_in_blocks(old):
            comparison.judged.moved[name] = found.dropna()
            comparison.advise(
                f"{name}: known categories",
                f"{name} moved: {share:.0%} of its values in the new rows are new categories, in blocks as "
                "all of its categories come. They are trained on",
            )


def _judge_whole_rows(comparison: RowComparison, names: list[str], numbers: list[str]) -> None:
    target = comparison.columns.target
    copies = repeated_rows(row_hashes(comparison.rows, [*names, target]), comparison.new)
    if len(copies):
        at = np.flatnonzero(np.isin(comparison.new, copies))
        comparison.broken("rows: each delivered once", "which are copies of earlier ones", at)
    old, new = comparison.coded(target)
    before = {name: comparison.before(name) for name in numbers}
    after = {name: comparison.after(name) for name in numbers}
    column = unrelated_target(before, old, after, new)
    if column is not None:
        comparison.advise(
            f"{target}: related to the features",
            f"{target} of the {len(new)} new rows has nothing to do with {column} any more, nor with any "
            "number it was related to: a new world, or labels of other rows",
        )
