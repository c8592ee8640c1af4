"""Retraining policies that a backtest compares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from ..core.errors import ConfigurationError
from ..core.settings import GateSettings, MonitoringSettings, Settings

NEVER = "never"
PolicyKind = Literal["never", "every", "drift", "performance", "governor"]


class Policy(Settings):
    """When to retrain, and what to do with the candidate.

    `never`, `every`, `drift` and `performance` are what one would write by hand: they put every
    candidate into service. A `governor` decides by its rules, and its candidates pass the gates.
    """

    name: str = Field(min_length=1, description="Name of the policy, in tables and plots.")
    kind: PolicyKind = Field(
        description="`never`; `every` k-th window; whenever `drift` or worse `performance` is seen; or a "
        "`governor`."
    )
    every: int = Field(
        default=1, ge=1, description="For `every`: windows from training to training."
    )
    monitoring: MonitoringSettings | None = Field(
        default=None, description="Edited thresholds and governor. Empty: the project's."
    )
    gates: GateSettings | None = Field(
        default=None, description="For `governor`: edited gates. Empty: the project's."
    )

    @model_validator(mode="after")
    def _gates_need_a_governor(self) -> Self:
        if self.gates is not None and self.kind != "governor":
            raise ValueError(
                f"gates are for kind 'governor'; {self.kind!r} promotes every candidate"
            )
        return self


DEFAULT_POLICIES = (NEVER, "every:1", "every:4", "drift", "performance", "governor")


def policy_of(text: str) -> Policy:
    """Return a policy by its short name.

    Args:
        text: `never`, `every:3` (`always` is `every:1`), `drift`, `performance` or `governor`.

    Raises:
        ConfigurationError: If there is no such policy.

    Example:
        >>> policy_of("every:3").every
        3
    """
    kind, _, number = text.partition(":")
    if kind == "always" and not number:
        return Policy(name="every window", kind="every", every=1)
    if kind == "every" and number.isdecimal() and int(number) >= 1:
        every = int(number)
        name = "every window" if every == 1 else f"every {every} windows"
        return Policy(name=name, kind="every", every=every)
    if kind == NEVER and not number:
        return Policy(name=NEVER, kind=NEVER)
    if kind == "drift" and not number:
        return Policy(name="on drift", kind="drift")
    if kind == "performance" and not number:
        return Policy(name="on worse performance", kind="performance")
    if kind == "governor" and not number:
        return Policy(name="governor", kind="governor")
    raise ConfigurationError(
        f"unknown policy {text!r}: expected never, always, every:K, drift, performance, governor, or a "
        "policy with a name, a kind and edited settings"
    )


def policies_of(wanted: Iterable[str | Policy]) -> list[Policy]:
    """Return policies, short names replaced.

    Raises:
        ConfigurationError: If there are none, one is unknown, or two have the same name.
    """
    found = [policy_of(policy) if isinstance(policy, str) else policy for policy in wanted]
    names = [policy.name for policy in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not found:
        said = (
            f"policies {repeated} are there more than once" if repeated else "there are no policies"
        )
        raise ConfigurationError(f"{said}: give each policy of a backtest a name of its own")
    return found
