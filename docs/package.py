"""A hook of mkdocs: shows mkdocstrings the package as it is installed.

The folders at the repository's top are the package's own map (`package-dir` in pyproject.toml). mkdocstrings reads
sources without importing them, so it gets a folder `prefect_mlops` that links to them.
"""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority

_FOLDER = tempfile.TemporaryDirectory(prefix="prefect-mlops-docs-")


# Before mkdocstrings makes its handlers.
@event_priority(100)
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Link the package's folders and tell mkdocstrings where they are."""
    root = Path(config.config_file_path).parent
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    for name, folder in sorted(project["tool"]["setuptools"]["package-dir"].items()):
        link = Path(_FOLDER.name, *name.split("."))
        link.parent.mkdir(parents=True, exist_ok=True)
        # A package in a package is there with its parent; `mkdocs serve` comes here again.
        if not link.exists():
            link.symlink_to(root / folder, target_is_directory=True)
    config.plugins["mkdocstrings"].config["handlers"]["python"]["paths"] = [_FOLDER.name]
    return config
