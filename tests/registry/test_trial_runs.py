"""Every finished trial has one finished run, whatever was killed in between."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.registry import trial_runs
from prefect_mlops.registry.abandoned_runs import close_abandoned
from prefect_mlops.registry.tracking import experiment_id, open_run
from prefect_mlops.registry.trial_runs import TrialRuns
from prefect_mlops.training.cross_validation import TrialScore
from support.candidates import with_mlflow

TRIALS = [
    (0, "linear", {"C": 1.0}, TrialScore([0.6, 0.5], False, 1.0)),
    (1, "linear", {"C": 2.0}, TrialScore([0.7], True, 1.0)),
    (2, "linear", {"C": 3.0}, TrialScore([], False, 1.0, error="ValueError: singular")),
]


class Killed(BaseException):
    """What ends a process, as far as one that lives can have it."""


@pytest.fixture
def project(make_project):
    return with_mlflow(make_project())


def runs_of(stores, run_id):
    client = stores.registry.get_client()
    query = f"tags.`mlflow.parentRunId` = '{run_id}'"
    found = client.search_runs([experiment_id(stores, client)], query)
    return sorted(
        (run.info.run_name, run.info.status, run.data.metrics.get("log_loss")) for run in found
    )


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(
    ("where", "what"),
    [(trial_runs, "log_batch"), (MlflowClient, "set_terminated"), (None, "")],
)
def test_a_trial_that_was_half_logged_is_logged_whole(project, monkeypatch, where, what, closed):
    stores = project.stores
    run_id = open_run(stores, "key", None)

    def kill(*_, **__):
        raise Killed

    with monkeypatch.context() as patched, TrialRuns(run_id, "log_loss", stores) as runs:
        runs.log(*TRIALS[0])
        runs._raise_failed(runs._written)
        if where is not None:
            patched.setattr(where, what, kill)
            runs.log(*TRIALS[1])
            with pytest.raises(Killed):
                runs._written[-1].result()
            runs._written.clear()
    if closed:
        stores.registry.get_client().set_terminated(run_id, "FINISHED")
        checkpoints = Checkpoints(project.open_workspace(), "mine")
        with checkpoints.exclusive():
            close_abandoned(stores, checkpoints)
    for _ in range(2):
        with TrialRuns(run_id, "log_loss", stores) as runs:
            runs.catch_up(TRIALS)
        assert runs_of(stores, run_id) == [
            ("trial 0", "FINISHED", 0.5),
            ("trial 1", "KILLED", 0.7),
            ("trial 2", "FAILED", None),
        ]
