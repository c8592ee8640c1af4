"""The allow-list of what a logged model may consist of, and what a person adds to it.

skops names every class and function in a model's file, and loads none that it was not told to trust.

| trusted | why |
| --- | --- |
| scikit-learn, NumPy, SciPy | what models are made of |
| `FeatureSteps`, `LabelledClassifier` of this package | they hold other parts, and those are checked, too |
| the types of a built-in estimator (`lightgbm`, `xgboost`, `catboost`), where it was chosen | its own library |
| `training.trusted_types` | a person declared them |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

_PREFIXES = ("sklearn.", "numpy.", "scipy.")
_ALWAYS = frozenset(
    {
        # Harmless by themselves: what they call is listed, and checked, too.
        "operator.methodcaller",
        "functools.partial",
        "collections.OrderedDict",
        "prefect_mlops.models.feature_steps.FeatureSteps",
        "prefect_mlops.models.labelled_classifier.LabelledClassifier",
    }
)
_OF_ESTIMATORS = {
    "lightgbm": frozenset(
        {
            "lightgbm.basic.Booster",
            "lightgbm.sklearn.LGBMClassifier",
            "lightgbm.sklearn.LGBMRegressor",
        }
    ),
    "xgboost": frozenset(
        {
            "xgboost.core.Booster",
            "xgboost.sklearn.XGBClassifier",
            "xgboost.sklearn.XGBRegressor",
        }
    ),
    "catboost": frozenset({"catboost.core.CatBoostClassifier", "catboost.core.CatBoostRegressor"}),
}


def types_of_estimator(name: str) -> frozenset[str]:
    """Return the types that a built-in estimator brings; none for others.

    Example:
        >>> sorted(types_of_estimator("xgboost"))[0]
        'xgboost.core.Booster'
    """
    return _OF_ESTIMATORS.get(name, frozenset())


def untrusted(names: Iterable[str], declared: Collection[str] = ()) -> list[str]:
    """Return the types that neither this package nor a person trusts.

    Args:
        names: Types, as skops names them.
        declared: What is trusted beyond the package's own list. The estimator of a library that this package
            knows brings what it is made of: `LGBMClassifier` its `Booster`.

    Example:
        >>> untrusted(["sklearn.linear_model._ridge.Ridge", "os.system"])
        ['os.system']
    """
    groups = [group for group in _OF_ESTIMATORS.values() if not group.isdisjoint(declared)]
    allowed = _ALWAYS.union(declared, *groups)
    return [
        name
        for name in dict.fromkeys(names)
        if name not in allowed and not name.startswith(_PREFIXES)
    ]


def how_to_trust(names: Iterable[str], declared: Iterable[str] = ()) -> str:
    """Return the setting that would trust types, for messages.

    Args:
        names: Types to add.
        declared: Types that are declared already.

    Example:
        >>> how_to_trust(["my_features.Ratio"])
        'training.trusted_types=["my_features.Ratio"]'
    """
    wanted = ", ".join(f'"{name}"' for name in dict.fromkeys([*declared, *names]))
    return f"training.trusted_types=[{wanted}]"
