"""The built-in drift methods, and the user's own by their import paths."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, get_args

from ...core.errors import ConfigurationError
from ...core.import_paths import load_object, unloadable
from ...data.schema import FeatureType
from .base import MEASURES, DriftMethod
from .jensen_shannon import JensenShannon
from .missing_values import MissingValues
from .new_categories import NewCategories
from .wasserstein import Wasserstein

# In the order in which a column's report names them.
BUILT_IN: tuple[DriftMethod, ...] = (
    Wasserstein(),
    JensenShannon(),
    MissingValues(),
    NewCategories(),
)


def load_methods(paths: Sequence[str]) -> list[DriftMethod]:
    """Load the user's own methods.

    Args:
        paths: Import paths, `package.module:name` of an object or of a class that takes no arguments.

    Returns:
        The methods in the order of their paths.

    Raises:
        ConfigurationError: If a path cannot be imported, what it names is no `DriftMethod`, or two methods
            have one name.
    """
    methods: list[DriftMethod] = []
    for path in paths:
        method = _checked(path, _load(path))
        if method.name in {known.name for known in (*BUILT_IN, *methods)}:
            raise ConfigurationError(
                f"drift method {path!r} is named {method.name!r}, which another method is named too: give "
                "it a name of its own"
            )
        methods.append(method)
    return methods


def _load(path: str) -> Any:
    found = load_object(path, "drift method")
    try:
        return found() if isinstance(found, type) else found
    except Exception as error:
        hint = ", and a class must take no arguments"
        raise unloadable(path, "drift method", error, hint) from error


def _checked(path: str, method: Any) -> DriftMethod:
    def refuse(found: str) -> ConfigurationError:
        return ConfigurationError(
            f"drift method {path!r} {found}. A method has name, measures, feature_types, score(pair), "
            "null_threshold(pair, alpha) and smallest_effect(thresholds)"
        )

    parts = ("name", "measures", "feature_types", "score", "null_threshold", "smallest_effect")
    lacking = [part for part in parts if not hasattr(method, part)]
    if lacking:
        raise refuse(f"lacks {', '.join(lacking)}")
    for part in parts[3:]:
        if not callable(getattr(method, part)):
            raise refuse(f"has a {part} that cannot be called")
    if not isinstance(method.name, str) or not method.name:
        raise refuse(f"has the name {method.name!r} instead of a text")
    if method.measures not in MEASURES:
        raise refuse(f"measures {method.measures!r}, which is none of {', '.join(MEASURES)}")
    known, types = get_args(FeatureType), method.feature_types
    if isinstance(types, str) or not isinstance(types, Collection) or not types:
        raise refuse(f"has the feature_types {types!r} instead of a collection of them")
    unknown = [repr(name) for name in types if name not in known]
    if unknown:
        raise refuse(
            f"is for the feature types {', '.join(unknown)}, which are none of {', '.join(known)}"
        )
    return method
