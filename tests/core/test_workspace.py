import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from prefect_mlops.core.errors import ConfigurationError, WorkspaceUnavailable
from prefect_mlops.core.workspace import Workspace, read_uri


@pytest.fixture(params=["local", "memory"])
def workspace(request, tmp_path):
    root = tmp_path / "w" if request.param == "local" else f"memory://{uuid.uuid4().hex}"
    return Workspace(str(root))


def test_what_was_written_is_read_back_by_name_and_by_uri(workspace):
    uri = workspace.write_bytes("a/b/c.bin", b"\x00rows")
    assert workspace.exists("a/b/c.bin")
    assert workspace.read_bytes("a/b/c.bin") == b"\x00rows"
    assert read_uri(uri) == b"\x00rows"
    assert workspace.uri("a/b/c.bin") == uri


def test_writing_again_replaces(workspace):
    workspace.write_bytes("a", b"long content")
    workspace.write_bytes("a", b"short")
    assert workspace.read_bytes("a") == b"short"


def test_json_is_written_for_people(workspace):
    uri = workspace.write_json("notes.json", {"b": 1, "a": [1]})
    assert workspace.read_json("notes.json") == {"a": [1], "b": 1}
    assert read_uri(uri).decode().startswith('{\n  "a"')


def test_what_is_missing_is_named(workspace):
    assert not workspace.exists("gone")
    with pytest.raises(WorkspaceUnavailable, match="gone"):
        workspace.read_bytes("gone")
    with pytest.raises(WorkspaceUnavailable, match="gone"):
        read_uri(workspace.uri("gone"))


def test_broken_json_is_named(workspace):
    workspace.write_bytes("broken.json", b"{")
    with pytest.raises(WorkspaceUnavailable, match=r"broken\.json is not JSON"):
        workspace.read_json("broken.json")
    workspace.write_bytes("broken.json", b"\xff\xfe\x00")
    with pytest.raises(WorkspaceUnavailable, match=r"broken\.json is not JSON"):
        workspace.read_json("broken.json")


def test_a_home_and_relative_roots_become_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert Workspace("~/w").root == str(tmp_path / "w")
    assert Workspace("w").root == str(tmp_path / "w")


def test_an_unknown_protocol_is_refused_when_it_is_configured():
    with pytest.raises(ConfigurationError, match="fsspec"):
        Workspace("nosuchthing://bucket/folder")


def test_a_root_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceUnavailable, match="cannot write"):
        Workspace(str(tmp_path / "file" / "w")).write_bytes("a", b"x")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
def test_a_read_only_file_system_is_reported():
    with pytest.raises(WorkspaceUnavailable, match="may be written"):
        Workspace("/proc/self/mlops").write_bytes("a", b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_leaves_no_part_and_keeps_what_was_there(tmp_path):
    # A limit on file size is how a process meets "no room" without filling a disk.
    program = f"""
import resource, signal
from prefect_mlops.core.errors import WorkspaceUnavailable
from prefect_mlops.core.workspace import Workspace
workspace = Workspace({str(tmp_path / "w")!r})
workspace.write_bytes("a", b"before")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    workspace.write_bytes("a", b"x" * 100_000)
except WorkspaceUnavailable as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "has room" in done.stdout
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["a"]
    assert (tmp_path / "w" / "a").read_text() == "before"
