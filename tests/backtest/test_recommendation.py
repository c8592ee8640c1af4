"""The recommended policy is the cheapest, or the one that retrains least among the best."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect_mlops.backtest.recommendation import check_costs, costs_of, recommend
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results.backtest import PolicyReplay, ReplayedWindow

START = datetime(2026, 1, 1, tzinfo=UTC)


def replay(name: str, value: float, retrainings: int, windows: int = 10) -> PolicyReplay:
    found = [
        ReplayedWindow(
            first_row=100 * number,
            rows=100,
            start=START + timedelta(days=number),
            end=START + timedelta(days=number + 1),
            version=1,
            value=value,
            promised=value,
            drift="passed",
            performance="passed",
            worse=False,
            action="retrain" if number < retrainings else "none",
            reason="",
        )
        for number in range(windows)
    ]
    return PolicyReplay(name=name, value=value, windows=found)


NEVER, ALWAYS, GOVERNOR = (
    replay("never", 0.5, 0),
    replay("always", 0.3, 10),
    replay("governor", 0.31, 2),
)


def test_a_cost_is_errors_of_every_row_and_retrainings():
    never, always = costs_of([NEVER, ALWAYS], error_cost=2.0, retraining_cost=7.0)
    assert (never.errors, never.retrainings, never.total) == pytest.approx((1_000.0, 0.0, 1_000.0))
    assert (always.errors, always.retrainings, always.total) == pytest.approx((600.0, 70.0, 670.0))


@pytest.mark.parametrize(
    ("retraining_cost", "expected"), [(0.0, "always"), (10.0, "governor"), (1_000.0, "never")]
)
def test_with_costs_the_cheapest_is_recommended(retraining_cost, expected):
    replays = [NEVER, ALWAYS, GOVERNOR]
    costs = costs_of(replays, error_cost=1.0, retraining_cost=retraining_cost)
    name, reason = recommend(replays, costs, "log_loss")
    assert name == expected
    assert reason.startswith(f"{expected} costs least: ")


def test_without_costs_the_one_that_retrains_least_among_the_best_is():
    name, reason = recommend([NEVER, ALWAYS, GOVERNOR], [], "log_loss")
    assert name == "governor"
    assert "The best log_loss is that of always, 0.3 with 10" in reason
    assert recommend([NEVER, ALWAYS], [], "log_loss")[0] == "always"


@pytest.mark.parametrize("costs", [(1.0, None), (None, 1.0), (-1.0, 2.0), (1.0, -2.0)])
def test_half_or_negative_costs_are_refused(costs):
    with pytest.raises(ConfigurationError, match="give both, 0 or more"):
        check_costs(*costs)


def test_both_or_neither_are_taken():
    assert check_costs(None, None) is None
    assert check_costs(1.0, 0.0) == (1.0, 0.0)
