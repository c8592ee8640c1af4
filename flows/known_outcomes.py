"""Outcomes of trainings on the same rows with the same configuration: when they still count.

An outcome is a file in the workspace, and the registry may have changed since. It counts when

1. its version is still in the registry, with the training key and the outcome as its tags, and its
   files are there;
2. there is a champion, whose files are there too;
3. it is `promoted` (that another is the champion by now, promoted later or rolled back to, says
   nothing against it), or it is a `challenger` of the champion that is there now, or the champion
   itself by now: with another champion it was not compared.

What a person rejected stays rejected, whoever is the champion; what nobody answered for in time is not decided.

Anything else is trained again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import TrainingOutcome
from ..registry.absence import missing_of
from ..registry.versions import find_version, get_version

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..core.results import ModelVersion


def outcome_file(training_key: str) -> str:
    """Return the name of an outcome's file in the workspace."""
    return f"outcomes/{training_key}.json"


def known_outcome(
    project: MLProject, training_key: str, own: ModelVersion | None = None
) -> tuple[TrainingOutcome | None, str]:
    """Return the outcome of a training key, if it still counts.

    Args:
        project: The project.
        training_key: Digest of data, configuration and cause.
        own: The version that an interrupted attempt registered already: another run's outcome answers nothing
            that a person was asked about it.

    Returns:
        The outcome, or None with the reason why a known one no longer counts; empty when there was
        none.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
        WorkspaceUnavailable: If the file cannot be read.
    """
    workspace, name = project.open_workspace(), outcome_file(training_key)
    if not workspace.exists(name):
        return None, ""
    try:
        outcome = TrainingOutcome.model_validate_json(workspace.read_bytes(name))
    except ValidationError:
        return None, "its file cannot be read"
    if own is not None and (outcome.version is None or outcome.version.version != own.version):
        return None, ""
    why_not = _outdated(project, outcome, training_key)
    return (None, why_not) if why_not else (outcome, "")


def _outdated(project: MLProject, outcome: TrainingOutcome, training_key: str) -> str | None:
    if outcome.version is None:
        return "it has no version"
    try:
        version = get_version(project.registry, outcome.version.version)
    except ModelUnavailable:
        return f"version {outcome.version.version} is no longer in the registry"
    expected = {tags.TRAINING_KEY: training_key, tags.OUTCOME: outcome.outcome}
    for tag, value in expected.items():
        if version.tags.get(tag) != value:
            return f"version {version.version} is not what it was: its tag {tag} differs"
    if outcome.approval is not None and outcome.approval.decision == "rejected":
        if outcome.approval.through == "time limit":
            return f"nobody answered for version {version.version} in time"
        return _gone(project, {version.version: version})
    champion = find_version(project.registry, tags.CHAMPION)
    if champion is None:
        return "there is no champion"
    compared = outcome.champion_version
    now = (None, champion.version) if champion.version != version.version else (compared,)
    if outcome.outcome == tags.CHALLENGER and compared not in now:
        return f"it lost to version {compared}, and version {champion.version} is the champion now"
    return _gone(project, {version.version: version, champion.version: champion})


def _gone(project: MLProject, versions: dict[str, ModelVersion]) -> str | None:
    for number, version in versions.items():
        missing = missing_of(project.registry, version)
        if missing:
            return f"the files of version {number} are gone: {missing}"
    return None
