"""The steps that a flow may be composed of: one list, each a task that takes what it reads."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prefect import Task
from prefect_mlops import tasks

STEPS = [
    "adopt",
    "assess_readiness",
    "attach_labels",
    "check_baseline",
    "check_calibration",
    "check_decisions",
    "check_fairness",
    "check_freshness",
    "check_model",
    "check_package",
    "check_robustness",
    "check_slices",
    "compare",
    "conclude_canary",
    "decide",
    "deliver_pending",
    "extract",
    "finalise",
    "find_approval",
    "fit",
    "judge_canary",
    "measure_drift",
    "measure_model",
    "measure_performance",
    "notify",
    "promote",
    "prune_predictions",
    "read_labelled_window",
    "read_window",
    "record_approval",
    "refit",
    "register",
    "replay_policy",
    "request_approval",
    "request_retraining",
    "roll_back",
    "run_deepchecks",
    "run_evidently",
    "run_expectations",
    "run_gates",
    "run_trial",
    "score_rows",
    "settle_approvals",
    "split",
    "train_candidate",
    "tune",
    "validate_data",
    "verify_repair",
    "write_card",
]
HEAVY = {"mlflow", "great_expectations", "deepchecks", "evidently", "sklearn", "pandas", "optuna"}
TABLE = Path(__file__).parents[2] / "docs" / "tasks.md"


def test_the_list_of_steps_is_this_one():
    assert sorted(tasks.__all__) == STEPS
    assert set(STEPS) <= set(dir(tasks))


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_a_task_of_its_own_name(name):
    step = getattr(tasks, name)
    assert isinstance(step, Task)
    assert step.name == name


@pytest.mark.parametrize("name", STEPS)
def test_a_step_takes_no_project(name):
    parameters = inspect.signature(getattr(tasks, name).fn).parameters
    assert "project" not in parameters
    assert not [p for p in parameters.values() if "MLProject" in str(p.annotation)]


def test_a_step_of_ones_own_is_made_beside_them():
    @tasks.step("keep the {share:.0%}", retry_on=TimeoutError)
    def keep(share: float) -> float:
        """Keep a share."""
        return share

    assert isinstance(keep, Task)
    assert (keep.name, keep.task_run_name, keep.retries) == ("keep", "keep the {share:.0%}", 1)
    assert keep.fn(0.5) == 0.5


def test_what_is_no_step_is_not_found_among_them():
    with pytest.raises(AttributeError, match="no attribute 'open_run'"):
        _ = tasks.open_run


def test_the_list_is_had_without_a_heavy_library():
    script = (
        "import json, sys, prefect; before = set(sys.modules)\n"
        f"from prefect_mlops.tasks import {', '.join(STEPS)}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert HEAVY & set(json.loads(found.stdout)) == set()


@pytest.mark.skipif(not TABLE.exists(), reason="the wheel has no documentation")
@pytest.mark.parametrize("name", STEPS)
def test_the_documentation_says_what_a_step_takes_and_returns(name):
    signature = inspect.signature(getattr(tasks, name).fn)
    row = re.search(rf"^\| `{name}` \| (.*) \| (.*) \| (.+) \|$", TABLE.read_text(), re.MULTILINE)
    assert row is not None
    assert re.findall(r"`(\w+)`", row[1]) == list(signature.parameters)
    assert row[2] == f"`{signature.return_annotation}`"
