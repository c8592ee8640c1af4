"""The smallest improvement that rows tell: against simulation, against its formula, and against the rows it needs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.gates.comparison import superiority
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.metrics.power import detectable_effect, paired_error, rows_that_tell

CONFIDENCES = st.floats(0.55, 0.995)


@given(st.floats(1e-6, 1e3), CONFIDENCES, st.integers(2, 10**6))
def test_so_many_rows_tell_exactly_what_they_detect(error, confidence, rows):
    effect = detectable_effect(error, confidence=confidence)
    needed = rows_that_tell(effect, rows=rows, error=error, confidence=confidence)
    assert needed == pytest.approx(rows)
    # Half of the effect needs four times the rows.
    half = rows_that_tell(effect / 2, rows=rows, error=error, confidence=confidence)
    assert half == pytest.approx(4 * rows)


@given(st.floats(0.1, 10), CONFIDENCES, CONFIDENCES)
def test_to_be_surer_takes_a_larger_effect(error, one, other):
    low, high = sorted((one, other))
    assert detectable_effect(error, confidence=low) <= detectable_effect(error, confidence=high)


def test_the_factor_is_the_one_of_ninety_and_eighty_percent():
    assert detectable_effect(1.0, confidence=0.9) == pytest.approx(1.6449 + 0.8416, abs=1e-3)


@pytest.mark.parametrize("metric", ["log_loss", "rmse"])
def test_the_error_is_the_spread_of_the_improvement_over_many_holdouts(metric):
    rng = np.random.default_rng(0)

    def holdout():
        hard = rng.gamma(2.0, 1.0, 400)
        return hard * rng.uniform(0.9, 1.1, 400), hard * rng.uniform(0.7, 1.1, 400)

    pairs = [holdout() for _ in range(500)]
    improvements = [metric_value(metric, b) - metric_value(metric, a) for b, a in pairs]
    errors = [paired_error(metric, b, a) for b, a in pairs]
    assert np.mean(errors) == pytest.approx(np.std(improvements), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "rows", "gates"),
    [
        ("mae", 200, {}),
        ("mae", 1_000, {"margin": 0.05}),
        ("log_loss", 500, {"confidence": 0.95}),
        ("rmse", 500, {}),
    ],
)
def test_an_improvement_of_that_size_is_told_four_times_in_five(metric, rows, gates):
    settings = GateSettings(resamples=400, **gates)
    rng = np.random.default_rng(1)

    def losses(effect: float) -> tuple[np.ndarray, np.ndarray]:
        before = rng.gamma(4.0, 0.5, rows) + 1.0
        after = before + rng.normal(0.0, 0.4, rows)
        if metric != "rmse":
            return before, after - effect
        # A shift of the mean that makes the root smaller by the effect.
        root = math.sqrt(3.0)
        return before, after - (3.0 - (root - effect) ** 2)

    detectable, _ = superiority(
        metric, before=losses(0)[0], after=losses(0)[1], settings=settings, seed=0
    )
    # Of one holdout it varies a little; of many rows it is what it should be.
    before, after = (
        np.concatenate(part) for part in zip(*[losses(0) for _ in range(50)], strict=True)
    )
    error = paired_error(metric, before, after) * math.sqrt(len(before) / rows)
    effect = settings.margin + detectable_effect(error, confidence=settings.confidence)
    assert detectable.detectable is not None
    told = 0
    for seed in range(300):
        first, second = losses(effect)
        gate, _ = superiority(metric, before=first, after=second, settings=settings, seed=seed)
        told += gate.verdict == "passed"
    # Three standard errors of a share of 300.
    assert told / 300 == pytest.approx(0.8, abs=0.07)


def test_one_row_tells_nothing():
    assert paired_error("mae", np.array([2.0]), np.array([1.0])) == math.inf


def test_losses_of_other_rows_are_refused():
    with pytest.raises(DataRejected, match="same rows: 2, 3"):
        paired_error("mae", np.ones(2), np.ones(3))
