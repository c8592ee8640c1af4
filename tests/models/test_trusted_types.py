"""Only what is on the list, or what a person declared by its whole name, is trusted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import TrainingSettings
from prefect_mlops.models.trusted_types import how_to_trust, types_of_estimator, untrusted

name = st.from_regex(r"[a-z_]{1,8}(\.[A-Za-z_]{1,8}){1,3}", fullmatch=True)


@given(st.lists(name, max_size=6), st.lists(name, max_size=6))
def test_what_is_declared_is_trusted_by_its_whole_name_and_nothing_else(names, declared):
    found = untrusted(names, declared)
    assert set(found) == {
        n for n in names if n not in declared and not n.startswith(("sklearn.", "numpy.", "scipy."))
    }
    assert len(found) == len(set(found))
    assert untrusted(found, found) == []


@given(st.lists(name, min_size=1, max_size=5), st.lists(name, max_size=5))
def test_the_setting_that_is_advised_is_one_and_trusts_them(names, declared):
    said = how_to_trust(names, declared)
    wanted = eval(said.removeprefix("training.trusted_types="))
    training = TrainingSettings(trusted_types=wanted)
    assert untrusted(names, training.trusted_types) == []
    assert {*declared} <= {*training.trusted_types}


def test_a_name_that_only_begins_like_a_trusted_one_is_not():
    names = ["sklearn_evil.Thing", "numpyro.Thing", "lightgbm.sklearn.LGBMClassifier", "os.system"]
    assert untrusted(names) == names


def test_built_in_estimators_bring_their_own_types_only():
    assert "lightgbm.basic.Booster" in types_of_estimator("lightgbm")
    assert not types_of_estimator("my_models:recipe")
    assert untrusted(types_of_estimator("xgboost"), types_of_estimator("lightgbm"))
