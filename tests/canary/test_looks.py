"""Looks spend the chance of error, and wait for new labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.canary.looks import alpha_spent, labels_needed
from prefect_mlops.core.settings import CanarySettings


@given(st.integers(1, 10_000), st.floats(0.51, 0.999))
def test_looks_never_spend_more_than_the_chance_of_error(looks, confidence):
    spent = sum(alpha_spent(look, confidence) for look in range(1, looks + 1))
    assert spent == pytest.approx((1 - confidence) * looks / (looks + 1))


@given(st.integers(1, 1_000_000), st.floats(0.0, 2.0))
def test_the_next_look_needs_new_labels_and_as_many_more_as_asked(labelled, growth):
    settings = CanarySettings(minimum_labels=200, look_growth=growth)
    needed = labels_needed(settings, labelled)
    assert needed > labelled
    assert needed >= labelled * (1 + growth)
    assert needed - 1 < max(labelled + 1, labelled * (1 + growth))


def test_the_first_look_needs_the_fewest_labels_of_the_settings():
    assert labels_needed(CanarySettings(minimum_labels=321), None) == 321
