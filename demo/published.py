"""The UCI Bank Marketing table: its columns and categories, read with every value checked.

UCI Bank Marketing, `bank-additional-full.csv`: 41,188 calls in time order with 20 inputs and `y`. S. Moro,
P. Cortez, P. Rita, *A data-driven approach to predict the success of bank telemarketing*, Decision
Support Systems 62, 2014, doi 10.24432/C5K306.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..core.errors import DataRejected, SourceUnavailable

CATEGORIES: dict[str, tuple[str, ...]] = {
    "job": (
        "admin.", "blue-collar", "technician", "services", "management", "retired",
        "entrepreneur", "self-employed", "housemaid", "unemployed", "student", "unknown",
    ),
    "marital": ("divorced", "married", "single", "unknown"),
    "education": (
        "basic.4y", "basic.6y", "basic.9y", "high.school", "illiterate", "professional.course",
        "university.degree", "unknown",
    ),
    "default": ("no", "yes", "unknown"),
    "housing": ("no", "yes", "unknown"),
    "loan": ("no", "yes", "unknown"),
    "contact": ("cellular", "telephone"),
    "month": (
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ),
    "day_of_week": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "poutcome": ("failure", "nonexistent", "success"),
    "y": ("no", "yes"),
}  # fmt: skip
WHOLE_NUMBERS = ("age", "duration", "campaign", "pdays", "previous")
NUMBERS = (
    *WHOLE_NUMBERS,
    "emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed",
)  # fmt: skip
COLUMNS = (
    "age", "job", "marital", "education", "default", "housing", "loan", "contact", "month",
    "day_of_week", "duration", "campaign", "pdays", "previous", "poutcome", "emp.var.rate",
    "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed", "y",
)  # fmt: skip


def load_csv(path: str | Path) -> pd.DataFrame:
    """Read the published table.

    Args:
        path: `bank-additional-full.csv` of UCI Bank Marketing, fields separated by `;`.

    Returns:
        The 21 columns of `COLUMNS`, in file order.

    Raises:
        SourceUnavailable: If the file cannot be read as text with columns.
        DataRejected: If columns are missing or unknown, or a value is none of its column's.
    """
    try:
        frame = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SourceUnavailable(
            f"cannot read {path}: {error}. Expected bank-additional-full.csv of UCI Bank Marketing "
            "(doi 10.24432/C5K306), unpacked"
        ) from error
    _check_columns(frame, path)
    if frame.empty:
        raise DataRejected(f"{path} has a header and no rows: download it again")
    for column in NUMBERS:
        values = pd.to_numeric(frame[column], errors="coerce")
        usable = values.abs() < np.inf
        if column in WHOLE_NUMBERS:
            usable &= values % 1 == 0
        _refuse_rows(frame[column], usable, path, "a finite number")
        frame[column] = values.astype("int64" if column in WHOLE_NUMBERS else "float64")
    for column, known in CATEGORIES.items():
        _refuse_rows(frame[column], frame[column].isin(known), path, f"one of {', '.join(known)}")
    return frame[list(COLUMNS)]


def _check_columns(frame: pd.DataFrame, path: str | Path) -> None:
    found = list(frame.columns)
    missing = [name for name in COLUMNS if name not in found]
    if missing and len(found) == 1:
        raise DataRejected(
            f"{path} has one column when split at ';': its header starts {found[0][:60]!r}. The "
            "published file separates fields by ';': save it with that separator"
        )
    if missing:
        hint = " That is the older bank-full.csv: take bank-additional-full.csv."
        raise DataRejected(
            f"{path} lacks the columns {', '.join(missing)}."
            + (hint if "balance" in found else " Use bank-additional-full.csv as published."),
            column=missing[0],
        )
    unknown = [name for name in found if name not in COLUMNS]
    if unknown:
        raise DataRejected(
            f"{path} has columns the published table does not have: {', '.join(unknown)}. Remove "
            "them, so that they cannot reach the model unnoticed",
            column=unknown[0],
        )


def _refuse_rows(
    text: pd.Series[str], usable: pd.Series[bool], path: str | Path, expected: str
) -> None:
    if not usable.all():
        row = int((~usable).to_numpy().argmax())
        raise DataRejected(
            f"{path}: column {text.name!r} has {text.iloc[row]!r} in data row {row + 1} "
            f"({int((~usable).sum())} such rows), expected {expected}",
            column=str(text.name),
        )
