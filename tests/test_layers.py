"""An import goes only to the left, and the flows cost no more than they must."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "prefect_mlops"
MAY_IMPORT = {
    "core": set(),
    "storage": {"core"},
    "serving": {"core", "storage"},
    # Blocks hand out what they configure: the store, and the logger.
    "blocks": {"core", "storage", "serving"},
    # The probe is started as a file, in a process of its own: tasks only need its path.
    "tasks": {"core", "storage", "serving", "blocks"},
    "flows": {"core", "storage", "blocks", "tasks"},
    "deployments": {"core", "storage", "blocks", "tasks", "flows"},
    "demo": {"core", "storage", "serving", "blocks", "tasks", "flows", "deployments"},
}
NEVER_PREFECT = ("core", "storage", "serving")
HEAVY = {"mlflow", "great_expectations", "deepchecks", "evidently", "sklearn", "pandas", "optuna"}


def modules(layer: str) -> list[Path]:
    folder = Path(next(iter(importlib.import_module(f"{PACKAGE}.{layer}").__path__)))
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


def imported(layer: str, path: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports anywhere in it."""
    folder = Path(next(iter(importlib.import_module(f"{PACKAGE}.{layer}").__path__)))
    package = [PACKAGE, layer, *path.relative_to(folder).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            # `from .. import tags` names the module only here.
            yield from (".".join([*module, alias.name]) for alias in node.names)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_no_import_goes_to_the_right(layer):
    wrong = [
        f"{layer}/{path.name} imports {name}"
        for path in modules(layer)
        for name in imported(layer, path)
        if name.startswith(f"{PACKAGE}.") and name.split(".")[1] not in MAY_IMPORT[layer] | {layer}
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", NEVER_PREFECT)
def test_what_lives_in_a_model_server_never_imports_prefect(layer):
    wrong = [
        f"{layer}/{path.name} imports {name}"
        for path in modules(layer)
        for name in imported(layer, path)
        if name.split(".")[0] == "prefect"
    ]
    assert wrong == []


def test_importing_the_flows_loads_no_heavy_library():
    script = (
        "import json, sys, prefect; before = set(sys.modules)\n"
        f"from {PACKAGE}.flows import judge, label, monitor, score, train\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert HEAVY & set(json.loads(found.stdout)) == set()
