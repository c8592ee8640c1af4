"""Checkpoints of finished steps: a killed training resumes where it stopped.

One folder an attempt: `attempts/<key>/`, a file a finished step. The key stands for the parameters of
the flow run, so the same call finds its own attempt again. `outcome.json` ends an attempt: the next
call with the same parameters starts a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from .errors import ConfigurationError
from .locks import hold, identity, sweep
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

    @property
    def key(self) -> str:
        """What stands for the parameters of the flow run."""
        return self._key

    @property
    def attempt(self) -> str:
        """A text that names the attempt and the place of its lock, for `abandoned`."""
        return f"{identity(self._locks)}/{self._key}"

    @property
    def _locks(self) -> Path:
        return self._workspace.local_folder("locks")

    def _lock(self, key: str) -> Path:
        # The key may be anything; the file's name may not.
        return self._locks / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.lock"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the attempt, so that no two processes work on it at once.

        The lock lies in the workspace, so that it holds on every machine that has it; of a remote
        workspace, in this machine's folder for temporary files. The operating system frees it when
        the process dies, however it dies.

        Raises:
            ConfigurationError: If another process holds it.
            WorkspaceUnavailable: If the lock cannot be written.
        """
        with hold(self._lock(self._key)) as held:
            if not held:
                raise ConfigurationError(
                    "the same training, with the same parameters, is running in another process: wait "
                    "for it, or cancel it"
                )
            sweep(self._locks)
            yield

    @contextmanager
    def abandoned(self, attempt: str) -> Iterator[bool]:
        """Say whether an attempt was abandoned, and hold it inside the `with` if it was.

        Args:
            attempt: What `attempt` was, of this attempt or another.

        Yields:
            True if no process works on it: it is this one, or its lock is free. False if that
            cannot be told, because its lock lies elsewhere.
        """
        place, _, key = attempt.partition("/")
        if key == self._key and place == identity(self._locks):
            yield True
        elif place != identity(self._locks):
            yield False
        else:
            with hold(self._lock(key), patience=0) as held:
                yield held

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

    def forget(self, steps: Iterable[str]) -> None:
        """Forget some steps: they run again.

        Raises:
            WorkspaceUnavailable: If they cannot be removed.
        """
        for step in steps:
            self._workspace.remove(f"{self._folder}/{step}.json")

    def clear(self) -> None:
        """Forget every step: the next run with these parameters starts from the beginning."""
        self._workspace.remove(self._folder)
