"""A trial that takes too long is killed, and whatever else happens in its process stays there."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.training.cross_validation import TrialScore
from prefect_mlops.training.trial_process import end_processes, score_within


def sleep(seconds, *, begin, slow_rows=0.0):
    time.sleep(slow_rows)
    begin()
    print("a fit may print")  # noqa: T201
    time.sleep(seconds)
    return TrialScore([float(os.getpid())], False, seconds)


def refuse(*, begin):
    raise DataRejected("too few rows")


def die(*, begin):
    begin()
    os._exit(3)


def children():
    return [c for c in psutil.Process().children() if "trial_process" in " ".join(c.cmdline())]


@pytest.fixture(autouse=True)
def _ended():
    yield
    end_processes()
    assert children() == []


def test_a_trial_that_takes_too_long_is_really_ended():
    score = score_within(0.5, sleep, 60)
    assert (score.pruned, score.means) == (True, [])
    assert "killed after search.trial_timeout_seconds, 0.5 s" in score.error
    assert 0.4 < score.seconds < 10
    assert children() == []


def test_the_same_process_scores_the_next_trial_and_a_new_one_follows_a_killed_one():
    first = score_within(30, sleep, 0).means
    assert score_within(30, sleep, 0).means == first
    assert score_within(0.5, sleep, 60).pruned
    assert score_within(30, sleep, 0).means not in (first, [])


def test_reading_rows_does_not_count():
    assert not score_within(0.5, sleep, 0, slow_rows=1.0).pruned


def test_an_error_is_raised_here_and_a_death_is_the_trials_error():
    with pytest.raises(DataRejected, match="too few rows"):
        score_within(30, refuse)
    score = score_within(30, die)
    assert (score.pruned, score.error) == (False, "its process died (exit code 3)")


def die_reading(code, *, begin):
    time.sleep(1.0)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize(("code", "told"), [(9, "exit code 9"), (-9, "exit code -9, SIGKILL")])
def test_a_process_that_died_by_itself_is_not_said_to_have_taken_too_long(code, told):
    # Reading rows takes longer than a trial may, and does not count.
    score = score_within(0.5, die_reading, code)
    assert (score.pruned, score.error) == (False, f"its process died ({told})")
