"""A logged model carries its code, names its packages, and is loaded only as it was declared."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from prefect_mlops.core.errors import ConfigurationError, ModelUnavailable
from prefect_mlops.models.files import missing_files
from prefect_mlops.models.trusted_types import types_of_estimator
from prefect_mlops.registry.model_logging import log_model
from prefect_mlops.registry.tracking import open_run
from prefect_mlops.training.recipes import build, fit_estimator
from prefect_mlops.training.search_spaces import default_parameters
from sklearn.linear_model import LogisticRegression
from support.candidates import with_mlflow
from support.own_code import write_module

TYPES = {"x": "number", "job": "category"}
ROWS = pd.DataFrame({"x": np.arange(40.0), "job": np.array(["a", "b"] * 20, dtype=object)})
LABELS = np.where(ROWS["x"] > 17, "yes", "no").astype(object)
OWN = """
from sklearn.base import BaseEstimator, ClassifierMixin
import numpy as np

SIGN = 1.0

class Rule(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        yes = 1 / (1 + np.exp(-SIGN * X["x"].to_numpy()))
        return np.column_stack([1 - yes, yes])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
"""


@pytest.fixture
def project(make_project):
    return with_mlflow(make_project())


def logged(project, model, trusted=()):
    uri = log_model(
        open_run(project.stores, "key", None),
        model,
        name="model",
        feature_types=TYPES,
        example=ROWS,
        parameters={},
        trusted=trusted,
        **project.arguments(log_model),
    )
    place = project.registry.get_client().get_logged_model(uri.removeprefix("models:/"))
    return uri, Path(str(place.artifact_location).removeprefix("file://"))


@pytest.fixture
def rule(monkeypatch, tmp_path):
    code = tmp_path / "code"
    code.mkdir()
    write_module(monkeypatch, code, "shop_rule", OWN)
    import shop_rule  # pyright: ignore[reportMissingImports]

    yield shop_rule.Rule().fit(ROWS, LABELS)
    sys.modules.pop("shop_rule", None)


def plain():
    return fit_estimator(build("linear", {"C": 1.0}, "binary", TYPES, 0), ROWS, LABELS)


def boosted(name):
    model = build(name, default_parameters(name, "binary"), "binary", TYPES, 0)
    return fit_estimator(model, ROWS, LABELS)


def test_the_users_class_is_loaded_from_the_model_and_nowhere_else(
    project, rule, tmp_path, monkeypatch
):
    uri, folder = logged(project, rule, ["shop_rule.Rule"])
    assert [path.name for path in (folder / "code").iterdir()] == ["shop_rule.py"]
    expected = rule.predict_proba(ROWS)
    write_module(monkeypatch, tmp_path / "code", "shop_rule", OWN.replace("SIGN = 1", "SIGN = -1"))
    for _ in range(2):
        found = project.registry.load_model(uri, "binary").predict(ROWS)
        np.testing.assert_array_equal(found, expected)
        (tmp_path / "code" / "shop_rule.py").unlink(missing_ok=True)
        sys.modules.pop("shop_rule", None)
    assert not [*folder.rglob("__pycache__")]


def test_code_that_is_gone_is_missed_like_any_file(project, rule):
    uri, folder = logged(project, rule, ["shop_rule.Rule"])
    tracking_uri, registry_uri = project.registry.uris
    assert missing_files(uri, tracking_uri=tracking_uri, registry_uri=registry_uri) is None
    (folder / "code" / "shop_rule.py").unlink()
    (folder / "code").rmdir()
    gone = missing_files(uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
    assert gone is not None
    assert gone.endswith("holds no code")


def test_what_nobody_trusts_is_not_logged_and_the_message_says_what_to_set(project, rule):
    with pytest.raises(ConfigurationError, match=r'training\.trusted_types=\["shop_rule\.Rule"\]'):
        logged(project, rule)
    with pytest.raises(
        ConfigurationError,
        match=r'set training\.trusted_types=\["lightgbm\.basic\.Booster", "lightgbm',
    ):
        logged(project, boosted("lightgbm"))
    logged(project, boosted("lightgbm"), ["lightgbm.sklearn.LGBMClassifier"])


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost"])
def test_the_packages_of_the_estimator_are_named_with_their_versions(project, name):
    model = boosted(name)
    uri, folder = logged(project, model, types_of_estimator(name))
    lines = (folder / "requirements.txt").read_text().split()
    library = sys.modules[name]
    assert next(line for line in lines if line.startswith(name)).endswith(
        f"=={library.__version__}"
    )
    assert ("prefect-mlops" in " ".join(lines)) == (name != "lightgbm")
    found = project.registry.load_model(uri, "binary").predict(ROWS)
    np.testing.assert_array_equal(found, model.predict_proba(ROWS))


def test_a_package_that_is_not_installed_is_named_with_its_version(project, monkeypatch):
    uri, folder = logged(project, boosted("lightgbm"), types_of_estimator("lightgbm"))
    requirements = folder / "requirements.txt"
    requirements.write_text(requirements.read_text().replace("lightgbm==", "lightgbm-not-there=="))
    for module in [module for module in sys.modules if module.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(
        ModelUnavailable, match=r"needs lightgbm-not-there==[\d.]+, not installed here"
    ):
        project.registry.load_model(uri, "binary")


def described(folder, **changes):
    """Change the sklearn flavour in a model's description."""
    path = folder / "MLmodel"
    description = yaml.safe_load(path.read_text())
    description["flavors"]["sklearn"] |= changes
    path.write_text(yaml.safe_dump(description))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"serialization_format": "pickle"}, "kept as 'pickle'"),
        (
            {"skops_trusted_types": ["posix.system"]},
            "asks to trust posix.system, which nobody declared",
        ),
    ],
)
def test_a_description_that_was_changed_afterwards_is_not_obeyed(project, changes, message):
    uri, folder = logged(project, plain())
    described(folder, **changes)
    with pytest.raises(ModelUnavailable, match=message):
        project.registry.load_model(uri, "binary")


def test_a_plain_model_needs_nothing_more_than_before(project):
    model = plain()
    uri, folder = logged(project, model)
    assert isinstance(model[-1], LogisticRegression)
    assert not (folder / "code").exists()
    names = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()]
    assert names == ["mlflow", "scikit-learn", "skops", "numpy", "scipy", "pandas"]
    metadata = yaml.safe_load((folder / "MLmodel").read_text())["metadata"]["prefect_mlops"]
    assert metadata == {"kinds": TYPES, "task_type": "binary"}
    np.testing.assert_array_equal(
        project.registry.load_model(uri, "binary").predict(ROWS), model.predict_proba(ROWS)
    )
