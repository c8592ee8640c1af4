"""Settings of the gates that look at parts of the holdout: slices, weak segments and groups of people."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from .base import Settings, TaskType

FairnessLimit = Literal[
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "accuracy_difference",
    "accuracy_ratio",
    "mean_error_difference",
    "metric_difference",
    "metric_ratio",
]


class SliceSettings(Settings):
    """How much worse a part of the holdout may be than the whole of it."""

    tolerance: float | None = Field(
        default=0.25,
        ge=0.0,
        description="Share by which the metric of a slice of columns.slices may be worse than the whole "
        "holdout's. None: slices are reported, not judged.",
    )
    decides: bool = Field(
        default=False,
        description="Whether a candidate with a slice surely beyond it is refused. By default that is advice: "
        "some slices are harder than others for any model.",
    )
    segment_tolerance: float = Field(
        default=0.5,
        ge=0.0,
        description="Share by which the metric of a segment that was searched for may be worse than the whole "
        "holdout's.",
    )
    segments_decide: bool = Field(
        default=False,
        description="Whether a candidate with a segment surely beyond it is refused. By default that is advice.",
    )
    depth: int = Field(
        default=2,
        ge=1,
        le=5,
        description="Depth of the trees that search for weak segments: conditions of a segment at most.",
    )
    maximum_rows: int = Field(
        default=20_000,
        ge=100,
        description="Latest holdout rows that weak segments are searched in.",
    )


class FairnessSettings(Settings):
    """Which groups of people are compared, and how far apart they may be."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"bins"})

    columns: list[str] = Field(
        default_factory=list,
        description="Protected columns. They need not be features and may be in columns.ignored: a training "
        "keeps them beside the rows. Empty: the gate is not asked.",
        examples=[["sex", "age"]],
    )
    limits: dict[FairnessLimit, Annotated[float, Field(ge=0.0, allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="What groups are held against: a largest `…_difference`, or a smallest `…_ratio`. Each "
        "decides. Of two classes demographic_parity, equal_opportunity and equalized_odds; of classes accuracy; "
        "of numbers mean_error_difference; of all metric, the metric to decide by. Empty: differences are "
        "reported only.",
        examples=[{"demographic_parity_difference": 0.1, "equalized_odds_difference": 0.1}],
    )
    bins: dict[str, list[float]] = Field(
        default_factory=dict,
        description="Protected column of numbers to the upper edges of its groups, the last one open: "
        "[25, 60] makes three.",
        examples=[{"age": [25, 60]}],
    )
    quantiles: int = Field(
        default=4,
        ge=2,
        le=20,
        description="Groups of equally many rows of a protected column of more than ten numbers, without bins.",
    )
    minimum_class_rows: int = Field(
        default=20,
        ge=1,
        description="Fewest rows of a class that a group needs for a rate among the rows of that class. Fewest "
        "rows of a group: gates.minimum_slice_rows.",
    )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        unknown = sorted(set(self.bins) - set(self.columns))
        if unknown:
            raise ValueError(f"gates.fairness.bins names {unknown}, not in gates.fairness.columns")
        if self.limits and not self.columns:
            raise ValueError(
                "gates.fairness.limits needs gates.fairness.columns: name whose groups"
            )
        repeated = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if repeated:
            raise ValueError(f"gates.fairness.columns names {repeated} twice")
        for name, edges in self.bins.items():
            if not edges or any(low >= high for low, high in pairwise(edges)):
                raise ValueError(
                    f"gates.fairness.bins of {name!r} is {edges}: expected rising numbers, such as [25, 60]"
                )
        for name, limit in self.limits.items():
            if name.endswith("_ratio") and limit > 1:
                raise ValueError(
                    f"gates.fairness.limits: {name} is at most 1, the smallest over the largest, and {limit:g} "
                    "is asked"
                )
        return self

    def wrong_limits(self, task_type: TaskType) -> str:
        """Return which limits are of another task, in words; empty where none is.

        Example:
            >>> settings = FairnessSettings(columns=["sex"], limits={"accuracy_ratio": 0.8})
            >>> settings.wrong_limits("binary")
            ''
        """
        fitting = limits_for(task_type)
        wrong = [name for name in self.limits if name not in fitting]
        if not wrong:
            return ""
        return (
            f"gates.fairness.limits names {wrong}, which a {task_type} model has not: choose among "
            f"{list(fitting)}"
        )


def limits_for(task_type: TaskType) -> tuple[str, ...]:
    """Return the names of the fairness limits that fit a task type.

    Example:
        >>> limits_for("regression")
        ('mean_error_difference', 'metric_difference', 'metric_ratio')
    """
    names = get_args(FairnessLimit)
    left_out = {
        "binary": ("mean_error",),
        "multiclass": ("mean_error", "demographic", "equal"),
        "regression": ("accuracy", "demographic", "equal"),
    }[task_type]
    return tuple(name for name in names if not name.startswith(left_out))
