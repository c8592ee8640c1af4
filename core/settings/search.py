"""Search settings: how a study looks for hyperparameters, and for how long."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ..import_paths import ImportPath
from .base import Settings


class _NearestKey(Settings):
    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key), cls.model_fields, 1)
                    hint = f"did you mean {near[0]!r}? " if near else ""
                    known = sorted(cls.model_fields)
                    raise ValueError(f"unknown key {key!r}: {hint}There are {known}")
        return data


class ParameterSpace(_NearestKey):
    """Values that a hyperparameter may take."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"low", "high", "log", "step", "choices"})

    type: Literal["float", "int", "categorical"] = Field(
        description="`float` or `int` between `low` and `high`, or `categorical`: one of `choices`."
    )
    low: float | None = Field(
        default=None, allow_inf_nan=False, description="Smallest value, of a number."
    )
    high: float | None = Field(
        default=None, allow_inf_nan=False, description="Largest value, of a number."
    )
    log: bool = Field(
        default=False, description="Whether to sample a number on a logarithmic scale."
    )
    step: float | None = Field(
        default=None, gt=0.0, description="Distance between values of a number. None: 1, or none."
    )
    choices: list[bool | int | float | str | None] = Field(
        default_factory=list,
        description="Values to choose from, for `categorical`; a single one fixes the parameter.",
        examples=[["sqrt", 0.3]],
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "categorical":
            if not self.choices:
                raise ValueError("a categorical space needs choices")
            if self.low is not None or self.high is not None or self.step is not None or self.log:
                raise ValueError("a categorical space has choices only, no low, high, step or log")
            return self
        if self.choices:
            raise ValueError(f"a space of type {self.type!r} has low and high, no choices")
        if self.low is None or self.high is None:
            raise ValueError(f"a space of type {self.type!r} needs low and high")
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low must be above 0 where log is true, not {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("give log or step, not both")
        if self.type == "int":
            for name in ("low", "high", "step"):
                value = getattr(self, name)
                if value is not None and value != int(value):
                    raise ValueError(f"{name} of an int must be a whole number, not {value:g}")
        return self


class SearchSettings(_NearestKey):
    """How a study looks for hyperparameters, for how long, and where its trials run."""

    unless_default: ClassVar[frozenset[str]] = frozenset(
        {
            "sampler",
            "pruner",
            "reduction_factor",
            "minimum_rows",
            "spaces",
            "trial_timeout_seconds",
            "patience",
            "warm_start",
            "ahead",
            "runner",
            "runner_address",
            "threads_per_trial",
        }
    )

    sampler: Literal["tpe", "random", "grid", "cmaes", "gp", "nsga2"] = Field(
        default="tpe",
        description="How parameters are chosen: `tpe`, `random`, `grid` (every combination once), `cmaes`, "
        "`gp` (Gaussian process; needs torch) or `nsga2` (genetic).",
    )
    pruner: Literal["median", "halving", "hyperband", "none"] = Field(
        default="median",
        description="Which trials stop early: after a fold, those worse than the `median`; after a part of "
        "the rows, all but the best by successive `halving` or `hyperband`; or `none`.",
    )
    reduction_factor: int = Field(
        default=3,
        ge=2,
        le=10,
        description="With `halving` and `hyperband`, one trial in so many goes on, with so many times the rows.",
    )
    minimum_rows: int = Field(
        default=1_000,
        ge=50,
        description="With `halving` and `hyperband`, fewest training rows that trials are compared on.",
    )
    spaces: dict[str, ImportPath | dict[str, ParameterSpace]] = Field(
        default_factory=dict,
        description="Estimator to the spaces of its parameters, which replace those it asks for itself; or "
        "`package.module:function`, a function of the trial that returns parameters.",
        examples=[{"linear": {"C": {"type": "float", "low": 0.01, "high": 1.0, "log": True}}}],
    )
    trial_timeout_seconds: float | None = Field(
        default=None,
        gt=0.0,
        description="Longest time for a trial, seconds; one that takes longer is killed, and counts as "
        "pruned. None: unbounded.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Trials without an improvement by more than one standard error after which the study "
        "ends. None: it runs all of them.",
    )
    warm_start: list[Literal["champion", "studies"]] = Field(
        default_factory=list,
        description="What to try after the defaults: the `champion`'s parameters, and the best ones of "
        "earlier `studies` in the workspace.",
    )
    ahead: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Most trials that may run at once. Each is chosen by the results of those at least so "
        "many before it, so that the study is the same whatever finishes first.",
    )
    runner: Literal["threads", "processes", "dask", "ray"] | None = Field(
        default=None,
        description="Where trials run: `threads` or `processes` of this machine, a `dask` or `ray` cluster. "
        "Empty: as the flow's task runner.",
    )
    runner_address: str | None = Field(
        default=None,
        description="Address of the Dask scheduler or of the Ray cluster. Empty: one is started for the study.",
        examples=["tcp://scheduler:8786"],
    )
    threads_per_trial: int | None = Field(
        default=None,
        ge=1,
        description="Threads that the numerical libraries of a trial may use. Empty: the machine's cores "
        "divided by `ahead`.",
    )

    @model_validator(mode="after")
    def _address_of_a_cluster(self) -> Self:
        if self.runner_address is not None and self.runner not in ("dask", "ray"):
            raise ValueError(
                f"search.runner_address is that of a cluster: set search.runner to 'dask' or 'ray', not "
                f"{self.runner!r}"
            )
        return self
