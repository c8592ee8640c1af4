"""A model's modules are imported for that model alone, whatever else has their names."""

from __future__ import annotations

import importlib
import sys

import pytest
from prefect_mlops.models.shipped_code import shipped_code
from support.own_code import write_module


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    for name in ("shop_mod", "shop_bad"):
        sys.modules.pop(name, None)


@pytest.fixture
def shipped(tmp_path):
    """A function that makes the folder of a version whose module knows its number."""

    def make(version):
        folder = tmp_path / f"code-{version}"
        (folder / "shop_pack").mkdir(parents=True)
        (folder / "shop_mod.py").write_text(
            f"from shop_pack.deep import VALUE\nVERSION = {version}\ndef ask(): return VERSION + VALUE\n"
        )
        (folder / "shop_pack" / "__init__.py").write_text("")
        (folder / "shop_pack" / "deep.py").write_text(f"VALUE = {version * 100}\n")
        return folder

    return make


def ask(folder):
    with shipped_code(folder):
        return importlib.import_module("shop_mod").ask


def test_two_versions_of_a_module_live_beside_each_other_and_the_processs_own(
    shipped, monkeypatch, tmp_path
):
    own = tmp_path / "own"
    own.mkdir()
    write_module(monkeypatch, own, "shop_mod", "VERSION = 'mine'\n")
    mine = importlib.import_module("shop_mod")
    first, second = ask(shipped(1)), ask(shipped(2))
    assert (first(), second()) == (101, 202)
    assert importlib.import_module("shop_mod") is mine
    assert "shop_pack" not in sys.modules
    assert "shop_pack.deep" not in sys.modules


def test_nothing_is_left_behind(shipped):
    path, entries, bytecode = sys.path, [*sys.path], sys.dont_write_bytecode
    folder = shipped(3)
    ask(folder)
    assert sys.path is path
    assert (sys.path, sys.dont_write_bytecode) == (entries, bytecode)
    assert not [*folder.rglob("__pycache__")]
    assert "shop_mod" not in sys.modules


def test_what_fails_to_import_leaves_nothing_behind_either(tmp_path, monkeypatch):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "shop_bad.py").write_text(
        "import sys\nsys.path = ['elsewhere']\nraise OSError('no')\n"
    )
    entries = [*sys.path]
    with pytest.raises(OSError, match="no"), shipped_code(folder):
        importlib.import_module("shop_bad")
    assert sys.path == entries
    assert "shop_bad" not in sys.modules


@pytest.mark.parametrize("folder", [None, "missing"])
def test_a_model_without_code_changes_nothing(folder, tmp_path):
    entries = [*sys.path]
    with shipped_code(folder and tmp_path / folder):
        assert sys.path == entries
