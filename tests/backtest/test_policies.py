"""Policies by their short names, and edited ones."""

import pytest
from prefect_mlops.backtest.policies import DEFAULT_POLICIES, Policy, policies_of, policy_of
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import GateSettings, MonitoringSettings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("text", "kind", "every"),
    [
        ("never", "never", 1),
        ("always", "every", 1),
        ("every:3", "every", 3),
        ("drift", "drift", 1),
        ("performance", "performance", 1),
        ("governor", "governor", 1),
    ],
)
def test_short_names(text, kind, every):
    assert (policy_of(text).kind, policy_of(text).every) == (kind, every)


@pytest.mark.parametrize("text", ["", "every", "every:0", "every:x", "never:2", "sometimes"])
def test_unknown_names_are_refused_with_what_is_known(text):
    with pytest.raises(ConfigurationError, match=r"expected never, always, every:K"):
        policy_of(text)


def test_policies_need_names_of_their_own():
    assert len(policies_of(DEFAULT_POLICIES)) == len(DEFAULT_POLICIES)
    with pytest.raises(ConfigurationError, match=r"\['governor'\] are there more than once"):
        policies_of(["governor", Policy(name="governor", kind="governor")])
    with pytest.raises(ConfigurationError, match="there are no policies"):
        policies_of([])


def test_unknown_keys_and_gates_that_would_not_count_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        Policy.model_validate({"name": "mine", "kind": "governor", "cooldown": 3})
    with pytest.raises(ValidationError, match="promotes every candidate"):
        Policy(name="mine", kind="drift", gates=GateSettings())
    edited = Policy(name="mine", kind="drift", monitoring=MonitoringSettings())
    assert edited.monitoring is not None
