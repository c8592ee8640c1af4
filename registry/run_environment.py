"""What ran, and who ran it: versions of code and libraries, and the executor of a run, as text."""

from __future__ import annotations

import getpass
import platform
import shutil
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .tracking import code_version, flow_run_link

# Those that a model's numbers depend on; what is not installed is left out.
_LIBRARIES = (
    "prefect",
    "mlflow",
    "scikit-learn",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "optuna",
    "great-expectations",
    "deepchecks",
    "evidently",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "catboost",
    "shap",
    "fairlearn",
)


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Return the versions of what runs here.

    Returns:
        `prefect-mlops` and `python`; `git commit` of the working directory, if it is in a repository; and the
        libraries that are installed.

    Example:
        >>> environment()["python"] == platform.python_version()
        True
    """
    found = {"prefect-mlops": code_version(), "python": platform.python_version()}
    commit = commit_of(Path.cwd())
    if commit is not None:
        found["git commit"] = commit
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit_of(folder: Path) -> str | None:
    """Return the Git commit that a folder is at, and whether files differ from it; None outside a repository.

    Args:
        folder: A folder.

    Returns:
        Such as `3f0c1a2b4d5e` or `3f0c1a2b4d5e, with changes that are not committed`.
    """
    git = shutil.which("git")
    if git is None:
        return None

    def say(*arguments: str) -> str:
        command = [git, "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
        return done.stdout.strip()

    try:
        commit = say("rev-parse", "--short=12", "HEAD")
        changed = say("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}, with changes that are not committed" if changed else commit


def executor() -> dict[str, str]:
    """Return who or what runs this: user and host, and the Prefect flow run and deployment, inside one.

    Example:
        >>> sorted(executor())[:2]
        ['host', 'user']
    """
    from prefect.runtime import deployment

    link = flow_run_link()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        user = "unknown"
    found = {"user": user, "host": platform.node()}
    if link.id is not None:
        found["flow_run_id"] = link.id
        found["flow_run"] = str(link.name)
        if link.url:
            found["flow_run_url"] = link.url
        if deployment.id is not None:
            found["deployment_id"] = str(deployment.id)
            found["deployment"] = str(deployment.name)
    return found
