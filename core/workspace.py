"""File access to a project's workspace: snapshots, suites, profiles and reports.

Any fsspec URL. A file appears whole or not at all: it is written beside its final name and moved.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import url_to_fs

from .errors import ConfigurationError, WorkspaceUnavailable


def as_workspace(place: Workspace | str) -> Workspace:
    """Return a workspace, opened if it is a path or URL. Raises as `Workspace` does."""
    return Workspace(place) if isinstance(place, str) else place


class Workspace:
    """A folder for one project, on local disk or behind any fsspec URL.

    Args:
        root: Path or URL. `~` is expanded for local paths.

    Raises:
        ConfigurationError: If no file system is known for the URL's protocol.

    Example:
        >>> import tempfile
        >>> workspace = Workspace(tempfile.mkdtemp())
        >>> uri = workspace.write_json("notes/a.json", {"a": 1})
        >>> workspace.read_json("notes/a.json")
        {'a': 1}
    """

    def __init__(self, root: str) -> None:
        local = "://" not in root
        self.root = str(Path(root).expanduser().resolve()) if local else root.rstrip("/")
        try:
            self._fs, self._base = url_to_fs(self.root)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(
                f"workspace {root!r}: {error}. Use a local path or a URL that fsspec knows, and "
                "install the file system's package (extras s3, gcs, azure)"
            ) from error

    def uri(self, name: str) -> str:
        """Return the URI of a file, given its name below the root with `/` between folders."""
        return f"{self.root}/{name}"

    def local_folder(self, name: str) -> Path:
        """Return a folder for what only a local disk can hold: locks, databases.

        In the workspace when that is a local folder; else in this machine's folder for temporary
        files, where only this machine finds it again.

        Args:
            name: Its name.

        Raises:
            WorkspaceUnavailable: If it cannot be made.
        """
        root = self.root.removeprefix("file://")
        if "://" in root:
            place = hashlib.sha256(root.encode()).hexdigest()[:16]
            root = str(Path(tempfile.gettempdir()) / "prefect-mlops" / place)
        folder = Path(root) / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceUnavailable(
                f"cannot make {folder}: {error}. Check that the workspace exists, has room and may be "
                "written by this process"
            ) from error
        return folder

    def _path(self, name: str) -> str:
        return posixpath.join(self._base, name)

    def exists(self, name: str) -> bool:
        """Return whether a file or folder is there.

        Raises:
            WorkspaceUnavailable: If that cannot be told.
        """
        with self._failing_clearly("look for", name):
            return bool(self._fs.exists(self._path(name)))

    def names(self, folder: str) -> list[str]:
        """Return the names of the files and folders in a folder, sorted; none when it is not there.

        Raises:
            WorkspaceUnavailable: If that cannot be told.
        """
        with self._failing_clearly("list", folder):
            try:
                found = self._fs.ls(self._path(folder), detail=False)
            except FileNotFoundError:
                return []
        return sorted(posixpath.basename(str(path).rstrip("/")) for path in found)

    @contextmanager
    def _failing_clearly(self, verb: str, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WorkspaceUnavailable(
                f"cannot {verb} {self.uri(name)}: {error}. Check that the workspace exists, has room "
                "and may be written by this process"
            ) from error

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write a file, whole or not at all.

        Args:
            name: Its name below the root.
            content: Its bytes.

        Returns:
            Its URI.

        Raises:
            WorkspaceUnavailable: If it cannot be written.
        """
        path = self._path(name)
        beside = f"{path}.{uuid.uuid4().hex}.part"
        with self._failing_clearly("write", name):
            self._fs.makedirs(posixpath.dirname(path), exist_ok=True)
            try:
                self._fs.pipe_file(beside, content)
                self._fs.mv(beside, path)
            except BaseException:
                if self._fs.exists(beside):
                    self._fs.rm(beside)
                raise
        return self.uri(name)

    def read_bytes(self, name: str) -> bytes:
        """Read a file.

        Args:
            name: Its name below the root.

        Returns:
            Its bytes.

        Raises:
            WorkspaceUnavailable: If it cannot be read.
        """
        with self._failing_clearly("read", name):
            return bytes(self._fs.cat_file(self._path(name)))

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there.

        Raises:
            WorkspaceUnavailable: If it cannot be removed.
        """
        with self._failing_clearly("remove", name):
            if self.exists(name):
                self._fs.rm(self._path(name), recursive=True)

    def write_json(self, name: str, content: Any) -> str:
        """Write JSON that people can read and review. Returns its URI."""
        text = json.dumps(content, indent=2, sort_keys=True, default=str)
        return self.write_bytes(name, text.encode())

    def read_json(self, name: str) -> Any:
        """Read JSON written by `write_json`.

        Raises:
            WorkspaceUnavailable: If the file cannot be read or is not JSON.
        """
        try:
            return json.loads(self.read_bytes(name))
        except ValueError as error:
            raise WorkspaceUnavailable(f"{self.uri(name)} is not JSON: {error}") from error


def read_uri(uri: str) -> bytes:
    """Read a file by the URI that a result carries.

    Raises:
        WorkspaceUnavailable: If it cannot be read.
    """
    try:
        with fsspec.open(uri, "rb") as file:
            return bytes(file.read())  # pyright: ignore[reportAttributeAccessIssue]
    except (OSError, ValueError) as error:
        raise WorkspaceUnavailable(f"cannot read {uri}: {error}") from error
