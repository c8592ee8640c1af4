"""Runs configured Deepchecks checks on train and holdout, as gates and one report.

Checks see conformed rows, exactly what the model sees. A check that raises, or whose condition
raises, is `not_run`: Deepchecks itself counts it as passed unless asked.
"""

from __future__ import annotations

import difflib
import html
import inspect
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..core.errors import ConfigurationError
from ..core.results import Gate, Verdict
from ..core.settings import Columns, DeepcheckSettings
from ..models.evaluation import own_labels
from ..models.predictor import Predictor
from .deepchecks_columns import BY_COLUMN, columns_gate, most_important
from .deepchecks_compat import load
from .deepchecks_defaults import default_checks

_CONDITION = "add_condition_"


@dataclass(frozen=True)
class DeepchecksRun:
    """What Deepchecks found.

    Attributes:
        gates: One a condition, or one `not_run` for a check that did not run.
        report: The full report, one HTML page that needs no network.
    """

    gates: list[Gate]
    report: bytes


def run_checks(
    checks: Sequence[DeepcheckSettings] | None,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    columns: Columns,
    predictor: Predictor,
    importance: Mapping[str, float],
    rows: int,
    seed: int,
    most_columns: int | None = None,
    suites: Iterable[str] = (),
) -> DeepchecksRun:
    """Run checks.

    Args:
        checks: What to run, on the labels that the model decides on. None: a default set for the task type,
            on the most probable classes.
        train: Rows the model was fitted on.
        holdout: Rows it never saw.
        columns: Roles of the columns.
        predictor: The model.
        importance: Input column to its share of the model's importance.
        rows: Rows to sample at most, of each.
        seed: Seed of samples and checks.
        most_columns: Features that the slow ones of the default set look at, the most important
            ones. None: all. Checks that a project names look at all columns anyway.
        suites: Names of whole suites to add to the report; their conditions make no gates.

    Returns:
        Gates and report.

    Raises:
        ConfigurationError: If a check, condition or parameter does not exist or cannot be used.
        DataRejected: If an input column is missing.
    """
    deepchecks = load()
    chosen = list(default_checks(predictor.task_type) if checks is None else checks)
    built = [(settings, _build(settings, seed)) for settings in chosen]
    features = list(predictor.feature_types)
    data = _samples(train, holdout, columns, predictor, rows=rows, seed=seed)
    roles = {
        "label": columns.target,
        "features": features,
        "cat_features": [name for name in features if predictor.feature_types[name] == "category"],
        "index_name": columns.id,
        "datetime_name": columns.timestamp,
        "label_type": predictor.task_type,
    }
    shares = pd.Series(importance, dtype=float)
    usable = set(shares.index) == set(features) and shares.sum() > 0
    given = {
        # The default checks hold accuracy against a majority class's, which costs lower on purpose.
        "model": predictor.model if checks is None else predictor.deciding,
        "feature_importance": shares[features] / shares.sum() if usable else None,
        "model_classes": None if predictor.classes is None else predictor.classes.tolist(),
    }
    tabular = deepchecks.tabular
    checked = features if checks is not None else most_important(features, importance, most_columns)
    slow = BY_COLUMN if len(checked) < len(features) else frozenset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        def datasets(**changed: Any) -> list[Any]:
            return [
                tabular.Dataset(frame, dataset_name=name, **{**roles, **changed})
                for frame, name in zip(data, ("train", "holdout"), strict=True)
            ]

        train_data, holdout_data = datasets()
        gates: list[Gate] = []
        results = []
        owner = {id(check): settings for settings, check in built}
        for title, part in (
            ("Gates", [check for settings, check in built if settings.check not in slow]),
            ("Gates by column", [check for settings, check in built if settings.check in slow]),
        ):
            if not part:
                continue
            if title == "Gates":
                found = tabular.Suite(title, *part).run(train_data, holdout_data, **given)
            else:
                categories = [name for name in roles["cat_features"] if name in set(checked)]
                narrow = datasets(features=checked, cat_features=categories)
                found = tabular.Suite(title, *part).run(*narrow)
            results.append(found)
            for result in found.results:
                settings = owner[id(result.check)]
                blocking = settings.blocking and bool(settings.conditions)
                gates += gates_of(settings.check, result, blocking=blocking)
        if slow:
            gates.append(columns_gate(features, checked))
        for name in suites:
            suite = getattr(tabular.suites, name)(random_state=seed)
            results.append(suite.run(train_data, holdout_data, **given))
        report = page_of(results)
    return DeepchecksRun(unique(gates), report)


def _samples(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    columns: Columns,
    predictor: Predictor,
    *,
    rows: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    held = _prepared(holdout, columns, predictor)
    fitted = _prepared(train, columns, predictor)
    compared = [*predictor.feature_types, columns.target]
    held = held.sample(min(rows, len(held)), random_state=seed).sort_index()
    digests = pd.util.hash_pandas_object(fitted[compared], index=False)
    repeated = digests.isin(pd.util.hash_pandas_object(held[compared], index=False))
    # Rows that the holdout repeats stay in the sample: a leak must not shrink with it.
    kept = set(digests[repeated].drop_duplicates().index)
    kept |= set(fitted.sample(min(rows, len(fitted)), random_state=seed).index)
    fitted = fitted.loc[sorted(kept)]
    held.index += len(train)
    return fitted, held


def _prepared(frame: pd.DataFrame, columns: Columns, predictor: Predictor) -> pd.DataFrame:
    prepared = predictor.prepare(frame).reset_index(drop=True)
    # In the classes' own type, which Deepchecks compares predictions with.
    prepared[columns.target] = own_labels(predictor, frame, columns.target)
    if columns.id is not None:
        prepared[columns.id] = frame[columns.id].to_numpy()
    if columns.timestamp is not None:
        moments = pd.to_datetime(frame[columns.timestamp], utc=True).dt.tz_convert(None)
        prepared[columns.timestamp] = moments.to_numpy()
    return prepared


def _build(settings: DeepcheckSettings, seed: int) -> Any:
    from deepchecks.core.errors import DeepchecksBaseError
    from deepchecks.tabular import SingleDatasetCheck, TrainTestCheck, checks
    from deepchecks.tabular.base_checks import ModelOnlyCheck

    families = (SingleDatasetCheck, TrainTestCheck, ModelOnlyCheck)
    known = {
        name: kind
        for name, kind in vars(checks).items()
        if inspect.isclass(kind) and issubclass(kind, families)
    }
    kind = _pick(settings.check, known, "gates.deepchecks: check")
    accepted = {
        name for base in kind.__mro__ if base is not object for name in _parameters(base.__init__)
    }
    for name in settings.parameters:
        _pick(name, dict.fromkeys(accepted), f"{settings.check}: parameter")
    seeded = {"random_state": seed} if "random_state" in accepted else {}
    conditions = {
        name.removeprefix(_CONDITION): getattr(kind, name)
        for name in dir(kind)
        if name.startswith(_CONDITION)
    }
    try:
        check = kind(**{**seeded, **settings.parameters})
        for name, arguments in settings.conditions.items():
            method = _pick(name, conditions, f"{settings.check}: condition")
            for argument in arguments:
                _pick(argument, dict.fromkeys(_parameters(method)), f"{name}: argument")
            method(check, **arguments)
    except (DeepchecksBaseError, TypeError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"gates.deepchecks: {settings.check}: {error}") from error
    return check


def _parameters(function: Any) -> list[str]:
    open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(function).parameters.values()
    return [p.name for p in found if p.kind not in open_ended and p.name != "self"]


def _pick(name: str, known: Mapping[str, Any], what: str) -> Any:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}" if near else f"known: {sorted(known)}"
    raise ConfigurationError(f"{what} {name!r} does not exist: {hint}?")


def gates_of(name: str, result: Any, *, blocking: bool) -> list[Gate]:
    """Return one gate a condition of a check, or one `not_run` for a check that did not run.

    Args:
        name: Name of the check.
        result: What Deepchecks gave for it.
        blocking: Whether its conditions are more than advice.
    """
    # Deepchecks marks which dataset a single-dataset check ran on in the header only.
    header = result.header or ""
    where = {"Train Dataset": " (train)", "Test Dataset": " (holdout)"}
    name += where.get(header.rpartition(" - ")[2], "")
    failure = getattr(result, "exception", None)
    if failure is not None:
        reason = f"the check did not run: {type(failure).__name__}: {failure}"
        return [Gate(name=name, verdict="not_run", reason=reason, blocking=blocking)]
    verdicts: dict[str, Verdict] = {"PASS": "passed", "ERROR": "not_run"}
    return [
        Gate(
            name=f"{name}: {condition.name}",
            verdict=verdicts.get(condition.category.name, "failed"),
            reason=condition.details or condition.name,
            blocking=blocking,
        )
        for condition in result.conditions_results
    ]


def unique(gates: list[Gate]) -> list[Gate]:
    """Return gates with a number behind names that are there before."""
    seen: Counter[str] = Counter()
    named = []
    for gate in gates:
        seen[gate.name] += 1
        times = seen[gate.name]
        named.append(
            gate if times == 1 else gate.model_copy(update={"name": f"{gate.name} #{times}"})
        )
    return named


def page_of(results: Sequence[Any]) -> bytes:
    """Return results of suites as one HTML page that needs no network."""
    from deepchecks.core.resources import requirejs_script
    from deepchecks.core.serialization.common import plotlyjs_script

    parts = [
        result.html_serializer.serialize(
            output_id=f"part{number}", include_plotlyjs=False, include_requirejs=False
        )
        for number, result in enumerate(results)
    ]
    title = html.escape(", ".join(result.name for result in results))
    # The scripts once, in the page itself: it opens without a network.
    head = requirejs_script(connected=False) + plotlyjs_script(connected=False)
    page = (
        f'<!doctype html><html><head><meta charset="utf-8"/><title>{title}</title></head>'
        f'<body style="background-color: white; padding: 1rem">{head}{"".join(parts)}</body></html>'
    )
    return page.encode()
