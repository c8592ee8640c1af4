"""Results of finished steps, kept so that a killed training goes on where it stopped.

One folder an attempt: `attempts/<key>/`, a file a finished step. The key stands for the parameters of
the flow run, so the same call finds its own attempt again. `outcome.json` ends an attempt: the next
call with the same parameters starts a new one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from .errors import ConfigurationError
from .results import Result
from .workspace import Workspace

R = TypeVar("R", bound=Result)


class Checkpoints:
    """The finished steps of one attempt.

    Args:
        workspace: Where they are kept.
        key: Stands for the parameters of the flow run.
    """

    def __init__(self, workspace: Workspace, key: str) -> None:
        self._workspace = workspace
        self._folder = f"attempts/{key}"
        self._key = key

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the attempt, so that two processes of one machine never work on it at once.

        The operating system frees it when the process dies, however it dies.

        Raises:
            ConfigurationError: If another process holds it.
        """
        path = Path(tempfile.gettempdir()) / f"prefect-mlops-{self._key[:32]}.lock"
        try:
            with FileLock(path, timeout=0):
                yield
        except Timeout:
            raise ConfigurationError(
                "the same training, with the same parameters, is running in another process of this "
                "machine: wait for it, or cancel it"
            ) from None

    def load(self, step: str, kind: type[R]) -> R | None:
        """Return the result of a finished step, or None.

        A file that a newer or older version wrote in another form counts as not there.
        """
        name = f"{self._folder}/{step}.json"
        if not self._workspace.exists(name):
            return None
        try:
            return kind.model_validate_json(self._workspace.read_bytes(name))
        except ValidationError:
            return None

    def save(self, step: str, result: Result) -> None:
        """Keep the result of a finished step.

        Raises:
            WorkspaceUnavailable: If it cannot be written.
        """
        self._workspace.write_bytes(
            f"{self._folder}/{step}.json", result.model_dump_json(indent=2).encode()
        )

    def clear(self) -> None:
        """Forget every step: the next run with these parameters starts from the beginning."""
        self._workspace.remove(self._folder)
