"""Refuses rows to score whose values are mostly unreadable.

One odd value is scored as missing, as a model server's caller would be told. A column in another form than at
training (`yes` for true, 1,5 for 1.5) is a mistake of the file, and its predictions would be worth nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import pandas as pd

from ..core.errors import DataRejected
from ..core.settings import ScoringSettings
from .schema import Coercion, FeatureType

_EXPECTED: dict[FeatureType, str] = {
    "number": "finite numbers with a decimal point, such as 1.5",
    "boolean": "true or false, or 1 or 0",
    "category": "text",
    "datetime": "ISO 8601 moments, such as 2026-01-31T12:00:00Z",
}


def count_unreadable(coerced: Coercion) -> dict[str, int]:
    """Return column to the number of values that are infinite or not of its kind."""
    return dict(Counter(coerced.unreadable) + Counter(coerced.infinite))


def refuse_unreadable(
    frame: pd.DataFrame,
    conformed: pd.DataFrame,
    coerced: Coercion,
    *,
    feature_types: Mapping[str, FeatureType],
    settings: ScoringSettings,
    hidden: Collection[str] = (),
) -> None:
    """Refuse rows with a column of which too many values cannot be read.

    Args:
        frame: Rows as they were read.
        conformed: What `conform` made of them.
        coerced: What it had to change.
        feature_types: Column to feature type.
        settings: How many are too many.
        hidden: Columns whose values no message may quote.

    Raises:
        DataRejected: Naming every such column, how many of its values, one of them, and the form that
            is expected.
    """
    columns, said = [], []
    for name, count in count_unreadable(coerced).items():
        present = int(frame[name].notna().sum())
        if count < settings.minimum_unreadable or count <= settings.maximum_unreadable * present:
            continue
        lost = frame[name].notna().to_numpy() & conformed[name].isna().to_numpy()
        shown = "" if name in hidden else f", such as {frame[name].to_numpy()[lost][0]!r}"
        columns.append(name)
        said.append(
            f"column {name!r} has {count} of {present} values that cannot be read{shown}: expected "
            f"{_EXPECTED[feature_types[name]]}"
        )
    if columns:
        raise DataRejected(
            f"{'; '.join(said)}. Mend them at the source; they would be scored as missing, and "
            f"scoring.maximum_unreadable allows {settings.maximum_unreadable:.0%}",
            column=columns[0],
        )
