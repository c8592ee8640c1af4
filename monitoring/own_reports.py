"""Runs an Evidently report that the user made."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..core.errors import ConfigurationError
from ..core.results import Gate, Verdict

_VERDICTS: dict[str, Verdict] = {"SUCCESS": "passed", "FAIL": "failed", "WARNING": "passed"}


def run_report(
    report: Any, current: pd.DataFrame, reference: pd.DataFrame | None, definition: Any = None
) -> tuple[list[Gate], str]:
    """Run a report.

    Args:
        report: An `evidently.Report`, of any metrics and presets.
        current: The rows to look at.
        reference: The rows to compare with, or None.
        definition: An `evidently.DataDefinition`. None: Evidently guesses from the columns' types.

    Returns:
        One gate a test (`Report(…, include_tests=True)`), and the page: HTML that needs no network.

    Raises:
        ConfigurationError: If it is no report.
    """
    from evidently import Dataset, Report

    if not isinstance(report, Report):
        raise ConfigurationError(f"{type(report).__name__} is no evidently.Report")

    def dataset(rows: pd.DataFrame | None) -> Any:
        return None if rows is None else Dataset.from_pandas(rows, data_definition=definition)

    snapshot = report.run(dataset(current), dataset(reference))
    gates = [
        Gate(
            name=str(test.name),
            verdict=_VERDICTS.get(getattr(test.status, "value", str(test.status)), "not_run"),
            reason=str(test.description) or str(test.name),
        )
        for test in snapshot.tests_results
    ]
    return gates, snapshot.get_html_str(as_iframe=False)
