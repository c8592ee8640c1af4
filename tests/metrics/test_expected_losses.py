"""The loss that a model expects is the one it has where its probabilities are true."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.metrics.expected_losses import expected_losses
from prefect_mlops.metrics.losses import row_losses


@pytest.mark.parametrize("metric", ["log_loss", "brier", "error_rate"])
def test_it_is_the_mean_loss_where_labels_are_drawn_by_the_probabilities(metric):
    rng = np.random.default_rng(0)
    chances = rng.dirichlet([1, 2, 3], 40_000)
    drawn = (rng.random(len(chances))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    seen = row_losses(metric, drawn, chances, np.arange(3)).mean()
    said = expected_losses(metric, chances)
    assert said is not None
    assert said.mean() == pytest.approx(seen, abs=0.01)


def test_a_regression_says_nothing_of_its_errors():
    assert expected_losses("rmse", np.ones((3, 2))) is None
