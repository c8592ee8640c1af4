"""What people attest of a project, for the readiness report: never assumed, and not for ever."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import ClassVar

from pydantic import Field, field_validator

from .base import Settings

# Breck et al., The ML Test Score, 2017: seven tests each of data, model, infrastructure and monitoring.
CHECK_IDS = tuple(f"{section}{number}" for section in "DMIO" for number in range(1, 8))


class Attestation(Settings):
    """That a person saw a test done."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"automated"})

    by: str = Field(min_length=1, description="Who says so.", examples=["A. Silva"])
    on: date = Field(description="When the test was last seen done.", examples=["2026-03-01"])
    note: str = Field(
        min_length=1,
        description="What was done, and where the result is.",
        examples=["Access review of the warehouse, ticket 1024"],
    )
    automated: bool = Field(
        default=False,
        description="Whether a system runs it again and again: a whole point instead of half of one.",
    )


class ReadinessSettings(Settings):
    """What people attest, and how old evidence may be."""

    unless_default: ClassVar[frozenset[str]] = frozenset(
        {"attestations", "attested_days", "observed_days", "model_days"}
    )

    attestations: dict[str, Attestation] = Field(
        default_factory=dict,
        description="Test of the ML Test Score (`D1` to `D7` of data, `M1` to `M7` of the model, `I1` to `I7` "
        "of infrastructure, `O1` to `O7` of monitoring in operation) to who saw it done, and when.",
        examples=[{"D5": {"by": "A. Silva", "on": "2026-03-01", "note": "Access review"}}],
    )
    attested_days: int = Field(
        default=365, ge=1, description="Days after which an attestation does not count any more."
    )
    observed_days: int = Field(
        default=31,
        ge=1,
        description="Days after which a monitoring decision does not count as evidence any more.",
    )
    model_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which the champion's newest training row is too old. None: nobody said.",
    )

    @field_validator("attestations")
    @classmethod
    def _known_checks(cls, value: dict[str, Attestation]) -> dict[str, Attestation]:
        for name in value:
            if name not in CHECK_IDS:
                near = get_close_matches(name.upper(), CHECK_IDS, n=3, cutoff=0.4)
                hint = (
                    f"did you mean {' or '.join(near)}"
                    if near
                    else "choose among D1 to D7, M1 to M7, I1 to I7, O1 to O7"
                )
                raise ValueError(
                    f"attestations names {name!r}, which is no test of the ML Test Score: {hint}"
                )
        return value
