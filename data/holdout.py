"""Size and first row of the holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.settings import DataSettings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from ..core.settings import DataSettings


# Fewer could not tell a good candidate from a bad one: see the table of sizes in docs/training.md.
_FEWEST_IN_ORDER = 500


def wanted_holdout(rows: int, data: DataSettings, window_rows: int) -> int:
    """Return how many rows in time order to hold out.

    Half of a window: a retraining that a window asked for learns from its older half and is judged on
    its newer one, rows that the champion has not seen either.

    Args:
        rows: Rows there are.
        data: `holdout_rows`, or the largest `holdout_share`.
        window_rows: Predictions that a monitoring run looks at.

    Example:
        >>> wanted_holdout(20_000, DataSettings(), 2_000), wanted_holdout(600, DataSettings(), 2_000)
        (1000, 120)
    """
    if data.holdout_rows is not None:
        return data.holdout_rows
    return min(round(data.holdout_share * rows), max(window_rows // 2, _FEWEST_IN_ORDER))


def first_held_out(table: pa.Table, timestamp: str | None, wanted: int) -> int:
    """Return the position of the first held out row among rows in time order.

    Args:
        table: Rows, in time order.
        timestamp: Timestamp column, or None when only the order is known.
        wanted: Number of rows to hold out.

    Returns:
        0 to the number of rows. Rows of one moment are on one side: the border moves back to where
        its moment begins, or, where all rows begin, on to the next moment.
    """
    first = max(0, table.num_rows - wanted)
    if timestamp is None or first in (0, table.num_rows):
        return first
    moments = table.column(timestamp).to_pandas()
    # A moment on both sides would let the model see the hour it is judged on.
    first = int(moments.searchsorted(moments.iloc[first], side="left"))
    return first or int(moments.searchsorted(moments.iloc[0], side="right"))


def straddling(groups: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Say which rows that are not held out are of a group of which others are.

    Args:
        groups: Group of each row, shape (rows,).
        held_out: Whether a row is held out, shape (rows,).

    Returns:
        Booleans, shape (rows,).

    Example:
        >>> import numpy as np
        >>> straddling(np.array(list("aabb")), np.array([False, False, False, True])).tolist()
        [False, False, True, False]
    """
    import numpy as np

    return ~held_out & np.isin(groups, groups[held_out])


def held_out_by_hash(
    frame: pd.DataFrame, identifier: str | None, features: list[str], share: float
) -> np.ndarray:
    """Say for every row whether it is held out, by nothing but the row's own content.

    Args:
        frame: Rows.
        identifier: Column that identifies a row, or None to use the features.
        features: Features.
        share: Share of rows to hold out, 0 to 1, in expectation.

    Returns:
        Booleans, shape (rows,). Equal ids, or equal features, land on the same side.

    Example:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"id": list("abcdefgh")})
        >>> held_out_by_hash(rows, "id", [], 0.2).tolist()
        [False, False, True, True, False, True, False, False]
    """
    import hashlib

    import numpy as np

    from ..data.identifiers import id_texts
    from ..data.schema import category_text

    # Through text, so that an integer column that met a null, and became float, hashes as before.
    if identifier is not None:
        texts = [id_texts(frame[identifier]).fillna("")]
    else:
        texts = [
            frame[name].map(category_text).where(frame[name].notna(), "")
            for name in sorted(features)
        ]
    digests = (
        hashlib.sha256("\x1f".join(row).encode()).digest() for row in zip(*texts, strict=True)
    )
    places = np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)
    return places.astype(float) / 2.0**64 < share
