"""Every room imports only what its line here allows, nothing goes in a circle, and the flows stay light."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "prefect_mlops"
# Pure computation: settings and frames in, results out.
METHODS = {
    "core": set(),
    "data": {"core"},
    "metrics": {"core"},
    "models": {"core", "data", "metrics"},
    "validation": {"core", "data", "metrics"},
    "monitoring": {"core", "data", "metrics", "models"},
    "training": {"core", "data", "metrics", "models", "monitoring"},
    "gates": {"core", "data", "metrics", "models"},
    "canary": {"core", "data", "metrics", "monitoring"},
}
METHODS["backtest"] = set(METHODS) - {"validation", "canary"}
METHODS["evidence"] = {
    *("core", "data", "metrics", "models", "monitoring"),
    *("validation", "gates", "canary"),
}
# What a service imports: the log, the logger and the model server.
SERVICES = {
    "storage": {"core", "data"},
    "logger": {"core", "data", "storage"},
    "serving": {"core", "data", "models", "storage", "logger"},
}
ORCHESTRATION = {
    # Blocks hand out what they configure: the store, the logger and the registry's client.
    "blocks": {"core", "metrics", "models", "validation", "storage", "logger"},
    "runs": {*METHODS, "storage", "blocks"},
    "registry": {*METHODS, "storage", "blocks", "runs"},
    "sources": {*METHODS, "storage", "blocks", "runs"},
}
# The probe is started as a file, in a process of its own: tasks only need its path.
ORCHESTRATION["tasks"] = {*METHODS, "storage", "serving", *ORCHESTRATION}
ORCHESTRATION["flows"] = {*METHODS, "storage", *ORCHESTRATION}
ORCHESTRATION["deployments"] = {"core", *ORCHESTRATION}
ORCHESTRATION["demo"] = {*METHODS, *SERVICES, *ORCHESTRATION}
MAY_IMPORT = METHODS | SERVICES | ORCHESTRATION
NEVER_PREFECT = (*METHODS, *SERVICES)
HEAVY = {"mlflow", "great_expectations", "deepchecks", "evidently", "sklearn", "pandas", "optuna"}


def modules(layer: str) -> list[Path]:
    folder = Path(next(iter(importlib.import_module(f"{PACKAGE}.{layer}").__path__)))
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


def _parts(layer: str, path: Path) -> tuple[str, ...]:
    folder = Path(next(iter(importlib.import_module(f"{PACKAGE}.{layer}").__path__)))
    relative = path.relative_to(folder).with_suffix("")
    return relative.parts[:-1] if relative.name == "__init__" else relative.parts


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
def test_a_room_imports_only_the_rooms_it_stands_on(layer):
    wrong = [
        f"{layer}/{path.name} imports {name}"
        for path in modules(layer)
        for name in imported(layer, path)
        if name.startswith(f"{PACKAGE}.") and name.split(".")[1] not in MAY_IMPORT[layer] | {layer}
    ]
    assert wrong == []


def test_the_rooms_stand_on_each_other_without_a_circle():
    assert set(TopologicalSorter(MAY_IMPORT).static_order()) == set(MAY_IMPORT)


def test_no_module_imports_itself_by_a_detour():
    names = {
        ".".join([PACKAGE, layer, *_parts(layer, path)]): (layer, path)
        for layer in MAY_IMPORT
        for path in modules(layer)
    }
    graph = {
        module: {
            found
            for name in imported(layer, path)
            for found in (name, name.rpartition(".")[0])
            if found in names and found != module
        }
        for module, (layer, path) in names.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(names)


@pytest.mark.parametrize("layer", NEVER_PREFECT)
def test_methods_and_services_never_import_prefect(layer):
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
        f"from {PACKAGE}.flows import label, monitor, score, train, watch_canary\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert HEAVY & set(json.loads(found.stdout)) == set()
