"""Compares new rows with known ones, column by column, and collects the findings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core.settings import Columns
from ..data.schema import category_text
from ..metrics.losses import Floats
from .gx_runner import Finding


@dataclass
class Judgement:
    """What is to be said of a snapshot, beside its suite.

    Attributes:
        findings: What is broken, and advice.
        moved: Columns that left what was known of them, with the new values that may be.
        rising: Columns that only rise: no range holds them.
    """

    findings: list[Finding] = field(default_factory=list)
    moved: dict[str, pd.Series] = field(default_factory=dict)
    rising: list[str] = field(default_factory=list)


@dataclass
class RowComparison:
    """Known rows beside new ones; it collects what is found.

    Attributes:
        known: Rows the champion was trained on, in order.
        rows: The snapshot, in order.
        new: Positions in `rows` of those that are new.
        columns: Roles.
        judged: What was found.
    """

    known: pd.DataFrame
    rows: pd.DataFrame
    new: np.ndarray
    columns: Columns
    judged: Judgement

    def before(self, name: str) -> Floats:
        """Return the known values of a column as numbers."""
        return floats(self.known[name])

    def after(self, name: str) -> Floats:
        """Return the new values of a column as numbers."""
        return floats(self.rows[name])[self.new]

    def coded(self, name: str) -> tuple[Floats, Floats]:
        """Return known and new values of a column as numbers: those of classes stand for their order."""
        old, new = self.known[name], self.rows[name].iloc[self.new]
        if all(pd.api.types.is_numeric_dtype(values.dtype) for values in (old, new)):
            return floats(old), floats(new)
        old, new = (values.map(category_text, na_action="ignore") for values in (old, new))
        order = {value: float(at) for at, value in enumerate(sorted(old.dropna().unique()))}
        return floats(old.map(order)), floats(new.map(order))

    def broken(self, name: str, said: str, at: np.ndarray) -> None:
        """Say that something is broken in the new rows at these positions among them."""
        reason = f"{name}: broken in {len(at)} of {len(self.new)} new rows, {said}"
        share = len(at) / len(self.rows)
        positions = self.new[at].tolist()
        self.judged.findings.append(
            Finding(name, False, share=share, tolerated=0.0, reason=reason, rows=positions)
        )

    def advise(self, name: str, said: str) -> None:
        """Say something that stops nothing."""
        self.judged.findings.append(Finding(name, False, blocking=False, reason=said))


def floats(values: pd.Series) -> Floats:
    """Return values as numbers: moments as seconds since 1970, NaN for what is none."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        moments = pd.to_datetime(values, utc=True).dt.tz_convert(None).to_numpy("datetime64[ns]")
        seconds = moments.astype(np.int64) / 1e9
        return np.where(np.isnat(moments), np.nan, seconds)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
