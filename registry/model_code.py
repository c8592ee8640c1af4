"""Finds the code that a model of a user's own types needs: modules to ship with it, and packages to require.

What is a file of an installed distribution is required in the version that is installed here. Other modules
are shipped, also where a distribution has one of the same name, each with what it imports: only the files that
are reached, and no data. Their imports are read, not run: one with a computed name is not seen.
"""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path

from ..core.errors import ConfigurationError
from ..core.version import VERSION

_OURS = "prefect_mlops"


@dataclass
class ModelCode:
    """What a model needs beside scikit-learn.

    Attributes:
        files: Path below the shipped folder to the file here.
        requirements: Package to its version here.
    """

    files: dict[str, Path] = field(default_factory=dict)
    requirements: dict[str, str] = field(default_factory=dict)

    def copy_to(self, folder: Path) -> list[str]:
        """Copy the files.

        Args:
            folder: Where to.

        Returns:
            Files and folders in it; none without files.
        """
        for name, source in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return sorted(str(path) for path in folder.iterdir()) if self.files else []


def code_of(types: Iterable[str]) -> ModelCode:
    """Find the code that types need.

    Args:
        types: Types in a model, as skops names them: `my_features.Ratio`.

    Returns:
        Modules to ship, and packages to require.

    Raises:
        ConfigurationError: If a module can be neither shipped nor required.
    """
    found = ModelCode()
    seen: set[str] = set()
    waiting = [(name, name) for name in types]
    while waiting:
        name, needed_by = waiting.pop()
        top = name.partition(".")[0]
        if top == "__main__":
            raise ConfigurationError(
                f"{needed_by} is defined in the script that runs, which cannot be shipped with a model: "
                "define it in a module of its own"
            )
        if top in sys.stdlib_module_names:
            continue
        if top == _OURS:
            found.requirements["prefect-mlops"] = VERSION
            continue
        installed = _installed(name)
        if installed:
            found.requirements |= installed
            continue
        module = _module_of(name)
        if module is None:
            if needed_by == name:
                raise ConfigurationError(
                    f"{name} is in no module that can be found here: it cannot be shipped with the model"
                )
            # An optional import, of something that is not here.
            continue
        for part in _with_parents(module):
            if part not in seen:
                seen.add(part)
                waiting += _ship(part, needed_by, found)
    return found


def _installed(name: str) -> dict[str, str]:
    """Return the installed distribution whose files a module is one of; none for a module of the user's.

    That a distribution claims the name tells nothing: what it calls `benchmarks` may be hidden here by a folder of
    the user's, and one that is edited in place has its name, too.
    """
    claiming = _claims(tuple(sys.path)).get(name.partition(".")[0])
    found = _first_file(name) if claiming else None
    if not claiming or found is None:
        return {}
    path, origin = found
    for claims in dict.fromkeys(claiming):
        try:
            known = distribution(claims)
        except PackageNotFoundError:
            continue
        if _brings(known, path, origin):
            return {str(known.metadata["Name"]): known.version}
    return {}


@lru_cache(maxsize=1)
def _claims(path: tuple[str, ...]) -> Mapping[str, list[str]]:
    """Return the distributions that claim a name, for each; reading them takes a while."""
    return packages_distributions()


def _first_file(name: str) -> tuple[str, str] | None:
    """Return the file of the outermost package or module that has one: its path below where imports look, and here.

    What is inside of it is not looked for: that would run the package.
    """
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        try:
            spec = importlib.util.find_spec(".".join(parts[:end]))
        except (ImportError, AttributeError, ValueError):
            return None
        if spec is None:
            return None
        if spec.origin is not None:
            inside = parts[: end if spec.submodule_search_locations is not None else end - 1]
            return "/".join([*inside, Path(spec.origin).name]), spec.origin
    return None


def _brings(known: Distribution, path: str, origin: str) -> bool:
    if known.read_text("RECORD") or known.read_text("installed-files.txt"):
        listed = any(file.as_posix() == path for file in known.files or [])
    else:
        # A system's packages list no files; a checkout lists its sources, which no index may have.
        listed = not known.read_text("SOURCES.txt")
    try:
        return listed and Path(str(known.locate_file(path))).samefile(origin)
    except OSError:
        return False


def _module_of(name: str) -> str | None:
    """Return the longest beginning of a dotted name that is a module."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        try:
            if importlib.util.find_spec(module) is not None:
                return module
        # A parent that is no package, or whose import fails; a module without a spec.
        except (ImportError, AttributeError, ValueError):
            continue
    return None


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _ship(module: str, needed_by: str, found: ModelCode) -> list[tuple[str, str]]:
    """Add a module's file; return what it imports."""
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.origin is None and spec.submodule_search_locations is not None:
        # A folder without __init__.py.
        return []
    origin = Path(spec.origin) if spec is not None and spec.origin is not None else None
    if origin is None or origin.suffix != ".py" or not origin.is_file():
        raise ConfigurationError(
            f"{needed_by} needs the module {module}, which has no Python file to ship with the model: install it "
            "as a package, here and where the model is served"
        )
    package = spec is not None and spec.submodule_search_locations is not None
    path = module.replace(".", "/") + ("/__init__.py" if package else ".py")
    found.files[path] = origin
    parent = module if package else module.rpartition(".")[0]
    source = origin.read_text(encoding="utf-8")
    return [(name, f"{module} ({needed_by})") for name in imports_of(source, parent)]


def imports_of(source: str, package: str) -> Iterator[str]:
    """Yield the full name of everything that a module imports when it is imported or used.

    What it imports only as a script, or for type checkers, does not count.

    Args:
        source: Its text.
        package: Package that its relative imports start from; empty for a module in none.

    Example:
        >>> list(imports_of("from .shapes import area", "my_features"))
        ['my_features.shapes.area']
    """
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If) and _never_true(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            )
            start = [part for part in [*base, *(node.module or "").split(".")] if part]
            for alias in node.names:
                yield ".".join(start if alias.name == "*" else [*start, alias.name])


def _never_true(test: ast.expr) -> bool:
    """Return whether a condition holds in no process that loads a model."""
    return ast.unparse(test) in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )
