"""Compares what a model does to groups of people, and holds the largest differences against limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import ConfigurationError
from ..core.results import Gate
from ..core.settings import GateSettings, TaskType
from ..core.settings.gate_kinds import FAIRNESS
from ..core.settings.segments import limits_for
from ..data.row_weights import FEWEST_GROUPS
from ..metrics.bootstrap import Interval
from ..metrics.losses import Floats
from ..metrics.resampled_ratios import Ratios, largest_difference, rate_errors
from ..metrics.sampling import Sampling
from .group_measures import (
    COUNTED,
    ERROR,
    MEASURES_OF,
    METRIC,
    Answers,
    by_group,
    on_resamples,
)


@dataclass(frozen=True)
class GroupGap:
    """How far groups are apart in one respect.

    Attributes:
        name: A limit's, such as `equalized_odds_difference`.
        interval: The difference, or ratio, with bounds; None where fewer than two groups can be told.
        least: Group with the smallest value, and that value.
        most: Group with the largest one.
        measure: Which measure the two are of.
        small: Groups that are too small to tell, to how many rows they have.
    """

    name: str
    interval: Interval | None
    least: tuple[str, float]
    most: tuple[str, float]
    measure: str
    small: dict[str, str]


def check_limits(settings: GateSettings, task_type: TaskType) -> None:
    """Refuse limits on what a task has not.

    Raises:
        ConfigurationError: If a limit is for another task.
    """
    if wrong := settings.fairness.wrong_limits(task_type):
        raise ConfigurationError(wrong)


def group_gaps(
    answers: Answers,
    groups: np.ndarray,
    *,
    settings: GateSettings,
    seed: int,
    sampling: Sampling,
) -> tuple[list[GroupGap], pd.DataFrame]:
    """Measure every difference and ratio between groups.

    Args:
        answers: What the model answered, to n rows.
        groups: Group of each row, shape (n,).
        settings: Confidence, resamples, and fewest rows.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together.

    Returns:
        One a limit that fits the task; and the measures of every group, `rows` among them.
    """
    if sampling.weights is not None:
        counted = sampling.weights > 0
        answers, groups, sampling = answers.take(counted), groups[counted], sampling.take(counted)
    table = by_group(answers, groups, sampling)
    names = [str(name) for name in table.index]
    counts: list[Any] = table.to_dict("records")
    sizes = dict(zip(names, counts, strict=True))
    drawn = on_resamples(answers, groups, names, sampling, resamples=settings.resamples, seed=seed)
    clusters = {name: sampling.take(groups == name).clusters for name in names}
    found: list[GroupGap] = []
    for limit in limits_for(answers.task_type):
        what = limit.rpartition("_")[0]
        small: dict[str, str] = {}
        families: dict[str, tuple[list[str], Ratios]] = {}
        for measure in MEASURES_OF[what]:
            for name in names:
                if said := _too_small(sizes[name], clusters[name], measure, settings):
                    small.setdefault(name, said)
            told = [
                at
                for at, name in enumerate(names)
                if not _too_small(sizes[name], clusters[name], measure, settings)
            ]
            if len(told) > 1:
                families[measure] = ([names[at] for at in told], drawn[measure].take(told))
        found.append(_gap(limit, families, small, table=table, settings=settings))
    return found, table


def _gap(
    limit: str,
    families: dict[str, tuple[list[str], Ratios]],
    small: dict[str, str],
    *,
    table: pd.DataFrame,
    settings: GateSettings,
) -> GroupGap:
    if not families:
        return GroupGap(limit, None, ("", np.nan), ("", np.nan), "", small)
    kind = limit.rpartition("_")[2]
    scaled: dict[str, Ratios] = {}
    errors: list[Floats] = []
    for measure, (names, ratios) in families.items():
        rows = table.loc[names, COUNTED.get(measure, "rows")].to_numpy(dtype=float)
        least, floor = np.zeros(len(names)), 1e-12
        if measure not in (METRIC, ERROR):
            # Half a row of the smallest group: of fewer nobody can say that they are other shares.
            least, floor = rate_errors(ratios.values, rows), 0.5 / rows.min()
        ratio = kind == "ratio"
        scaled[measure] = ratios.logarithms(floor) if ratio else ratios
        errors.append(least / np.maximum(ratios.values, floor) if ratio else least)
    gap = largest_difference(
        list(scaled.values()), confidence=settings.confidence, least_errors=errors
    )
    if kind == "ratio":
        # The largest difference of logarithms is the logarithm of the smallest ratio.
        gap = Interval(*np.exp([-gap.value, -gap.high, -gap.low]).tolist())
    measure = max(scaled, key=lambda one: float(np.ptp(scaled[one].values)))
    names, ratios = families[measure]
    low, high = int(ratios.values.argmin()), int(ratios.values.argmax())
    least, most = float(ratios.values[low]), float(ratios.values[high])
    return GroupGap(limit, gap, (names[low], least), (names[high], most), measure, small)


def _too_small(
    group: dict[str, float], clusters: int | None, measure: str, settings: GateSettings
) -> str:
    """Return what a group has too little of, in words; empty where it has enough."""
    rows, fewest = int(group["rows"]), settings.minimum_slice_rows
    if rows < fewest:
        return f"{rows} rows, {fewest} are needed (gates.minimum_slice_rows)"
    if clusters is not None and clusters < FEWEST_GROUPS:
        return f"rows of {clusters} groups, {FEWEST_GROUPS} are needed"
    of = COUNTED.get(measure)
    fewest = settings.fairness.minimum_class_rows
    if of is not None and int(group[of]) < fewest:
        return (
            f"{int(group[of])} {of} among {rows} rows, {fewest} are needed "
            "(gates.fairness.minimum_class_rows)"
        )
    return ""


def fairness_gates(column: str, gaps: list[GroupGap], settings: GateSettings) -> list[Gate]:
    """Hold differences between groups against the limits.

    Args:
        column: Protected column.
        gaps: What was measured.
        settings: What a candidate must pass.

    Returns:
        A deciding gate a limit: it fails where the interval is beyond the limit, and is `not_run` where a group is too small to
        tell and the others are within. Without limits one that is advice and `not_run`: it was measured, and nobody said
        what is too much.
    """
    limits: dict[str, float] = {str(key): value for key, value in settings.fairness.limits.items()}
    if not limits:
        shown = "; ".join(
            _measured(gap, settings)
            for gap in gaps
            if gap.interval is not None and gap.name.endswith("_difference")
        )
        small = {name: said for gap in gaps for name, said in gap.small.items()}
        reason = (
            f"nothing is asked (gates.fairness.limits), so nothing was judged: "
            f"{shown or 'no two groups have rows enough'}{_small(small)}"
        )
        return [Gate(name=f"{FAIRNESS} {column}", verdict="not_run", reason=reason, blocking=False)]
    return [_judge(column, gap, limits[gap.name], settings) for gap in gaps if gap.name in limits]


def _judge(column: str, gap: GroupGap, limit: float, settings: GateSettings) -> Gate:
    name = f"{FAIRNESS} {column}: {gap.name}"
    if gap.interval is None:
        reason = f"fewer than two groups of {column!r} have rows enough to be compared{_small(gap.small)}"
        return Gate(name=name, verdict="not_run", reason=reason, threshold=limit)
    ratio = gap.name.endswith("_ratio")
    bad = gap.interval.high < limit if ratio else gap.interval.low > limit
    verdict = "failed" if bad else "not_run" if gap.small else "passed"
    asked = f"{'at least' if ratio else 'at most'} {limit:g} is asked (gates.fairness.limits)"
    said = "surely beyond" if bad else "not surely beyond"
    return Gate(
        name=name,
        verdict=verdict,
        reason=f"{_measured(gap, settings)}: {said}, {asked}{_small(gap.small)}",
        value=gap.interval.value,
        threshold=limit,
    )


def _measured(gap: GroupGap, settings: GateSettings) -> str:
    if gap.interval is None:
        return ""
    found, what = gap.interval, gap.measure.replace("_", " ")
    return (
        f"{gap.name} is {found.value:.4g}, between {found.low:.4g} and {found.high:.4g} with "
        f"{settings.confidence:.0%} confidence ({what} {gap.least[1]:.4g} of {gap.least[0]!r}, "
        f"{gap.most[1]:.4g} of {gap.most[0]!r})"
    )


def _small(small: dict[str, str]) -> str:
    if not small:
        return ""
    said = ", ".join(f"{name!r} has {words}" for name, words in small.items())
    return f"; too small to tell: {said}: hold out more rows, or join groups"


def evidence_of(gaps: list[GroupGap], table: pd.DataFrame) -> dict[str, Any]:
    """Return what is kept of a column: groups with their measures, and every difference."""
    groups = table.astype(object).where(table.notna(), None).reset_index(names="group")
    return {
        "groups": groups.to_dict("records"),
        "differences": [
            {
                "name": gap.name,
                **({} if gap.interval is None else gap.interval._asdict()),
                "measure": gap.measure,
                "least": gap.least[0],
                "most": gap.most[0],
                "too_small": gap.small,
            }
            for gap in gaps
        ],
    }
