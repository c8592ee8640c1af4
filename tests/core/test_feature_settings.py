"""Feature steps and trusted types as they are written: short or whole, checked, and silent where they are not used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import FeatureStep, TrainingSettings
from pydantic import ValidationError

path = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){0,2}:[A-Za-z]{1,6}", fullmatch=True)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
steps = st.one_of(
    path,
    st.fixed_dictionaries(
        {"step": path},
        optional={
            "parameters": st.dictionaries(st.from_regex(r"x[a-z]{0,5}", fullmatch=True), values)
        },
    ),
)


@given(st.lists(steps, max_size=4))
def test_steps_come_back_from_json_as_they_were_written(given_steps):
    training = TrainingSettings(features=given_steps)
    again = TrainingSettings.model_validate_json(training.model_dump_json())
    assert again == training
    for step, written in zip(training.features, given_steps, strict=True):
        whole = {"step": written} if isinstance(written, str) else written
        assert (step.step, step.parameters) == (whole["step"], whole.get("parameters", {}))


def test_what_is_not_used_is_not_written():
    assert not {"features", "trusted_types"} & set(TrainingSettings().model_dump())


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("my_features.Ratio", "is no import path"),
        ({"step": "my_features:Ratio", "options": {}}, "Extra inputs"),
        ({"step": "my_features:Ratio", "parameters": {"password": "x"}}, "are secrets"),
    ],
)
def test_what_is_no_step_is_refused(step, message):
    with pytest.raises(ValidationError, match=message):
        FeatureStep.model_validate(step)


@pytest.mark.parametrize(
    "name", ["Ratio", "my_features:Ratio", "my_features.*", "my features.X", ""]
)
def test_a_trusted_type_is_the_whole_name_of_one(name):
    with pytest.raises(ValidationError, match=r"expected package\.module\.Name"):
        TrainingSettings(trusted_types=[name])
