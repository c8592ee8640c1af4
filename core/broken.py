"""Tells broken data from drifted data in the rows that are new.

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

Values that left the known range without any of these are judged by `core.departure`. That the
target has nothing to do with the features any more is said, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .broken_numbers import filler, in_each_others_place, mirrored, stuck
from .broken_rows import repeated_rows, unrelated_target
from .broken_texts import KNOWN_CATEGORIES, comes_in_blocks, foreign_texts
from .broken_units import changed_unit
from .departure import SIGNS, Departure, departure
from .errors import DataRejected
from .expectations import number_bounds
from .gx import Finding
from .metrics import Floats
from .new_rows import FEWEST, new_part, row_hashes
from .rising import RISING, only_rises
from .schema import Kind, category_text, infer_kinds
from .settings import Columns, TaskType

_LEAP = 10.0


@dataclass
class Judgement:
    """What is to be said of a snapshot, beside its suite.

    Attributes:
        findings: What is broken, and advice.
        moved: Columns that left what was known of them, with the new values that may be.
        rising: Columns that only rise: no range holds them.
        new_rows: How many rows are new.
    """

    findings: list[Finding] = field(default_factory=list)
    moved: dict[str, pd.Series] = field(default_factory=dict)
    rising: list[str] = field(default_factory=list)
    new_rows: int = 0


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
    kinds = _kinds(trusted, features, columns)
    numbers = [name for name, kind in kinds.items() if kind in ("number", "datetime")]
    if columns.has_order:
        judged.rising = [n for n in numbers if only_rises(_floats(trusted[n]))]
        judged.findings += [_advice(f"{n}: not only rising", f"{n} {RISING}") for n in judged.rising]
    if known is None:
        return judged
    new = new_part(known, rows)
    judged.new_rows = len(new)
    if not len(new):
        return judged
    said = _Findings(rows=len(rows), new=new)
    _judge_presence(said, known, rows, [*kinds])
    regression = [columns.target] if task == "regression" and columns.target in known else []
    _judge_numbers(said, judged, known, rows, [*numbers, *regression], columns, caused, logged)
    texts = [name for name, kind in kinds.items() if kind == "category"]
    _judge_texts(said, judged, known, rows, texts, ordered=columns.has_order)
    _judge_whole_rows(said, known, rows, [*kinds], numbers, columns.target)
    judged.findings = [*said.found, *judged.findings]
    return judged


@dataclass
class _Findings:
    """Collects findings, whose positions are given among the new rows."""

    rows: int
    new: np.ndarray
    found: list[Finding] = field(default_factory=list)

    def broken(self, name: str, said: str, at: np.ndarray) -> None:
        count = len(at)
        reason = f"{name}: broken in {count} of {len(self.new)} new rows, {said}"
        positions = self.new[at].tolist()
        share = count / self.rows
        self.found.append(
            Finding(name, False, share=share, tolerated=0.0, reason=reason, rows=positions)
        )

    def advise(self, name: str, said: str) -> None:
        self.found.append(_advice(name, said))


def _advice(name: str, said: str) -> Finding:
    return Finding(name, False, blocking=False, reason=said)


def _kinds(known: pd.DataFrame, features: list[str], columns: Columns) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for name in features:
        if name not in known or known[name].isna().all():
            continue
        try:
            kinds |= infer_kinds(known, [name], columns.categorical)
        except DataRejected:
            continue
    return kinds


def _floats(values: pd.Series) -> Floats:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        moments = pd.to_datetime(values, utc=True).dt.tz_convert(None).to_numpy("datetime64[ns]")
        seconds = moments.astype(np.int64) / 1e9
        return np.where(np.isnat(moments), np.nan, seconds)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _judge_presence(
    said: _Findings, known: pd.DataFrame, rows: pd.DataFrame, names: list[str]
) -> None:
    for name in names:
        rate = float(known[name].isna().mean())
        missing = rows[name].isna().to_numpy()[said.new]
        allowed = (1.0 + rate) / 2.0
        if len(missing) >= FEWEST and missing.mean() > allowed:
            why = f"{allowed:.0%} may be empty"
            said.broken(f"{name}: values present in new rows", why, np.flatnonzero(missing))
            continue
        latest = len(missing) - np.argmax(~missing[::-1]) if not missing.all() else 0
        run = np.arange(latest, len(missing))
        if len(run) >= FEWEST and rate ** len(run) < 1e-9 and len(run) > 3 * _longest(known[name]):
            why = "all of them the latest ones"
            said.broken(f"{name}: values present in new rows", why, run)


def _longest(values: pd.Series) -> int:
    missing = values.isna()
    if not missing.any():
        return 0
    return int(missing.groupby((~missing).cumsum()).sum().max())


def _judge_numbers(
    said: _Findings,
    judged: Judgement,
    known: pd.DataFrame,
    rows: pd.DataFrame,
    names: list[str],
    columns: Columns,
    caused: Collection[str],
    logged: Collection[str],
) -> None:
    old = {name: _floats(known[name]) for name in names}
    new = {name: _floats(rows[name])[said.new] for name in names}
    steady = [name for name in names if name not in judged.rising]
    wrong: set[str] = set()
    for name in names:
        finite = old[name][np.isfinite(old[name])]
        if not len(finite):
            continue
        found = filler(finite, new[name])
        if found is not None:
            wrong.add(name)
            why = f"all of them {found[0]:g}, which no known row holds"
            said.broken(f"{name}: no filler values", why, found[1])
        held = stuck(old[name], new[name])
        if held is not None and (found is None or held[0] != found[0]):
            wrong.add(name)
            why = f"which hold {held[0]:g} on end, more than three times as long as any known value"
            said.broken(f"{name}: not stuck at a value", why, held[1])
        if name in judged.rising:
            lost = _off_course(finite, new[name])
            if len(lost) and found is None:
                why = f"such as {new[name][lost[0]]:g}: it only rose so far, up to {finite.max():g}"
                said.broken(f"{name}: rises on", why, lost)
            continue
        changed = changed_unit(finite, new[name])
        if changed is not None:
            wrong.add(name)
            why = (
                f"such as {new[name][changed[1][0]]:g}: they are known values {changed[0].name}, a "
                "change of unit and no move"
            )
            said.broken(f"{name}: same unit", why, changed[1])
    for one, two, at in in_each_others_place(
        {name: old[name] for name in steady}, {name: new[name] for name in steady}
    ):
        wrong |= {one, two}
        why = f"each of them holds what is known of the other: {one} and {two} are exchanged"
        said.broken(f"{one}: not exchanged with {two}", why, at)
    features = [name for name in steady if name != columns.target and name not in wrong]
    codes = _codes(known[columns.target], rows[columns.target].iloc[said.new])
    for name in mirrored(
        {name: old[name] for name in features},
        {name: new[name] for name in features},
        {columns.target: codes},
    ):
        wrong.add(name)
        why = "where its correlations with other columns have the other sign: its own is flipped"
        said.broken(f"{name}: same sign", why, np.arange(len(said.new)))
    for name in steady:
        if name in wrong or not np.isfinite(old[name]).any():
            continue
        if pd.api.types.is_numeric_dtype(known[name].dtype):
            far = departure(
                old[name][np.isfinite(old[name])],
                new[name],
                number_bounds(known[name]),
                ordered=columns.has_order,
                logged=name in logged,
                cause=name in caused,
            )
            _tell(said, judged, name, far, new[name], number_bounds(known[name]))


def _tell(
    said: _Findings,
    judged: Judgement,
    name: str,
    far: Departure | None,
    new: Floats,
    bounds: tuple[float, float],
) -> None:
    if far is None or far.sign is None:
        return
    judged.moved[name] = pd.Series(new[np.isfinite(new)])
    share = len(far.rows) / len(new)
    said.advise(
        f"{name}: within the known range",
        f"{name} moved: {len(far.rows)} of {len(new)} new rows ({share:.3g} of them) lie beyond "
        f"{bounds[0]:g} to {bounds[1]:g}, {SIGNS[far.sign]}. They are trained on",
    )


def _off_course(known: Floats, new: Floats) -> np.ndarray:
    span = float(known.max() - known.min())
    finite = np.isfinite(new)
    ordered = np.unique(np.r_[known.max(), new[finite & (new > known.max())]])
    leaps = np.flatnonzero(np.diff(ordered) > _LEAP * span)
    above = ordered[leaps[0] + 1] if len(leaps) else np.inf
    return np.flatnonzero(finite & ((new < known.min() - span) | (new >= above)))


def _codes(known: pd.Series, new: pd.Series) -> tuple[Floats, Floats]:
    if pd.api.types.is_numeric_dtype(known.dtype) and pd.api.types.is_numeric_dtype(new.dtype):
        return _floats(known), _floats(new)
    texts = [values.map(category_text, na_action="ignore") for values in (known, new)]
    order = {value: float(at) for at, value in enumerate(sorted(texts[0].dropna().unique()))}
    one, two = (values.map(order).to_numpy(dtype=float) for values in texts)
    return one, two


def _judge_texts(
    said: _Findings,
    judged: Judgement,
    known: pd.DataFrame,
    rows: pd.DataFrame,
    names: list[str],
    *,
    ordered: bool,
) -> None:
    for name in names:
        old = known[name].map(category_text, na_action="ignore")
        new = rows[name].iloc[said.new].map(category_text, na_action="ignore")
        foreign = list(foreign_texts(old, new.reset_index(drop=True), ordered=ordered))
        for what, why, at in foreign:
            said.broken(f"{name}: no {what}", why, at)
        share = float((~new.dropna().isin(set(old))).mean())
        if not foreign and share > 1.0 - KNOWN_CATEGORIES and ordered and comes_in_blocks(old):
            judged.moved[name] = rows[name].iloc[said.new].dropna()
            said.advise(
                f"{name}: known categories",
                f"{name} moved: {share:.0%} of its values in the new rows are new categories, in blocks as "
                "all of its categories come. They are trained on",
            )


def _judge_whole_rows(
    said: _Findings,
    known: pd.DataFrame,
    rows: pd.DataFrame,
    names: list[str],
    numbers: list[str],
    target: str,
) -> None:
    copies = repeated_rows(row_hashes(rows, [*names, target]), said.new)
    if len(copies):
        at = np.flatnonzero(np.isin(said.new, copies))
        said.broken("rows: each delivered once", "which are copies of earlier ones", at)
    old, new = _codes(known[target], rows[target].iloc[said.new])
    column = unrelated_target(
        {name: _floats(known[name]) for name in numbers},
        old,
        {name: _floats(rows[name])[said.new] for name in numbers},
        new,
    )
    if column is not None:
        said.advise(
            f"{target}: related to the features",
            f"{target} of the {len(new)} new rows has nothing to do with {column} any more, nor with any "
            "number it was related to: a new world, or labels of other rows",
        )
