"""Hold the files of a wheel against those of the repository: `wheel_files.py dist/NAME.whl`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

SHIPPED = {".py", ".typed", ".yaml"}


def expected() -> set[str]:
    """Return the paths inside the wheel of every tracked file of a package, and of no other."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    folders = project["tool"]["setuptools"]["package-dir"]
    names = {folder: package.replace(".", "/") for package, folder in folders.items()}
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, check=True, text=True
    ).stdout
    files = [Path(name) for name in tracked.split("\0") if name]
    return {
        f"{names[str(file.parent)]}/{file.name}"
        for file in files
        if file.suffix in SHIPPED and str(file.parent) in names
    }


def untyped() -> list[str]:
    """Return the rooms without a `py.typed`."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    folders = project["tool"]["setuptools"]["package-dir"].values()
    return [name for name in folders if "/" not in name and not Path(name, "py.typed").exists()]


def main() -> None:
    """Say what is missing or too much, and fail if anything is."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = expected()
    wrong = [f"not in the wheel: {name}" for name in sorted(wanted - found)]
    wrong += [f"in the wheel, but in no package: {name}" for name in sorted(found - wanted)]
    wrong += [f"no py.typed: {name}" for name in untyped()]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"the wheel has all {len(wanted)} files")


if __name__ == "__main__":
    main()
