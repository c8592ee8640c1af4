"""What a user brings is found by its import path, or refused with what is wrong."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.import_paths import (
    is_import_path,
    load_function,
    load_object,
    source_digests,
)


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A function that writes a module of a user's and imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str, name: str = "own_things") -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write


@pytest.mark.parametrize(
    "text", ["", "module", "module:", ":name", "a.module.name", "a b:c", "a:b:c", "a..b:c", "a:b-c"]
)
def test_what_is_no_import_path_is_refused(text):
    assert not is_import_path(text)
    with pytest.raises(ConfigurationError, match=r"is no import path: expected package\.module"):
        load_object(text, "gate")


def test_names_inside_of_a_class_are_found():
    assert load_object("datetime:datetime.now", "clock").__name__ == "now"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no_such_module:gate", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("math:gate", "cannot be loaded: AttributeError: .*'gate'"),
        ("math:pi", r"is a float: expected a function gate\(context\)"),
    ],
)
def test_what_cannot_be_called_is_refused_by_its_path(path, reason):
    with pytest.raises(ConfigurationError, match=f"gate '{path}' {reason}"):
        load_function(path, "gate", "gate(context) -> Gate")


def test_a_module_that_raises_is_refused_with_what_it_says(own_module):
    with pytest.raises(RuntimeError):
        own_module("raise RuntimeError('no licence')")
    with pytest.raises(ConfigurationError, match="RuntimeError: no licence"):
        load_object("own_things:gate", "gate")


def test_edited_source_is_another_one(own_module):
    own_module("def gate(context): return 1")
    before = source_digests(["own_things:gate", "own_things:gate"])
    assert before == source_digests(["own_things:gate"])
    assert len(before["own_things:gate"]) == 64
    own_module("def gate(context): return 22")
    assert source_digests(["own_things:gate"]) != before


def test_source_counts_where_it_is_defined_too(own_module):
    own_module("def gate(context): return 1", "own_definition")
    own_module("from own_definition import gate")
    before = source_digests(["own_things:gate"])
    own_module("def gate(context): return 22", "own_definition")
    own_module("from own_definition import gate")
    assert source_digests(["own_things:gate"]) != before


def test_what_has_no_source_has_no_digest_and_what_cannot_be_imported_says_why():
    assert source_digests(["math:sqrt"]) == {"math:sqrt": ""}
    assert "No module named" in source_digests(["no_such_module:gate"])["no_such_module:gate"]
