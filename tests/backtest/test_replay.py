"""A policy is replayed window by window, and retrains when it says so."""

from __future__ import annotations

import pytest
from prefect_mlops.backtest.candidates import Candidates
from prefect_mlops.backtest.policies import Policy, policy_of
from prefect_mlops.backtest.replay import Replay
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Gate
from prefect_mlops.core.settings import MonitoringSettings
from prefect_mlops.core.workspace import Workspace
from support.streams import SETUP, stream_of


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    stream = stream_of(turned=500)
    candidates = Candidates(stream, SETUP, Workspace(str(tmp_path_factory.mktemp("w"))))

    def run(policy, broken=()):
        return Replay(stream, SETUP, candidates, policy, lambda *_: list(broken)).run()

    return run


def test_a_policy_that_never_retrains_keeps_the_first_model(replayed):
    found = replayed(policy_of("never"))
    assert [window.first_row for window in found.windows] == [400, 500, 600, 700, 800]
    assert {window.version for window in found.windows} == {1}
    assert (found.retrainings, found.promotions) == (0, 0)
    assert found.windows[0].value < 0.7
    assert found.windows[-1].value > 4


def test_a_policy_of_every_second_window_retrains_in_every_second_window(replayed):
    found = replayed(policy_of("every:2"))
    assert [window.action for window in found.windows] == [
        "none", "retrain", "none", "retrain", "none",
    ]  # fmt: skip
    assert [window.version for window in found.windows] == [1, 1, 2, 2, 3]


def test_worse_performance_asks_after_the_turn_and_helps(replayed):
    never, found = replayed(policy_of("never")), replayed(policy_of("performance"))
    assert found.windows[0].action == "none"
    assert found.windows[1].action == "retrain"
    assert found.windows[1].worse
    assert found.value < never.value


def test_rows_that_are_refused_end_a_training_of_the_governor(replayed):
    broken = Gate(name="x: same unit", verdict="failed", reason="x is in another unit")
    found = replayed(policy_of("governor"), [broken])
    endings = {window.ending for window in found.windows if window.action == "retrain"}
    assert endings == {"failed"}
    assert {w.refused for w in found.windows if w.ending == "failed"} == {"x is in another unit"}
    assert {window.version for window in found.windows} == {1}


def test_all_policies_see_the_same_windows(replayed):
    policy = Policy(name="mine", kind="governor", monitoring=MonitoringSettings(window_rows=50))
    with pytest.raises(ConfigurationError, match="policy 'mine' has window_rows=50"):
        replayed(policy)
