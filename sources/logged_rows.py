"""Looks up rows to train on in the prediction log, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.settings import Columns, Source
    from ..storage.interface import PredictionStore
    from ..validation.log_agreement import Agreement

# As many tell a column that differs in a fifth of the rows from one that does not.
_ROWS = 200


def agreement_with_log(
    known: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    source: Source | None,
    columns: Columns,
    redacted: Sequence[str],
    stores: Stores,
) -> Agreement | None:
    """Compare up to 200 new rows, and as many known ones, with the prediction log.

    Redacted features are left out: they differ by intention. So is everything when the rows are
    read from the log.

    Args:
        known: Rows the champion was trained on.
        rows: The snapshot.
        source: Where the rows come from. None: not from the log.
        columns: What each column is for.
        redacted: Features that are logged redacted.
        stores: Where the model's things are kept.

    Returns:
        What was found, or None when there is nothing to compare.

    Raises:
        LogUnavailable: If the log cannot be read.
    """
    import numpy as np

    from ..validation.log_agreement import agreement
    from ..validation.new_rows import new_part

    identifier = columns.id
    if (
        identifier is None
        or identifier not in rows
        or (source is not None and source.type == "predictions")
    ):
        return None
    features = columns.feature_names([str(name) for name in rows])
    names = [n for n in features if n in rows and n not in redacted]
    new = _some(new_part(known, rows))
    sample = rows.iloc[new]
    with stores.predictions.get_client() as store:
        logged = _logged(store, stores.registry.model_name, sample[identifier])
        if not any(found is not None for found in logged):
            return None
        before = known.iloc[_some(np.arange(len(known)))]
        logged_known: list[dict[str, Any] | None] = [None] * len(before)
        if identifier in before:
            logged_known = _logged(store, stores.registry.model_name, before[identifier])
    return agreement(sample, logged, before, logged_known, names)


def _some(positions: np.ndarray) -> np.ndarray:
    import numpy as np

    if len(positions) <= _ROWS:
        return positions
    return positions[np.linspace(0, len(positions) - 1, _ROWS).astype(int)]


def _logged(store: PredictionStore, model: str, ids: pd.Series) -> list[dict[str, Any] | None]:
    from ..data.schema import category_text

    texts = [category_text(value) for value in ids]
    found = store.find(model, texts)
    return [dict(found[text].features) if text in found else None for text in texts]
