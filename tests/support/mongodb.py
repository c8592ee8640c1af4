"""A server that speaks MongoDB's wire protocol, started for tests and stopped after them.

Taken is the first of: the server that `MONGODB_URI` names; `mongod` on PATH; `ferretdb` on PATH;
FerretDB 1 with its SQLite backend, built once with `go` into the user's cache folder. Servers started
here ask for a password.

For other programs: `python tests/support/mongodb.py --run COMMAND...` runs a command with
`MONGODB_URI` set.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pymongo
from pymongo.errors import PyMongoError

USER, PASSWORD = "tester", "p@ss/w:rd%"
_FERRETDB = "github.com/FerretDB/FerretDB"
_FERRETDB_VERSION = "v1.24.0"
# Its index on `_id` is written as another expression than its queries by `_id`, so that SQLite never
# uses it and every update reads the whole collection: 160 ms at 20,000 rows, 1.5 ms with this.
_ID_COLUMN = ("""DefaultColumn + "->'$._id'\"""", """DefaultColumn + "->'_id'\"""")
# And it looks for `_id` in the index only where nothing else is asked for: an update that names the label
# it expects would read the whole collection, too.
_ID_AMONG_OTHERS = ("params.Filter.Len() == 1", "params.Filter.Len() > 0")
_START_SECONDS = 30
_BUILD_SECONDS = 900
# A killed test run must not leave its server behind: 1 is PR_SET_PDEATHSIG, and survives exec.
_DIE_WITH_PARENT = (
    [
        sys.executable,
        "-c",
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    if sys.platform == "linux"
    else []
)


class NoServer(RuntimeError):
    """No server could be found, built or started."""


class Server:
    """A server of our own, that can be killed and started again on the same data and port."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def uri(self) -> str:
        return (
            f"mongodb://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/mlops"
            "?authSource=admin"
        )

    def start(self) -> None:
        data, log = self._folder / "data", self._folder / "server.log"
        first = not data.exists()
        data.mkdir(exist_ok=True)
        is_mongod = self._program.name.startswith("mongod")
        command = self._mongod(data) if is_mongod else self._ferretdb(data)
        secrets = {"FERRETDB_SETUP_USERNAME": USER, "FERRETDB_SETUP_PASSWORD": PASSWORD}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*_DIE_WITH_PARENT, str(self._program), *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **secrets, "DO_NOT_TRACK": "true"},
            )
        try:
            if is_mongod and first:
                self._make_user()
            self._wait(self.uri)
        except NoServer as error:
            self.stop()
            tail = log.read_text(errors="replace")[-1500:]
            raise NoServer(f"{error}; its log ends:\n{tail}") from None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ferretdb(self, data: Path) -> list[str]:
        return [
            "--handler=sqlite",
            f"--sqlite-url=file:{data}/?_pragma=synchronous(off)",
            f"--state-dir={data}",
            f"--listen-addr=127.0.0.1:{self.port}",
            "--debug-addr=-",
            "--telemetry=disable",
            "--log-level=WARN",
            "--test-enable-new-auth",
            "--setup-database=admin",
        ]

    def _mongod(self, data: Path) -> list[str]:
        return ["--dbpath", str(data), "--port", str(self.port), "--bind_ip=127.0.0.1", "--auth"]

    def _make_user(self) -> None:
        # mongod lets the very first user be made from this machine without a password.
        plain = f"mongodb://127.0.0.1:{self.port}/admin"
        self._wait(plain)
        with pymongo.MongoClient(plain) as client:
            client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"])

    def _wait(self, uri: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        reason = "it never answered"
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise NoServer(f"{self._program.name} ended")
            try:
                with pymongo.MongoClient(uri, serverSelectionTimeoutMS=500) as client:
                    client.admin.command("ping")
                    return
            except PyMongoError as error:
                reason = f"{type(error).__name__}: {error}"
            time.sleep(0.05)
        raise NoServer(f"{self._program.name} did not get ready in {_START_SECONDS} s: {reason}")


@contextmanager
def mongodb_uri() -> Iterator[str]:
    """Yield the URI of a server, one of our own unless `MONGODB_URI` names one.

    Raises:
        NoServer: If there is none.
    """
    given = os.environ.get("MONGODB_URI")
    if given:
        yield given
        return
    with mongodb_server() as server:
        yield server.uri


@contextmanager
def mongodb_server() -> Iterator[Server]:
    """Start a server of our own, and stop it.

    Raises:
        NoServer: If there is none.
    """
    program = _program()
    with tempfile.TemporaryDirectory(prefix="mongodb-") as folder:
        server = Server(program, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _program() -> Path:
    for name in ("mongod", "ferretdb"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return _built_ferretdb()


def _built_ferretdb() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prefect-mlops"
    program = cache / f"ferretdb-{_FERRETDB_VERSION}-by-id"
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise NoServer(
            "no MongoDB server: set MONGODB_URI, or put mongod, ferretdb or go (it builds FerretDB "
            "once) on PATH"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "ferretdb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build_ferretdb(go, program)
    return program


def _build_ferretdb(go: str, program: Path) -> None:
    """Build from a copy of the module: `go install` lacks a generated file without which it stops."""
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        module = f"{_FERRETDB}@{_FERRETDB_VERSION}"
        told = _go([go, "mod", "download", "-json", module], Path(folder))
        source = Path(folder) / "source"
        shutil.copytree(json.loads(told)["Dir"], source)
        (source / "build/version").chmod(0o755)
        (source / "build/version/version.txt").write_text(_FERRETDB_VERSION)
        sqlite = source / "internal/backends/sqlite"
        _edit(sqlite / "metadata/metadata.go", *_ID_COLUMN)
        _edit(sqlite / "collection.go", *_ID_AMONG_OTHERS)
        _go(
            [go, "build", "-trimpath", "-ldflags=-s -w", "-o", "../built", "./cmd/ferretdb"], source
        )
        (Path(folder) / "built").replace(program)


def _edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    if before not in text:
        raise NoServer(f"{path.name} of FerretDB {_FERRETDB_VERSION} has no {before!r} to replace")
    path.chmod(0o644)
    path.write_text(text.replace(before, after))


def _go(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise NoServer(
            f"FerretDB was not built, `{' '.join(command[:3])}` says: {done.stderr[-800:]}"
        )
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> int:
    """Run a command with `MONGODB_URI` set, and return its exit code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", nargs=argparse.REMAINDER, required=True, metavar="COMMAND")
    command = parser.parse_args().run
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with mongodb_uri() as uri:
        environment = {**os.environ, "MONGODB_URI": uri}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoServer as error:
        sys.exit(str(error))
