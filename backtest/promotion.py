"""Gates and repair checks of replayed candidates, with the code that decides in production."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.results import Cause, Gate, Verdict
from ..core.settings import Setup
from ..core.table_columns import FEATURE_PREFIX
from ..data.training_rows import training_rows
from ..gates.baseline import GUESS, better_than_a_guess, lesser_harm, nothing_told
from ..gates.comparable_rows import NotComparable, sampling_of
from ..gates.comparison import compare_slices, confirmation, non_inferiority, superiority
from ..gates.floors import floor_gates
from ..gates.holdout_classes import holdout_classes
from ..gates.repair import repair_of_drift, repair_of_performance
from ..metrics.bootstrap import Interval, paired_difference
from ..metrics.losses import Floats, metric_value
from ..models.evaluation import losses_of
from ..monitoring.drift_verdict import feature_drift
from ..training.baselines import constant_guess
from .candidates import ReplayedCandidate, rows_learnt
from .stream import Span, Stream


def gates_of_candidate(
    stream: Stream, setup: Setup, candidate: ReplayedCandidate, champion: ReplayedCandidate
) -> list[Gate]:
    """Judge a candidate by itself: its holdout can tell, its floors hold, and it is better than a guess.

    Args:
        stream: The rows.
        setup: The project's settings.
        candidate: What a training gave.
        champion: The candidate that serves.

    Returns:
        The gates.
    """
    gates = setup.gates
    target = stream.frame[setup.columns.target]
    held_out = target.iloc[candidate.first_held_out : candidate.rows]
    return [
        *holdout_classes(held_out, setup.task_type, gates.minimum_class_rows),
        *floor_gates(candidate.metrics, gates.floors),
        *_baseline(stream, setup, candidate, champion),
    ]


def _baseline(
    stream: Stream, setup: Setup, candidate: ReplayedCandidate, champion: ReplayedCandidate
) -> list[Gate]:
    """Return the gate about the constant guess; the one about a linear model is advice, which replays nothing."""
    if "baseline" in setup.gates.skip:
        return []
    first, end = candidate.first_held_out, candidate.rows
    holdout, target = stream.frame.iloc[first:end], setup.columns.target
    try:
        sampling = sampling_of(holdout, setup.columns)
    except NotComparable as why:
        return [gate for gate in nothing_told(str(why), setup.gates) if gate.name == GUESS]
    learnt = rows_learnt(stream.frame, setup.columns, first, end)
    data = training_rows(learnt, setup.columns, setup.task_type)
    guess = constant_guess(data, setup.task_type, setup.metric)
    losses = losses_of(setup.metric, guess, holdout, target)
    gate = better_than_a_guess(
        setup.metric,
        guess=losses,
        candidate=candidate.evaluated_losses(first, end),
        settings=setup.gates,
        seed=setup.training.seed,
        sampling=sampling,
    )
    begin = max(first, champion.fitted)
    if not gate.blocks or end - begin < setup.gates.minimum_holdout_rows:
        return [gate]
    drawn, before = (
        sampling.take(np.arange(begin - first, end - first)),
        champion.served_losses(begin, end),
    )
    found = paired_difference(
        setup.metric,
        before,
        candidate.evaluated_losses(begin, end),
        confidence=setup.gates.confidence,
        resamples=setup.gates.resamples,
        seed=setup.training.seed,
        sampling=drawn,
    )
    return [
        lesser_harm(
            gate,
            setup.metric,
            guess=metric_value(setup.metric, losses, sampling.weights),
            champion=metric_value(setup.metric, before, drawn.weights),
            improvement=found.low,
            settings=setup.gates,
        )
    ]


def gates_against_champion(
    stream: Stream,
    setup: Setup,
    candidate: ReplayedCandidate,
    champion: ReplayedCandidate,
    cause: Cause | None,
) -> list[Gate]:
    """Compare a candidate with the champion, as a promotion would.

    Args:
        stream: The rows.
        setup: The project's settings.
        candidate: What a training gave.
        champion: The candidate that serves.
        cause: Why the training was asked for; None for no cause.

    Returns:
        Superiority (or non-inferiority, where the champion is confirmed to be worse than promised) and
        slices; `not_run` with fewer rows later than what the champion was fitted on than
        `gates.minimum_holdout_rows`.
    """
    end = candidate.rows
    begin = max(candidate.first_held_out, champion.fitted)
    if end - begin < setup.gates.minimum_holdout_rows:
        reason = (
            f"{max(end - begin, 0)} holdout rows are later than what the champion was fitted on, "
            f"{setup.gates.minimum_holdout_rows} are needed"
        )
        return [Gate(name="superiority", verdict="not_run", reason=reason)]
    rows = stream.frame.iloc[begin:end]
    try:
        sampling = sampling_of(rows, setup.columns)
    except NotComparable as few:
        return [Gate(name="superiority", verdict="not_run", reason=str(few))]
    # The champion's served model is compared, as it would be: it has seen nothing of these rows.
    before = champion.served_losses(begin, end)
    after = candidate.evaluated_losses(begin, end)
    evidence: dict[str, Any] = {
        "before": before,
        "after": after,
        "settings": setup.gates,
        "seed": setup.training.seed,
        "sampling": sampling,
    }
    confirmed = ""
    if cause is not None and setup.refits:
        promise = champion.reference.promise
        confirmed = confirmation(cause, promise, before, setup.monitoring.performance)
    if confirmed:
        gate, _ = non_inferiority(setup.metric, **evidence, confirmed=confirmed)
    else:
        gate, _ = superiority(setup.metric, **evidence)
    slices, _ = compare_slices(setup.metric, rows, setup.columns.slices, **evidence)
    return [gate, *slices]


def verify_repair(
    stream: Stream,
    setup: Setup,
    cause: Cause,
    span: Span,
    *,
    before: ReplayedCandidate,
    after: ReplayedCandidate,
) -> Verdict:
    """Say whether a promotion mended the window that asked for it.

    Args:
        stream: The rows.
        setup: The project's settings.
        cause: Why the training was asked for.
        span: The window.
        before: The candidate that served the window.
        after: The candidate that was promoted.

    Returns:
        As the governor would be told in production.
    """
    begin = max(span.begin, after.first_held_out)
    rows = before.evaluated_losses(begin, span.labelled)
    improvement = _improvement(setup, rows, after.evaluated_losses(begin, span.labelled))
    if "performance" in cause.signals:
        old = metric_value(setup.metric, rows) if len(rows) else 0.0
        tolerance = setup.monitoring.performance.tolerance
        return repair_of_performance(improvement, old, tolerance)[0]
    return repair_of_drift(_drift_after(stream, setup, after, span), improvement)[0]


def _improvement(setup: Setup, before: Floats, after: Floats) -> Interval | None:
    policy = setup.monitoring.performance
    if len(before) < policy.minimum_labels:
        return None
    return paired_difference(
        setup.metric,
        before,
        after,
        confidence=policy.confidence,
        resamples=setup.gates.resamples,
        seed=setup.training.seed,
    )


def _drift_after(stream: Stream, setup: Setup, after: ReplayedCandidate, span: Span) -> Verdict:
    rows = stream.frame.iloc[span.begin : span.end]
    frame = (
        rows[list(after.reference.feature_types)].add_prefix(FEATURE_PREFIX).reset_index(drop=True)
    )
    return feature_drift(after.reference, frame, setup.monitoring.drift).verdict
