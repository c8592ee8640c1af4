"""Checks every feature for values of another type than the rest of its column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import DataRejected

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..core.settings import Columns
    from ..data.schema import FeatureType

_SHOWN = 3
# A text column with more numbers than this is a number column with something wrong in it.
_MOSTLY = 0.5
# Text of which so many values are there once tells rows apart, and nothing about the next ones.
_OWN_TEXT = 0.9
_FEWEST_OWN = 50


def check_features(
    table: pa.Table, frame: pd.DataFrame, features: list[str], columns: Columns
) -> list[str]:
    """Refuse features that hold something else than they seem to.

    Args:
        table: The rows.
        frame: The same as a data frame.
        features: Columns to look at.
        columns: Roles.

    Returns:
        Remarks: whole numbers that a model sees without their last digits, text that holds numbers or
        differs from row to row, moments that no data frame can hold.

    Raises:
        DataRejected: If a column mixes types, holds some text among numbers, numbers written with
            marks that are not declared, or values that are no moments in the declared format.
    """
    from ..data.schema import conform, infer_feature_types
    from ..data.whole_numbers import loses_digits

    for name, text_format in columns.datetime_formats.items():
        _refuse_unread_moments(frame[name], text_format)
    feature_types = infer_feature_types(frame, features, columns.categorical)
    remarks: list[str] = []
    for name in features:
        if name in columns.categorical:
            continue
        if feature_types[name] == "category":
            remarks += _of_text(frame[name])
        elif feature_types[name] == "number" and loses_digits(table.column(name)):
            remarks.append(
                f"column {name!r} holds whole numbers beyond 2^53, of which a model sees the first 16 digits: "
                "if they are codes, list it in columns.categorical or columns.ignored"
            )
    moments: dict[str, FeatureType] = {
        n: "datetime" for n, kind in feature_types.items() if kind == "datetime"
    }
    for name, rows in conform(frame, moments)[1].unreadable.items():
        remarks.append(
            f"column {name!r} holds {rows} moments that no data frame can hold, such as in the year 9999: "
            "they count as missing"
        )
    return remarks


def _refuse_unread_moments(values: pd.Series, text_format: str) -> None:
    import pandas as pd

    if values.dtype != object or not pd.api.types.is_string_dtype(values.dropna()):
        return
    from ..data.timestamps import parse_timestamps

    unread = values[values.notna() & parse_timestamps(values).isna()]
    if len(unread):
        shown = ", ".join(map(repr, unread.unique()[:_SHOWN]))
        raise DataRejected(
            f"column {values.name!r} holds, in {len(unread)} of {len(values)} rows, values that are no moments "
            f"in the format {text_format}, such as {shown}: mend them at the source, or change "
            "columns.datetime_formats",
            column=str(values.name),
        )


def _of_text(values: pd.Series) -> list[str]:
    from ..data.number_text import is_foreign_number, is_plain_number

    name = str(values.name)
    present = values.dropna().astype(str)
    counts = present.value_counts()
    texts = counts.index.to_series()
    plain = texts.map(is_plain_number).to_numpy(dtype=bool)
    foreign = texts.map(is_foreign_number).to_numpy(dtype=bool)
    total, numbers, odd = len(present), int(counts[plain].sum()), int(counts[foreign].sum())
    if odd and numbers + odd > _MOSTLY * total:
        shown = ", ".join(map(repr, texts[foreign][:_SHOWN]))
        raise DataRejected(
            f"column {name!r} holds, in {odd} of {total} rows, numbers with other marks, such as {shown}: set "
            "decimal and thousands of a CSV source, take currencies and percent signs out at the source, or "
            "list it in columns.categorical",
            column=name,
        )
    strays = total - numbers
    if 0 < strays < _MOSTLY * total:
        order = present[~present.isin(texts[plain])].unique()[:_SHOWN]
        raise DataRejected(
            f"column {name!r} holds numbers and, in {strays} of {total} rows, text such as "
            f"{', '.join(map(repr, order))}: mend it at the source, or list it in columns.categorical",
            column=name,
        )
    if numbers == total:
        return [
            f"column {name!r} holds numbers as text, such as {texts.iloc[0]!r}: it is a category; list it in "
            "columns.categorical if that is right, or store numbers at the source"
        ]
    if numbers:
        return [
            f"column {name!r} holds text and, in {numbers} of {total} rows, numbers: it is a category; list it "
            "in columns.categorical if that is right"
        ]
    if len(counts) >= _FEWEST_OWN and len(counts) >= _OWN_TEXT * total:
        return [
            f"column {name!r} holds {len(counts)} different texts in {total} rows: it tells rows apart, and "
            "nothing about new ones; make it columns.id, list it in columns.ignored, or, if it holds dates, "
            "in columns.datetime_formats"
        ]
    return []
