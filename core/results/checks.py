"""The result of a suite, checkpoint or report that the user brought."""

from __future__ import annotations

from .base import Gate, Result, Verdict, verdict_of


class CheckReport(Result):
    """What a library said to a suite, checkpoint or report of the user's own.

    Attributes:
        library: `great_expectations`, `deepchecks` or `evidently`.
        gates: One an expectation that does not hold, a condition or a test; one `not_run` where there is
            nothing that could fail: a report without tests is no pass.
        report_uri: The library's own page, HTML.
    """

    library: str
    gates: list[Gate]
    report_uri: str

    @property
    def verdict(self) -> Verdict:
        """Passed when every gate that blocks passed."""
        return verdict_of(self.gates)
