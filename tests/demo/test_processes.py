"""Processes beside the demo: ports, readiness, orderly end, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from prefect_mlops.core.errors import (
    OrchestratorUnavailable,
    RegistryUnavailable,
    WorkspaceUnavailable,
)
from prefect_mlops.demo import processes
from prefect_mlops.demo.orphans import TOKEN, lock, reap_orphans, with_token
from prefect_mlops.demo.processes import ManagedProcess, free_port
from prefect_mlops.demo.supervisor import Supervisor

WEB = "import sys, time; time.sleep(float(sys.argv[2])); sys.argv[1:] = sys.argv[1:2] + ['--bind', '127.0.0.1']; import runpy; runpy.run_module('http.server', run_name='__main__')"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
# A child, and a grandchild in a session of its own.
FAMILY = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], "
    "start_new_session=True); print('up', flush=True); time.sleep(60)"
)


def web(folder: Path, *, delay: float = 0.0, **options) -> ManagedProcess:
    def command(port: int) -> list[str]:
        return [sys.executable, "-c", WEB, str(port), str(delay)]

    return ManagedProcess("web", command, folder, health="/", **options)


def python(name: str, code: str, folder: Path, **options) -> ManagedProcess:
    return ManagedProcess(name, [sys.executable, "-c", code], folder, **options)


@pytest.fixture
def somebody_elses_server():
    class Always200(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Always200)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_server_is_reachable_when_ready_and_gone_after_the_block(tmp_path: Path) -> None:
    with web(tmp_path) as server:
        assert urlopen(server.url).status == 200
        assert server.running
        assert server.seconds is not None
        port = server.port
        record = json.loads((tmp_path / "processes/web.json").read_text())
        pids = [process.pid for process in with_token(record["token"])]
        assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not server.running
    assert not (tmp_path / "processes/web.json").exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_proxy_in_the_environment_is_not_asked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with web(tmp_path) as server:
        assert server.running


@pytest.mark.parametrize("delay", [0.0, 1.5], ids=["fails to bind", "still starting"])
def test_a_port_taken_in_between_is_changed(
    tmp_path: Path, somebody_elses_server: int, delay: float
) -> None:
    ports = iter([somebody_elses_server, free_port()])
    with web(tmp_path, delay=delay, pick_port=lambda: next(ports)) as server:
        assert server.port != somebody_elses_server
        assert b"Directory listing" in urlopen(server.url).read()


def test_ports_that_stay_taken_are_an_error_not_a_loop(
    tmp_path: Path, somebody_elses_server: int
) -> None:
    with (
        pytest.raises(OrchestratorUnavailable, match="ended before it was ready"),
        web(tmp_path, pick_port=lambda: somebody_elses_server),
    ):
        pytest.fail("it is not ours")


def test_a_failed_start_shows_the_last_twenty_lines(tmp_path: Path) -> None:
    code = "[print(f'line {n}') for n in range(50)]; raise SystemExit('no disk')"
    with (
        pytest.raises(RegistryUnavailable) as caught,
        python("broken", code, tmp_path, ready_text="up", error=RegistryUnavailable),
    ):
        pytest.fail("it never started")
    message = str(caught.value)
    assert message.startswith("broken ended before it was ready")
    assert str(tmp_path / "logs/broken.log") in message
    tail = message.splitlines()[1:]
    assert len(tail) == 20
    assert tail[-1] == "no disk"
    assert "line 30" not in tail


def test_the_log_of_an_earlier_run_is_kept_but_not_shown(tmp_path: Path) -> None:
    with python("talker", "print('first up'); input()", tmp_path):
        pass
    with (
        pytest.raises(OrchestratorUnavailable) as caught,
        python("talker", "raise SystemExit('second failed')", tmp_path, ready_text="up"),
    ):
        pytest.fail("it never started")
    assert "first up" not in str(caught.value)


def test_a_start_that_takes_too_long_ends_the_process(tmp_path: Path) -> None:
    sleeper = python(
        "sleeper", "import time; time.sleep(60)", tmp_path, ready_text="up", timeout=1.0
    )
    with pytest.raises(OrchestratorUnavailable, match="not ready after 1 s"), sleeper:
        pytest.fail("it never said so")
    assert not sleeper.running
    assert not list((tmp_path / "processes").iterdir())


def test_a_command_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OrchestratorUnavailable, match="no-such-program"),
        ManagedProcess("absent", ["no-such-program"], tmp_path, ready_text="up"),
    ):
        pytest.fail("it does not exist")


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    # Other tests' servers may run below this process too.
    others = set(psutil.Process().children(recursive=True))
    stubborn = python("stubborn", STUBBORN, tmp_path, ready_text="up")
    with stubborn:
        tree = set(psutil.Process().children(recursive=True)) - others
    assert tree
    # A killed process is gone once its parent has looked, which takes a loaded machine a moment.
    assert not psutil.wait_procs(tree, timeout=10)[1]


def test_a_process_started_from_a_thread_outlives_the_thread(tmp_path: Path) -> None:
    server = web(tmp_path)
    thread = threading.Thread(target=server.launch)
    thread.start()
    thread.join()
    try:
        deadline = time.monotonic() + 20
        while not server.ready() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        assert server.running
    finally:
        server.stop()


def test_servers_end_in_reverse_order(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; name = {!r}\n"
        "def stop(*_):\n open('order', 'a').write(name); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(60)"
    )
    with Supervisor(tmp_path) as servers:
        parts = [python(n, code.format(n), tmp_path, ready_text="up") for n in "abc"]
        servers.start(*parts[:2])
        servers.start(parts[2])
    assert (tmp_path / "order").read_text() == "cba"


def test_one_that_fails_takes_the_others_down(tmp_path: Path) -> None:
    good = web(tmp_path)
    with pytest.raises(OrchestratorUnavailable, match="bad ended"), Supervisor(tmp_path) as servers:
        servers.start(good, python("bad", "raise SystemExit(3)", tmp_path, ready_text="up"))
    assert not good.running


def test_a_process_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as servers:
        code = (
            "import time; print('up', flush=True); time.sleep(1); raise SystemExit('out of memory')"
        )
        short = python("short", code, tmp_path, ready_text="up")
        servers.start(short)
        servers.check()
        deadline = time.monotonic() + 10
        while short.running and time.monotonic() < deadline:
            time.sleep(0.1)
        with pytest.raises(OrchestratorUnavailable, match=r"(?s)ended while.*out of memory"):
            servers.check()


def test_a_second_demo_in_the_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; "
         "from prefect_mlops.demo.orphans import lock\n"
         "with lock(Path(sys.argv[1])): print('held', flush=True); input()", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    with (
        pytest.raises(WorkspaceUnavailable, match=f"process {holder.pid}.*choose another folder"),
        Supervisor(tmp_path),
    ):
        pytest.fail("the folder is taken")
    holder.kill()
    holder.communicate()
    with Supervisor(tmp_path), pytest.raises(WorkspaceUnavailable), lock(tmp_path):
        pytest.fail("this demo holds it")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(WorkspaceUnavailable, match="may be written"),
        Supervisor(tmp_path / "file" / "x"),
    ):
        pytest.fail("no folder")


def test_signal_handlers_are_given_back(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in processes.SIGNALS]
    with Supervisor(tmp_path):
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in processes.SIGNALS] == before


def test_a_signal_while_a_process_is_started_arrives_afterwards() -> None:
    reached = False

    def interrupted() -> None:
        nonlocal reached
        with processes.deferred_signals():
            os.kill(os.getpid(), signal.SIGINT)
            reached = True

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached


def start_family(name: str = "family") -> str:
    return f"""
    with Supervisor(folder) as servers:
        family = ManagedProcess({name!r}, [sys.executable, "-c", {FAMILY!r}], folder, ready_text="up")
        servers.start(family)
        print("ready", flush=True)
        time.sleep(60)
    """


def test_nothing_outlives_a_killed_demo(demo) -> None:
    process = demo.run(start_family())
    demo.wait_for("ready")
    assert len(demo.alive()) == 4
    process.kill()
    assert demo.all_gone(15)
    with Supervisor(demo.folder) as servers:
        assert servers.reaped == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_an_interrupted_demo(demo, number: int) -> None:
    process = demo.run(start_family())
    demo.wait_for("ready")
    process.send_signal(number)
    code = process.wait(20)
    assert code == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    assert demo.all_gone(2)


def test_orphans_of_a_killed_guard_end_at_the_next_start_and_nothing_else_does(demo) -> None:
    process = demo.run(start_family())
    demo.wait_for("ready")
    guard = next(p for p in demo.alive() if "prefect_mlops.demo.guard" in p.cmdline())
    process.kill()
    guard.kill()
    assert demo.wait_until(lambda: len(demo.alive()) == 2, 10)
    orphans = {process.pid for process in demo.alive()}
    record = demo.folder / "processes" / "family.json"
    token = json.loads(record.read_text())["token"]
    innocent = [
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            env={name: value for name, value in environment.items() if value},
        )
        for environment in (
            {**os.environ, TOKEN: ""},
            {**os.environ, TOKEN: token[::-1]},
            {**os.environ, "ANOTHER_VARIABLE": token},
        )
    ]
    try:
        with Supervisor(demo.folder) as servers:
            assert set(servers.reaped) == orphans
        assert not demo.alive()
        assert not record.exists()
        assert [process.poll() for process in innocent] == [None] * 3
    finally:
        for process in innocent:
            process.kill()
            process.wait()


def test_files_that_are_no_records_stay_and_do_not_stop_the_next_start(tmp_path: Path) -> None:
    records = tmp_path / "processes"
    records.mkdir()
    for number, content in enumerate(
        ["{", "[]", '{"token": ""}', '{"token": 3}', '{"processes": []}']
    ):
        (records / f"{number}.json").write_text(content)
    assert reap_orphans(tmp_path) == []
    assert len(list(records.iterdir())) == 5


def test_killing_never_ends_the_demo_itself(monkeypatch) -> None:
    token = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, token)
    # A process's environment is the one that it was started with.
    script = (
        "import psutil, sys; from prefect_mlops.demo.orphans import kill_all, with_token\n"
        "assert psutil.Process().environ()[sys.argv[1]] == sys.argv[2]\n"
        "print(kill_all([psutil.Process()], sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, TOKEN, token], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_second_ctrl_c_kills_at_once(demo) -> None:
    process = demo.run(f"""
    with Supervisor(folder) as servers:
        servers.start(ManagedProcess("stubborn", [sys.executable, "-c", {STUBBORN!r}], folder, ready_text="up"))
        print("ready", flush=True)
        time.sleep(60)
    """)
    demo.wait_for("ready")
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert time.monotonic() - began < 5
    assert demo.all_gone(2)
