"""Holds rows against a suite or checkpoint of Great Expectations that the user made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..core.errors import ConfigurationError
from .gx_runner import Finding, check_rows, findings_of, page_of


def check_against(rows: pd.DataFrame, suite: Any) -> tuple[list[Finding], str]:
    """Hold rows against a suite or checkpoint.

    Args:
        rows: The rows.
        suite: A `great_expectations.ExpectationSuite`, one as JSON, or a `Checkpoint` whose batches are
            whole data frames: it is run on `rows`, its actions too.

    Returns:
        One finding an expectation, and the Data Docs page: one HTML file that needs no network.

    Raises:
        ConfigurationError: If it is neither, or has nothing to check.
    """
    import great_expectations as gx

    if isinstance(suite, gx.ExpectationSuite):
        return check_rows(rows, dict(suite.to_json_dict()))
    if isinstance(suite, Mapping):
        return check_rows(rows, dict(suite))
    if not isinstance(suite, gx.Checkpoint):
        raise ConfigurationError(
            f"{type(suite).__name__} is no suite: expected an ExpectationSuite, its JSON, or a Checkpoint"
        )
    found = suite.run(batch_parameters={"dataframe": rows})
    results = list(found.run_results.values())
    findings = [finding for result in results for finding in findings_of(result, len(rows))]
    if not findings:
        raise ConfigurationError(
            f"checkpoint {suite.name!r} has no expectations: add some to its suites"
        )
    return findings, "\n".join(page_of(result) for result in results)
