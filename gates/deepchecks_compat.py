"""Imports Deepchecks offline, patched for current NumPy and scikit-learn.

Deepchecks 0.19.1 is its latest release. On NumPy 2 it does not import; where it does import, checks
of regression and of text classes end as failures to run, quietly. `load` mends:

| gone or changed | since | mended by |
| --- | --- | --- |
| `pkg_resources` | setuptools 82 | a stand-in while importing |
| `np.Inf`, `np.NaN`, `np.NINF` | NumPy 2.0 | Deepchecks' own `np` |
| `interpolation=` of quantiles | NumPy 2.4 | Deepchecks' own `np` |
| scorer `max_error` | scikit-learn 1.8 | `get_scorer` as Deepchecks sees it |
| `needs_proba=`, `squared=` | scikit-learn 1.6 | `make_scorer`, `mean_squared_error` likewise |
| default `pos_label` with text classes | scikit-learn 1.4 | `make_scorer` likewise |
| models without estimator tags | scikit-learn 1.8 | tags on the wrappers that scorers are given |
| `ClassImbalance` on a label named `y` | pandas 2.0 | its plot's axis gets a name of its own |

`numpy` and `sklearn.metrics` are patched while Deepchecks is being imported and restored afterwards:
no other library sees a difference.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import sklearn.metrics as skm
from packaging.version import parse
from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

from ..core.errors import ConfigurationError
from ..core.library_switches import DEEPCHECKS_TELEMETRY_OFF

_MODULES = ("deepchecks", "deepchecks.tabular.checks", "deepchecks.tabular.suites")
# Deepchecks imports these; imported before, they do not catch the patches.
_BYSTANDERS = ("category_encoders", "statsmodels.api", "sklearn.inspection")
_LOCK = threading.Lock()

_get_scorer, _make_scorer, _mean_squared_error = (
    skm.get_scorer,
    skm.make_scorer,
    skm.mean_squared_error,
)


def load() -> types.ModuleType:
    """Import Deepchecks, once per process.

    Returns:
        The `deepchecks` package, with `deepchecks.tabular.checks` and `.suites` imported.

    Raises:
        ConfigurationError: If something imported Deepchecks before, past the mending.

    Example:
        >>> deepchecks = load()  # doctest: +SKIP
        >>> deepchecks.tabular.suites.data_integrity()  # doctest: +SKIP
    """
    with _LOCK:
        return _load()


@functools.cache
def _load() -> types.ModuleType:
    if "deepchecks" in sys.modules:
        raise ConfigurationError(
            "deepchecks was imported directly and would misread results: import it with "
            "prefect_mlops.gates.deepchecks_compat.load() only"
        )
    # It calls its makers at import, unless told not to.
    os.environ.update(DEEPCHECKS_TELEMETRY_OFF)
    for name in _BYSTANDERS:
        importlib.import_module(name)
    with _patched():
        for name in _MODULES:
            importlib.import_module(name)
    own_numpy = _Numpy("numpy")
    for name, module in list(sys.modules.items()):
        if name.startswith("deepchecks.") and vars(module).get("np") is np:
            module.np = own_numpy  # pyright: ignore[reportAttributeAccessIssue]
    _mend_scorers()
    _mend_class_imbalance()
    deepchecks = sys.modules["deepchecks"]
    # Progress bars and hints would fill the logs of a server.
    deepchecks.set_verbosity(logging.ERROR)
    return deepchecks


def _renamed(function: Callable[..., Any]) -> Callable[..., Any]:
    def quantile(
        values: Any, q: Any, *args: Any, interpolation: str | None = None, **options: Any
    ) -> Any:
        method = {"method": interpolation} if interpolation else {}
        return function(values, q, *args, **method, **options)

    return quantile


_NUMPY = {
    "Inf": np.inf,
    "NaN": np.nan,
    "NINF": -np.inf,
    "quantile": _renamed(np.quantile),
    "percentile": _renamed(np.percentile),
}


class _Numpy(types.ModuleType):
    """NumPy as Deepchecks' modules see it."""

    def __getattr__(self, name: str) -> Any:
        return _NUMPY[name] if name in _NUMPY else getattr(np, name)


def get_scorer(name: Any) -> Any:
    """Stand in for scikit-learn's function of that name."""
    return _get_scorer("neg_max_error" if name == "max_error" else name)


def make_scorer(function: Any, *, needs_proba: bool = False, **options: Any) -> Any:
    """Stand in for scikit-learn's function of that name."""
    if needs_proba:
        options["response_method"] = "predict_proba"
    if "average" in options:
        # scikit-learn demands that the default, 1, be one of the classes.
        options.setdefault("pos_label", None)
    return _make_scorer(function, **options)


def mean_squared_error(truth: Any, predicted: Any, *, squared: bool = True, **options: Any) -> Any:
    """Stand in for scikit-learn's function of that name."""
    function = _mean_squared_error if squared else skm.root_mean_squared_error
    return function(truth, predicted, **options)


@contextmanager
def _patched() -> Iterator[None]:
    stand_in = types.ModuleType("pkg_resources")
    stand_in.__dict__.update(parse_version=parse, working_set=())
    added_module = sys.modules.setdefault("pkg_resources", stand_in) is stand_in
    patches = {f.__name__: f for f in (get_scorer, make_scorer, mean_squared_error)}
    saved = {name: getattr(skm, name) for name in patches}
    added = {name: value for name, value in _NUMPY.items() if name not in vars(np)}
    skm.__dict__.update(patches)
    np.__dict__.update(added)
    try:
        yield
    finally:
        skm.__dict__.update(saved)
        for name in added:
            delattr(np, name)
        if added_module:
            del sys.modules["pkg_resources"]


def _tags(estimator: Any) -> Tags:
    classifies = getattr(estimator, "_estimator_type", None) == "classifier"
    return Tags(
        estimator_type="classifier" if classifies else "regressor",
        target_tags=TargetTags(required=True),
        classifier_tags=ClassifierTags() if classifies else None,
        regressor_tags=None if classifies else RegressorTags(),
    )


def _tagged(model: Any) -> Any:
    if not hasattr(model, "__sklearn_tags__"):
        type(model).__sklearn_tags__ = _tags
    return model


def _mend_scorers() -> None:
    context = importlib.import_module("deepchecks.tabular.context")
    scorers = importlib.import_module("deepchecks.tabular.metric_utils.scorers")
    # scikit-learn reads the names of a model's methods.
    context._DummyModel._predict.__name__ = "predict"
    context._DummyModel._predict_proba.__name__ = "predict_proba"
    scorer = scorers.DeepcheckScorer
    run, wrap = scorer._run_score, scorer._wrap_classification_model
    scorer._run_score = lambda self, model, *rest: run(self, _tagged(model), *rest)
    scorer._wrap_classification_model = lambda self, *rest: _tagged(wrap(self, *rest))


def _mend_class_imbalance() -> None:
    module = importlib.import_module("deepchecks.tabular.checks.data_integrity.class_imbalance")
    express = module.px

    class Express(types.ModuleType):
        def bar(self, shares: Any, *, x: Any, **options: Any) -> Any:
            # Named `y`, `text` or `proportion`, the axis would collide with the plot's own columns.
            return express.bar(shares.rename_axis("class"), x=x.rename("class"), **options)

    module.px = Express(express.__name__)  # pyright: ignore[reportAttributeAccessIssue]
