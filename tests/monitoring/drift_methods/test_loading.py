"""A user's own drift methods are found by their import paths, or refused with what is wrong."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift_methods.loading import BUILT_IN, load_methods


class Gap:
    name = "gap"
    measures = "distance"
    feature_types = ("number",)

    def score(self, pair):
        return abs(float(pair.values.mean() - pair.sample.mean()))

    def null_threshold(self, pair, alpha):
        return 0.1

    def smallest_effect(self, thresholds):
        return thresholds.distance


class Greedy(Gap):
    def __init__(self, more):
        self.more = more


def without(part: str) -> object:
    parts = {name: value for name, value in vars(Gap).items() if not name.startswith("__")}
    return type("Less", (), {name: value for name, value in parts.items() if name != part})()


def with_part(**parts) -> object:
    return type("Other", (Gap,), parts)()


@pytest.fixture
def module(monkeypatch):
    module = ModuleType("methods_of_a_user")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_objects_and_classes_are_loaded_in_their_order(module):
    module.GAP, module.Other = with_part(name="first"), Gap
    paths = ["methods_of_a_user:GAP", "methods_of_a_user:Other"]
    assert [method.name for method in load_methods(paths)] == ["first", "gap"]
    assert load_methods([]) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is no import path: expected package.module:name"),
        ("methods_of_a_user", "is no import path"),
        ("no_such_module_anywhere:Gap", "cannot be loaded: ModuleNotFoundError"),
        ("methods_of_a_user:Missing", "cannot be loaded: AttributeError"),
        ("methods_of_a_user:Greedy", "cannot be loaded: TypeError.*must take no arguments"),
    ],
)
def test_a_path_that_names_nothing_is_refused_by_its_name(module, path, reason):
    module.Greedy = Greedy
    with pytest.raises(ConfigurationError, match=f"drift method '{path}' {reason}"):
        load_methods([path])


@pytest.mark.parametrize(
    "part", ["name", "measures", "feature_types", "score", "null_threshold", "smallest_effect"]
)
def test_a_method_that_lacks_a_part_is_refused_by_the_part(module, part):
    module.less = without(part)
    with pytest.raises(ConfigurationError, match=f"methods_of_a_user:less' lacks {part}"):
        load_methods(["methods_of_a_user:less"])


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"score": 0.3}, "has a score that cannot be called"),
        ({"name": ""}, "has the name ''"),
        ({"name": 3}, "has the name 3"),
        ({"measures": "vibes"}, "measures 'vibes', which is none of distance, nulls"),
        ({"feature_types": "number"}, "has the feature_types 'number' instead of a collection"),
        ({"feature_types": ()}, r"has the feature_types \(\)"),
        ({"feature_types": ("number", "colour")}, "is for the feature types 'colour'"),
    ],
)
def test_a_method_with_an_unusable_part_is_refused_by_the_part(module, parts, reason):
    module.other = with_part(**parts)
    with pytest.raises(ConfigurationError, match=reason):
        load_methods(["methods_of_a_user:other"])


@pytest.mark.parametrize("name", [method.name for method in BUILT_IN])
def test_no_two_methods_have_one_name(module, name):
    module.one, module.taken = Gap(), with_part(name=name)
    with pytest.raises(ConfigurationError, match=f"is named '{name}'"):
        load_methods(["methods_of_a_user:taken"])
    with pytest.raises(ConfigurationError, match="is named 'gap'"):
        load_methods(["methods_of_a_user:one", "methods_of_a_user:one"])


def test_settings_without_own_methods_are_written_as_before_there_were_any():
    assert "methods" not in DriftThresholds().model_dump(mode="json")
    mine = DriftThresholds(methods=["a:b"])
    assert DriftThresholds.model_validate(mine.model_dump(mode="json")) == mine
    assert DriftThresholds.model_validate_json(DriftThresholds().model_dump_json()).methods == []
