"""Imports the code that was shipped with a model, for that model alone.

Two versions of a model may bring two versions of one module, and the process that loads them may have a
third. So a model's modules are taken out of `sys.modules` again once it is loaded; its classes and
functions keep what they imported. What is imported later, inside a function, is not found.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_LOCK = threading.RLock()


@contextmanager
def shipped_code(folder: Path | None) -> Iterator[None]:
    """Let imports find the modules in a folder, instead of others of their names, inside the `with`.

    Args:
        folder: Where the modules are. None: there are none.
    """
    if folder is None or not folder.is_dir():
        yield
        return
    names = {path.stem for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"}
    # One at a time: the path and the modules are the process's own.
    with _LOCK:
        path, entries, bytecode = sys.path, list(sys.path), sys.dont_write_bytecode
        hidden = _taken(names)
        sys.path.insert(0, str(folder))
        # The folder may be the artifact store's own.
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            # MLflow puts another list in its place.
            sys.path = path
            sys.path[:] = entries
            sys.dont_write_bytecode = bytecode
            _taken(names)
            sys.modules.update(hidden)


def _taken(names: set[str]) -> dict[str, ModuleType]:
    found = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in found}
