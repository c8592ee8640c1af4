"""A straight line to replay, whose slope may turn round, and the settings for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from prefect_mlops.backtest.stream import Stream
from prefect_mlops.core.settings import (
    Columns,
    DataSettings,
    GateSettings,
    GovernorPolicy,
    MonitoringSettings,
    Setup,
    TrainingSettings,
)

COLUMNS = Columns(target="y", ordered=True)


def stream_of(rows: int = 900, turned: int | None = None) -> Stream:
    """A straight line whose slope turns round after `turned` rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    sign = np.where(np.arange(rows) < (rows if turned is None else turned), 1.0, -1.0)
    frame = pd.DataFrame({"x": x, "y": 3 * sign * x + rng.normal(0, 0.5, rows)})
    return Stream(frame, COLUMNS, history_rows=400, window_rows=100)


SETUP = Setup(
    name="line",
    task_type="regression",
    metric="rmse",
    columns=COLUMNS,
    data=DataSettings(holdout_share=0.25),
    training=TrainingSettings(estimators=["linear"], trials=1, folds=2, promise_periods=1),
    gates=GateSettings(minimum_holdout_rows=40, resamples=200),
    monitoring=MonitoringSettings(
        window_rows=100,
        drift={"minimum_rows": 50},
        performance={"minimum_labels": 50},
        governor=GovernorPolicy(cooldown_seconds=0.0, budget=None),
    ),
    refits=True,
)
