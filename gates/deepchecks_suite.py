"""Runs a Deepchecks suite that the user made, on any model that Deepchecks takes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from ..core.results import Gate
from ..core.settings import Columns, TaskType
from .deepchecks_compat import load
from .deepchecks_runner import DeepchecksRun, gates_of, page_of, unique


def run_suite(
    suite: Any,
    train: pd.DataFrame,
    test: pd.DataFrame,
    model: Any,
    *,
    columns: Columns,
    task_type: TaskType,
) -> DeepchecksRun:
    """Run a suite.

    Args:
        suite: A `deepchecks.tabular.Suite`, a check with conditions, or a list of such checks.
        train: Rows the model was fitted on.
        test: Rows it never saw.
        model: Anything with scikit-learn's `predict`, and `predict_proba` for classes. None: for suites
            that look at rows only.
        columns: Roles of the columns.
        task_type: What is predicted.

    Returns:
        Gates and report.

    Raises:
        ConfigurationError: If it is no suite of Deepchecks for tables.
        DataRejected: If a column with a role is missing.
    """
    tabular = load().tabular
    whole = _as_suite(suite, tabular)
    features = columns.feature_names([str(name) for name in train])
    for name in [*features, columns.target]:
        for frame, which in ((train, "train"), (test, "test")):
            if name not in frame:
                raise DataRejected(
                    f"column {name!r} is missing in the {which} rows; found {list(frame)}",
                    column=name,
                )
    marked = set(columns.categorical)
    numeric = set(train.select_dtypes(["number", "bool", "datetime", "datetimetz"]))
    roles = {
        "label": columns.target,
        "features": features,
        "cat_features": [name for name in features if name in marked or name not in numeric],
        "label_type": task_type,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = [
            tabular.Dataset(frame[[*features, columns.target]], dataset_name=name, **roles)
            for frame, name in ((train, "train"), (test, "holdout"))
        ]
        result = whole.run(*data, model=model)
        gates: list[Gate] = []
        for found in result.results:
            name = type(found.check).__name__ if found.check is not None else "check"
            gates += gates_of(name, found, blocking=True)
        report = page_of([result])
    return DeepchecksRun(unique(gates), report)


def _as_suite(suite: Any, tabular: Any) -> Any:
    if isinstance(suite, tabular.Suite):
        return suite
    checks = list(suite) if isinstance(suite, Sequence) else [suite]
    kinds = (tabular.SingleDatasetCheck, tabular.TrainTestCheck, tabular.ModelComparisonCheck)
    from deepchecks.tabular.base_checks import ModelOnlyCheck

    for check in checks:
        if not isinstance(check, (*kinds, ModelOnlyCheck)):
            raise ConfigurationError(
                f"{check!r} is no check of deepchecks.tabular: expected a Suite, a check or a list of checks"
            )
    return tabular.Suite("Own checks", *checks)
