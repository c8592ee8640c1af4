"""Modules of a user's, written into a folder that is on the path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest


def write_module(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, text: str) -> None:
    """Write a module where an import path finds it, anew when there was one of that name."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    (folder / f"{name}.py").write_text(text)
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
