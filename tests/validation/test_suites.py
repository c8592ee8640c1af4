"""A project's own suite is read, or refused by its place."""

from __future__ import annotations

import json

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.validation.suites import read_suite


def test_a_suite_is_read_as_it_is(tmp_path):
    suite = {"name": "mine", "expectations": [{"type": "expect_column_to_exist", "kwargs": {}}]}
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    assert read_suite(str(tmp_path / "suite.json")) == suite
    assert read_suite(None) is None


@pytest.mark.parametrize("content", [None, "", "{", "no json"])
def test_what_is_missing_or_no_json_is_refused_by_its_place(tmp_path, content):
    if content is not None:
        (tmp_path / "suite.json").write_text(content)
    with pytest.raises(
        ConfigurationError, match=r"data\.suite '.*suite\.json' is no readable JSON"
    ):
        read_suite(str(tmp_path / "suite.json"))
