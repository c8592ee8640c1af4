"""Stores need a name only; what is missing says which one to set, and for what."""

import pickle

import pytest
from prefect_mlops.blocks import Stores
from prefect_mlops.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("field", "holds"),
    [("registry", "models"), ("predictions", "promotions"), ("workspace", "snapshots")],
)
def test_a_store_that_is_missing_says_which_one_to_set(field, holds):
    with pytest.raises(
        ConfigurationError, match=rf"needs stores\.{field}, where .*{holds}"
    ) as said:
        getattr(Stores("calls"), field)
    assert f"Stores('calls', {field}=" in str(said.value)


def test_what_is_there_is_found_and_what_is_not_is_none(make_project, tmp_path):
    whole = make_project().stores
    assert whole.find_registry() == whole.registry
    assert whole.find_workspace().root == whole.open_workspace().root
    assert (Stores("calls").find_registry(), Stores("calls").find_workspace()) == (None, None)


def test_stores_travel_and_compare_by_what_they_hold(make_project):
    whole = make_project().stores
    assert pickle.loads(pickle.dumps(whole)) == whole
    assert whole != Stores("calls")
    assert repr(Stores("calls", workspace="here")) == "Stores(name='calls', workspace='here')"
