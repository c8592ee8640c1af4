"""What a gate found that looks at a candidate by itself."""

from __future__ import annotations

from pydantic import Field

from .base import Gate, Result, Verdict, verdict_of


class GateCheck(Result):
    """One kind of gate, asked about one candidate.

    Attributes:
        kind: Which kind, as `gates.skip` names it.
        gates: What it decides and advises; one gate that is `not_run` and says why, if it was skipped.
        measured: Name to value, as logged to the MLflow run, such as `baseline.dummy.log_loss`.
        report_uri: Its evidence, JSON, or None.
    """

    kind: str
    gates: list[Gate]
    measured: dict[str, float] = Field(default_factory=dict)
    report_uri: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The step's verdict; `not_run` when nothing was looked at, as when it is skipped."""
        if all(gate.verdict == "not_run" for gate in self.gates):
            return "not_run"
        return verdict_of(self.gates)
