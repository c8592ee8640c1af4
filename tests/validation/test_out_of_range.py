"""Numbers beyond the known range are believed with a sign that the world moved, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.validation.out_of_range import departure

RNG = np.random.default_rng(0)
KNOWN = RNG.uniform(0.0, 100.0, 1_000)
BOUNDS = (-100.0, 200.0)
FAR = RNG.uniform(900.0, 1_000.0, 400)


def test_within_the_bounds_there_is_nothing_to_judge():
    assert departure(KNOWN, RNG.uniform(-50.0, 150.0, 400), BOUNDS, ordered=True) is None


def test_a_few_rows_not_too_far_are_a_heavy_tail():
    new = np.r_[RNG.uniform(0.0, 100.0, 398), 250.0, 300.0]
    found = departure(KNOWN, new, BOUNDS, ordered=False)
    assert (found.sign, found.rows.tolist()) == ("few", [398, 399])
    too_far = departure(KNOWN, np.r_[new, 1e9], BOUNDS, ordered=False)
    assert too_far.sign is None


def test_steps_that_overlap_are_growth_only_in_order():
    growing = np.sort(np.r_[RNG.uniform(50.0, 400.0, 400)])
    assert departure(np.sort(KNOWN), growing, BOUNDS, ordered=True).sign == "steps"
    assert departure(np.sort(KNOWN), growing, BOUNDS, ordered=False).sign is None
    assert departure(np.sort(KNOWN), FAR, BOUNDS, ordered=True).sign is None


@pytest.mark.parametrize(
    ("logged", "cause", "sign"),
    [(True, False, "logged"), (False, True, "cause"), (True, True, "logged"), (False, False, None)],
)
def test_a_leap_is_believed_by_the_log_or_the_cause(logged, cause, sign):
    found = departure(KNOWN, FAR, BOUNDS, ordered=True, logged=logged, cause=cause)
    assert found.sign == sign
    assert len(found.rows) == 400
