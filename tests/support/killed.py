"""Trains in processes of their own, which a SIGKILL ends at a chosen moment.

As a program it imports everything once and then forks for every training that it is asked for on
standard input, so that a killed training costs a second. `Trainer` is the other end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from prefect.settings import get_current_settings
from prefect_mlops.blocks import MLProject
from prefect_mlops.core.results import Cause, TrainingOutcome

STEPS = [
    "extract",
    "validate_data",
    "split",
    "open_run",
    "tune",
    "fit",
    "check_model",
    "check_baseline",
    "check_calibration",
    "check_robustness",
    "check_slices",
    "compare",
    "refit",
    "check_package",
    "check_freshness",
    "register",
    "verify_repair",
]
# In the order in which a training gets there. A step's name stands for the worst moment of it: its work
# is done, and nobody knows yet.
MOMENTS = [
    *STEPS[:4],
    "during the second trial",
    *STEPS[4:-1],
    "promotion written, champion not moved",
    "champion moved, activation not written",
    "activation written",
    "settled, reasons not written",
    "verify_repair",
    "end of the retraining written",
    "evidence half written",
    "artifacts created, run not closed",
    "run closed, outcome not written",
    "outcome written",
]


class Ending(NamedTuple):
    """How a training's process ended.

    Attributes:
        signal: The signal that ended it, 0 for none.
        worked: Steps whose work was done in it, in order.
        outcome: What it returned, or None.
        log: What it printed.
    """

    signal: int
    worked: list[str]
    outcome: TrainingOutcome | None
    log: str


class Trainer:
    """Asks the program for trainings against the current Prefect server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **settings, "PREFECT_LOGGING_LEVEL": "INFO"},
            text=True,
        )

    def train(
        self,
        project: MLProject,
        cause: Cause | None = None,
        *,
        kill: str | None = None,
        after: float | None = None,
    ) -> Ending:
        """Train, until the moment `kill` (one of `MOMENTS`) or for `after` seconds."""
        self._number += 1
        files = self._folder / f"training-{self._number}"
        request = {
            "project": project.model_dump(mode="json", context={"include_secrets": True}),
            "cause": cause and cause.model_dump(mode="json"),
            "kill": kill,
            "after": after,
            "files": str(files),
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status = json.loads(self._process.stdout.readline())
        worked, outcome = files.with_suffix(".worked"), files.with_suffix(".json")
        return Ending(
            signal=status,
            worked=worked.read_text().split() if worked.exists() else [],
            outcome=TrainingOutcome.model_validate_json(outcome.read_text())
            if outcome.exists()
            else None,
            log=files.with_suffix(".log").read_text(),
        )

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=30)


def main() -> None:
    """Serve requests, one line each, until there are no more."""
    import great_expectations  # noqa: F401
    import mlflow.sklearn  # noqa: F401
    import optuna  # noqa: F401
    import skops.io  # noqa: F401
    from prefect_mlops.flows import train  # noqa: F401
    from prefect_mlops.training import study  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _train(request)
        sys.stdout.write(json.dumps(_wait(child, request["after"])) + "\n")
        sys.stdout.flush()


def _wait(child: int, after: float | None) -> int:
    if after is not None:
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.02)
        else:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _train(request: dict[str, Any]) -> None:
    """Train in this forked process, which does not return."""
    from prefect_mlops.flows import train

    files = Path(request["files"])
    log = os.open(files.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        _watch_steps(files.with_suffix(".worked"), request["kill"])
        if request["kill"] in _HOOKS:
            _HOOKS[request["kill"]]()
        project = MLProject.model_validate(request["project"])
        cause = request["cause"] and Cause.model_validate(request["cause"])
        outcome = train(project, cause)
        files.with_suffix(".json").write_text(outcome.model_dump_json())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _watch_steps(worked: Path, kill: str | None) -> None:
    from prefect_mlops.core.checkpoints import Checkpoints

    def note(_: Any, step: str, *_rest: Any) -> None:
        with worked.open("a") as file:
            file.write(f"{step}\n")
        if step == kill:
            _die()

    _hook(Checkpoints, "save", before=note)


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hook(
    owner: Any,
    name: str,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        if before:
            before(*args, **kwargs)
        result = original(*args, **kwargs)
        if after:
            after(*args, **kwargs)
        return result

    setattr(owner, name, hooked)


def _die_if(position: int, found: Callable[[Any], bool]) -> Callable[..., None]:
    def check(*args: Any, **_: Any) -> None:
        if found(args[position]):
            _die()

    return check


def _journal(kind: str, *, before: bool = False) -> None:
    from prefect_mlops.storage.sqlite import SqliteStore

    check = _die_if(1, lambda found: found == kind)
    _hook(SqliteStore, "record", before=check if before else None, after=None if before else check)


def _second_trial() -> None:
    from prefect_mlops.training.study import PersistentStudy

    _hook(PersistentStudy, "tell", before=_die_if(0, lambda study: len(study.begun) == 2))


def _half_settled() -> None:
    from mlflow import MlflowClient
    from prefect_mlops.core.tags import OUTCOME

    _hook(MlflowClient, "set_model_version_tag", after=_die_if(3, lambda tag: tag == OUTCOME))


def _half_evidence() -> None:
    from prefect_mlops.flows import report_artifacts

    _hook(report_artifacts, "log_file", after=_die_if(3, lambda path: path == "outcome.json"))


def _artifacts_created() -> None:
    from prefect_mlops.flows import report_artifacts

    _hook(report_artifacts, "report_training", after=_die)


def _run_closed() -> None:
    from prefect_mlops.flows import training

    _hook(training, "close_run", after=_die)


def _outcome_written() -> None:
    from prefect_mlops.core.workspace import Workspace

    check = _die_if(1, lambda name: name.startswith("outcomes/"))
    _hook(Workspace, "write_bytes", after=check)


_HOOKS: dict[str, Callable[[], None]] = {
    "during the second trial": _second_trial,
    "promotion written, champion not moved": lambda: _journal("promotion"),
    "champion moved, activation not written": lambda: _journal("activation", before=True),
    "activation written": lambda: _journal("activation"),
    "settled, reasons not written": _half_settled,
    "end of the retraining written": lambda: _journal("retraining"),
    "evidence half written": _half_evidence,
    "artifacts created, run not closed": _artifacts_created,
    "run closed, outcome not written": _run_closed,
    "outcome written": _outcome_written,
}


if __name__ == "__main__":
    main()
