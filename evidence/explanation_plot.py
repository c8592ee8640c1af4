"""Draws what each input column adds to a model's answers."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from .explanation import Explained

_MOST_COLUMNS = 12


def draw_explanation(found: Explained) -> bytes | None:
    """Draw an explanation.

    Args:
        found: What `explain` returned.

    Returns:
        A PNG: a dot a row and column, where it moved the answer; of several classes a bar a column. None when
        nothing was explained.
    """
    if found.values is None or found.rows is None:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = min(len(found.rows.columns), _MOST_COLUMNS)
    # No pyplot: flows draw in threads, and its global state is not made for them.
    figure = Figure(figsize=(8, 1.4 + 0.36 * shown), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    if found.values.ndim == 2:
        _dots(axis, found.values, found.rows)
    else:
        _bars(axis, found)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, metadata={"Software": ""})
    return buffer.getvalue()


def _dots(axis: Any, values: np.ndarray, rows: pd.DataFrame) -> None:
    from shap import Explanation
    from shap.plots import beeswarm

    explained = Explanation(
        values=values,
        data=np.column_stack([_as_number(rows[name]) for name in rows]),
        feature_names=list(rows.columns),
    )
    beeswarm(
        explained,
        max_display=_MOST_COLUMNS,
        ax=axis,
        show=False,
        plot_size=None,
        group_remaining_features=False,
    )
    axis.tick_params(labelsize=10)
    axis.set_xlabel("SHAP value: how far it moved the answer", fontsize=10)


def _bars(axis: Any, found: Explained) -> None:
    most = sorted(found.explanation.shares.items(), key=lambda part: part[1])[-_MOST_COLUMNS:]
    axis.barh([name for name, _ in most], [share for _, share in most])
    axis.set_xlabel("share of the mean absolute SHAP value")


def _as_number(values: pd.Series) -> np.ndarray:
    """Return values as numbers to colour dots by: categories by code, moments by time, missing ones by none."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float)
    codes, _ = pd.factorize(values, sort=True)
    return np.where(codes < 0, np.nan, codes.astype(float))
