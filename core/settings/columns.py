"""Column roles of a dataset: target, timestamp, id, features and others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from .base import Settings


def _tells_days_apart(text_format: str) -> bool:
    days = (datetime(2026, 1, 31), datetime(2025, 1, 31), datetime(2026, 2, 1))
    try:
        texts = [day.strftime(text_format) for day in days]
        read = [datetime.strptime(text, text_format).replace(tzinfo=None) for text in texts]
    except ValueError:
        return False
    return read == list(days)


class Columns(Settings):
    """What each column of a dataset is for. A column has one role, except that slices are features too."""

    unless_default: ClassVar[frozenset[str]] = frozenset({"weight", "group"})

    target: str = Field(description="Column to predict.", examples=["subscribed"])
    features: list[str] = Field(
        default_factory=list,
        description="Columns the model may see. Empty: every column without another role.",
        examples=[["age", "job"]],
    )
    categorical: list[str] = Field(
        default_factory=list,
        description="Features to treat as categories although they look like numbers.",
        examples=[["postcode"]],
    )
    timestamp: str | None = Field(
        default=None,
        description="Column with the moment of each row, with time zone. None: no timestamp.",
        examples=["called_at"],
    )
    ordered: bool = Field(
        default=False,
        description="Whether the rows are in time order although there is no timestamp.",
    )
    id: str | None = Field(
        default=None,
        description="Column that identifies a row; duplicates are rejected. None: no identifier.",
        examples=["call_id"],
    )
    weight: str | None = Field(
        default=None,
        description="Column with what each row counts in fitting and in judging, a number from 0 on. Not "
        "needed in rows to score. None: all the same.",
        examples=["sampling_weight"],
    )
    group: str | None = Field(
        default=None,
        description="Column with what a row belongs to, such as a customer: rows of one group are never on "
        "both sides of a split or fold, and count as one where chance is told from a difference. Not needed "
        "in rows to score. None: every row stands for itself.",
        examples=["customer"],
    )
    slices: list[str] = Field(
        default_factory=list,
        description="Features whose values are compared one by one before a promotion.",
        examples=[["contact"]],
    )
    ignored: list[str] = Field(
        default_factory=list,
        description="Columns that must not reach the model.",
        examples=[["duration"]],
    )
    datetime_formats: dict[str, str] = Field(
        default_factory=dict,
        description="Features that hold dates or moments as text, or as numbers such as 20260403, to their "
        "format as Python's `strptime` takes it, or `ISO8601`. Without an offset they are UTC. Values of "
        "another form are refused in training, and scored as missing.",
        examples=[{"signed_up": "%d/%m/%Y", "born": "%Y%m%d"}],
    )

    @field_validator("datetime_formats")
    @classmethod
    def _complete_formats(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text_format in value.items():
            if text_format != "ISO8601" and not _tells_days_apart(text_format):
                raise ValueError(
                    f"format {text_format!r} of {name!r} tells no day of a year: expected one such as "
                    "%d/%m/%Y, or ISO8601"
                )
        return value

    # No setting of its own: who needs such columns names them, see `with_beside`.
    _beside: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="after")
    def _one_role_each(self) -> Self:
        roles: dict[str, str] = {}
        for role, names in {
            "target": [self.target],
            "timestamp": [self.timestamp] if self.timestamp else [],
            "id": [self.id] if self.id else [],
            "weight": [self.weight] if self.weight else [],
            "group": [self.group] if self.group else [],
            "ignored": self.ignored,
            "features": self.features,
        }.items():
            for name in names:
                if name in roles:
                    raise ValueError(
                        f"column {name!r} is both {roles[name]} and {role}: give it one role"
                    )
                roles[name] = role
        for role, names in {
            "slices": self.slices,
            "categorical": self.categorical,
            "datetime_formats": list(self.datetime_formats),
        }.items():
            for name in names:
                if roles.get(name, "features") != "features" or (
                    self.features and name not in self.features
                ):
                    raise ValueError(f"{role} names {name!r}, which is not a feature")
        both = sorted(set(self.categorical) & set(self.datetime_formats))
        if both:
            raise ValueError(f"columns {both} are both categorical and datetimes: choose one")
        return self

    @property
    def has_order(self) -> bool:
        """Whether the rows have a time order."""
        return self.timestamp is not None or self.ordered

    @property
    def roles(self) -> set[str]:
        """Columns that are read beside the features: target, timestamp, id, weight and group."""
        named = (self.target, self.timestamp, self.id, self.weight, self.group)
        return {name for name in named if name is not None}

    def with_beside(self, names: Iterable[str]) -> Self:
        """Return the same roles, with columns that are read beside them and have none.

        Example:
            >>> columns = Columns(target="y", ignored=["sex", "b"]).with_beside(["sex"])
            >>> sorted(columns.wanted(["a", "b", "sex", "y"])), columns.feature_names(["a", "sex"])
            (['a', 'sex', 'y'], ['a'])
        """
        copied = self.model_copy()
        copied._beside = frozenset(names)
        return copied

    def wanted(self, available: list[str]) -> set[str]:
        """Return what is read of a table: roles, features, and what is read beside them."""
        return {*self.roles, *self.feature_names(available), *self._beside}

    def feature_names(self, available: list[str]) -> list[str]:
        """Return the features among the columns of a table.

        Args:
            available: Columns of the table, in order.

        Returns:
            `features` when named, else every column without another role, in the table's order.

        Example:
            >>> Columns(target="y", ignored=["b"]).feature_names(["a", "b", "y"])
            ['a']
        """
        if self.features:
            return list(self.features)
        taken = {*self.roles, *self.ignored}
        return [name for name in available if name not in taken]
