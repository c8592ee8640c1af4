"""Two trainings in processes of their own that come to their promotion at the same moment.

As a program it imports everything once and then forks both for every race that it is asked for on standard
input: `Racers` is the other end.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
import traceback
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from prefect.settings import get_current_settings
from prefect_mlops.blocks import MLProject
from prefect_mlops.core.results import TrainingOutcome

_PATIENCE_SECONDS = 120.0
# Long enough that either may come first, and that each may come in the middle of the other's promotion.
_JITTER_SECONDS = 0.05


class Racer(NamedTuple):
    """How one of the two ended.

    Attributes:
        outcome: What its training returned; None when it raised.
        log: What it printed.
    """

    outcome: TrainingOutcome | None
    log: str


class Racers:
    """Asks the program for races against the current Prefect server."""

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

    def race(self, first: MLProject, second: MLProject) -> tuple[Racer, Racer]:
        """Train both at once; the number of the race seeds what happens between them."""
        self._number += 1
        files = [str(self._folder / f"race-{self._number}-{name}") for name in ("a", "b")]
        projects = [
            project.model_dump(mode="json", context={"include_secrets": True})
            for project in (first, second)
        ]
        request = {"projects": projects, "files": files, "seed": self._number}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline()) == "done"
        one, other = (_ended(Path(name)) for name in files)
        return one, other

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=30)


def _ended(files: Path) -> Racer:
    found = files.with_suffix(".json")
    outcome = TrainingOutcome.model_validate_json(found.read_text()) if found.exists() else None
    return Racer(outcome, files.with_suffix(".log").read_text())


def main() -> None:
    """Serve requests, one line each, until there are no more."""
    import mlflow.sklearn  # noqa: F401
    import optuna  # noqa: F401
    import skops.io  # noqa: F401
    from prefect_mlops.flows import train  # noqa: F401

    context = multiprocessing.get_context("fork")
    for line in sys.stdin:
        request = json.loads(line)
        together = context.Barrier(2)
        racers = [
            context.Process(target=_train, args=(*both, together, request["seed"]))
            for both in zip(request["projects"], request["files"], strict=True)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        sys.stdout.write('"done"\n')
        sys.stdout.flush()


def _train(project: dict[str, Any], name: str, together: Any, seed: int) -> None:
    """Train in this forked process, waiting for the other one before the first promotion."""
    from prefect_mlops.flows import promotion, train

    files = Path(name)
    log = os.open(files.with_suffix(".log"), os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    original, waits = promotion.promote, [True]

    @wraps(original)
    def at_once(*args: Any, **keywords: Any) -> Any:
        if waits.pop() if waits else False:
            together.wait(_PATIENCE_SECONDS)
            time.sleep(random.Random(f"{name} {seed}").uniform(0, _JITTER_SECONDS))
        return original(*args, **keywords)

    promotion.promote = at_once  # pyright: ignore[reportAttributeAccessIssue]
    try:
        outcome = train(MLProject.model_validate(project))
        files.with_suffix(".json").write_text(outcome.model_dump_json())
    except BaseException:
        traceback.print_exc()


if __name__ == "__main__":
    main()
