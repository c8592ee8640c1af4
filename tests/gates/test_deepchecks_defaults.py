"""The default checks are ones that Deepchecks has, with conditions that it has; two of them block."""

from __future__ import annotations

import pytest
from prefect_mlops.gates.deepchecks_compat import load
from prefect_mlops.gates.deepchecks_defaults import default_checks


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_check_and_condition_exists(task):
    load()
    from deepchecks.tabular import checks

    for wanted in default_checks(task):
        check = getattr(checks, wanted.check)
        for condition in wanted.conditions:
            assert callable(getattr(check, f"add_condition_{condition}"))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_only_repeated_rows_and_a_naive_model_block(task):
    blocking = [wanted.check for wanted in default_checks(task) if wanted.blocking]
    assert blocking == ["TrainTestSamplesMix", "SimpleModelComparison"]


def test_checks_of_labels_are_for_classes_only():
    of_classes = {wanted.check for wanted in default_checks("binary")}
    of_numbers = {wanted.check for wanted in default_checks("regression")}
    assert of_classes - of_numbers == {"ConflictingLabels", "NewLabelTrainTest"}
