"""When a champion counts as absent in a comparison: its files are gone, or a person says so.

| the champion | a training |
| --- | --- |
| its files are gone: the store answers, and lists none | treats it as absent: they cannot come back by waiting |
| the store or the registry does not answer | raises `RegistryUnavailable`: it may come back |
| its files are damaged, or do not load or score here | does not compare: a person decides, with `replace_champion` |
| it was fitted on rows nobody knows | does not compare: a person decides, with `replace_champion` |

The alias stays where it is until the promotion, which still wants to find it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.results import ModelVersion


def missing_of(registry: ModelRegistry, version: ModelVersion) -> str | None:
    """Return what is gone of a version's files, None when they are there.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    from ..models.files import missing_files

    tracking_uri, registry_uri = registry.uris
    return missing_files(version.uri, tracking_uri=tracking_uri, registry_uri=registry_uri)


def absence(
    registry: ModelRegistry, champion: ModelVersion, *, replace: bool = False
) -> str | None:
    """Return why the champion counts as absent, None when it must be compared with.

    Args:
        registry: Where runs and models are kept.
        champion: The champion.
        replace: Whether a person asked for it to be replaced without a comparison.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    if replace:
        return (
            f"champion version {champion.version} is replaced without a comparison, as was asked "
            "(replace_champion): treated as first model"
        )
    missing = missing_of(registry, champion)
    if missing is None:
        return None
    return (
        f"champion version {champion.version} cannot load, its files are gone ({missing}): treated as "
        "first model"
    )
