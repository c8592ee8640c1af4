"""Rows are validated by Great Expectations itself, and every finding says what and where."""

from __future__ import annotations

import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.validation.gx_runner import check_rows

ROWS = pd.DataFrame({"age": [20.0, 30.0, 400.0, None], "job": ["a", "b", "c", "a"]})


def suite(*expectations, **more):
    return {"name": "mine", "expectations": list(expectations), **more}


def between(low, high, **more):
    kwargs = {"column": "age", "min_value": low, "max_value": high}
    return {"type": "expect_column_values_to_be_between", "kwargs": kwargs, **more}


def test_an_expectation_that_holds_and_one_that_does_not():
    (held, broken), page = check_rows(ROWS, suite(between(0, 500), between(0, 100)))
    assert held.held
    assert (broken.held, broken.rows) == (False, [2])
    assert broken.share == pytest.approx(0.25)
    assert "400" in broken.reason
    assert "<html" in page.lower()
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_an_expectation_of_lesser_severity_is_advice():
    (finding,), _ = check_rows(ROWS, suite(between(0, 100, severity="warning")))
    assert (finding.held, finding.blocking) == (False, False)


def test_an_expectation_on_a_column_that_is_not_there_is_an_error_and_no_pass():
    missing = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "weight"}}
    (finding,), _ = check_rows(ROWS, suite(missing))
    assert not finding.held
    assert "weight" in finding.error


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({}, "the suite has no expectations"),
        (suite(), "the suite has no expectations"),
        (suite({"type": "expect_the_impossible", "kwargs": {}}), "GX does not know"),
        (suite({"kwargs": {}}), "the suite has"),
    ],
)
def test_a_suite_that_is_none_is_refused(wrong, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        check_rows(ROWS, wrong)
