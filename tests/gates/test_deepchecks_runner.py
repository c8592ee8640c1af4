"""Configured checks become gates and one offline report."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import Columns, DeepcheckSettings
from prefect_mlops.data.schema import conform, infer_feature_types
from prefect_mlops.gates.deepchecks_defaults import default_checks
from prefect_mlops.gates.deepchecks_runner import run_checks
from prefect_mlops.models.decision import Decision
from prefect_mlops.models.predictor import Predictor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

COLUMNS = Columns(target="y", id="row", timestamp="at")
MIX = DeepcheckSettings(
    check="TrainTestSamplesMix", conditions={"duplicates_ratio_less_or_equal": {"max_ratio": 0.5}}
)


def make_rows(task: str = "binary", rows: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=rows),
            "c": rng.choice(["x", "y", None], rows),
            "on": rng.random(rows) < 0.5,
            "empty": np.full(rows, np.nan),
            "row": range(seed * rows, (seed + 1) * rows),
            "at": pd.date_range("2026-01-01", periods=rows, freq="h", tz="UTC"),
        }
    )
    signal = frame["a"] + frame["on"] + rng.normal(0, 0.3, rows)
    frame["y"] = {
        "binary": signal > 0.5,
        "multiclass": np.digitize(signal, [0.0, 1.0]),
        "regression": signal,
    }[task]
    return frame


def fit(frame: pd.DataFrame, task: str = "binary") -> Predictor:
    feature_types = infer_feature_types(frame, COLUMNS.feature_names(list(frame)))
    rows, _ = conform(frame, feature_types)
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, ["c"]), remainder="passthrough"), kind(max_iter=10)
    )
    return Predictor(model.fit(rows, frame["y"]), task, feature_types)


def run(checks, train=None, holdout=None, predictor=None, task="binary", **options):
    train = make_rows(task) if train is None else train
    holdout = make_rows(task, seed=1) if holdout is None else holdout
    given = {"importance": {}, "rows": 1_000, "seed": 0, **options}
    return run_checks(
        checks,
        train=train,
        holdout=holdout,
        columns=COLUMNS,
        predictor=predictor or fit(train, task),
        **given,
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_default_set_runs_on_messy_rows_and_a_good_model_passes(task):
    found = run(None, task=task)
    assert [gate for gate in found.gates if gate.verdict == "not_run"] == []
    assert [gate.name for gate in found.gates if gate.blocks] == []
    assert len({gate.name for gate in found.gates}) == len(found.gates)
    blocking = {gate.name.partition(":")[0] for gate in found.gates if gate.blocking}
    assert blocking == {"TrainTestSamplesMix", "SimpleModelComparison"}
    named = {settings.check for settings in default_checks(task)}
    assert {re.split(r"[ :]", gate.name)[0] for gate in found.gates} == named


def test_a_model_that_is_no_better_than_guessing_is_blocked():
    train = make_rows()
    shuffled = train.assign(y=~train["y"])
    found = run(None, train=train, predictor=fit(shuffled))
    blocking = [gate.name for gate in found.gates if gate.blocks]
    assert len(blocking) == 1
    assert blocking[0].startswith("SimpleModelComparison")


def test_named_checks_see_the_labels_that_costs_lead_to_and_the_default_ones_do_not():
    train = make_rows()
    plain = fit(train)
    # Nearly every row is accepted: right for these costs, and worse than guessing in accuracy.
    decision = Decision(("False", "True"), ((0.0, 1.0), (500.0, 0.0)), 1 / 501)
    decided = Predictor(plain.model, "binary", plain.feature_types, decision)
    compared = DeepcheckSettings(
        check="SimpleModelComparison",
        parameters={"strategy": "stratified", "scorers": {"accuracy": "accuracy"}},
        conditions={"gain_greater_than": {"min_allowed_gain": 0.5}},
    )
    verdicts = [run([compared], predictor=one).gates[0].verdict for one in (plain, decided)]
    assert verdicts == ["passed", "failed"]
    assert not [gate.name for gate in run(None, predictor=decided).gates if gate.blocks]


def test_a_leak_is_seen_although_only_a_sample_is_looked_at():
    train = make_rows(rows=2_000)
    leaked = train.sample(300, random_state=1)
    (gate,) = run([MIX], train=train, holdout=leaked, rows=100).gates
    assert gate.verdict == "failed"
    assert "100%" in gate.reason


def test_a_check_that_cannot_run_is_not_run_and_blocks():
    settings = DeepcheckSettings(check="RocReport", conditions={"auc_greater_than": {}})
    gates = run([settings], task="regression").gates
    assert [(gate.name, gate.verdict, gate.blocks) for gate in gates] == [
        ("RocReport (train)", "not_run", True),
        ("RocReport (holdout)", "not_run", True),
    ]
    assert "irrelevant for regression" in gates[0].reason


def test_a_condition_that_raises_is_not_run():
    settings = DeepcheckSettings(
        check="FeatureDrift",
        conditions={"drift_score_less_than": {"max_allowed_numeric_score": "a"}},
    )
    (gate,) = run([settings]).gates
    assert gate.verdict == "not_run"
    assert gate.blocks
    assert "Exception in condition" in gate.reason


def test_a_warning_is_not_a_pass():
    settings = DeepcheckSettings(
        check="ModelInferenceTime", conditions={"inference_time_less_than": {"value": 1e-12}}
    )
    assert {gate.verdict for gate in run([settings]).gates} == {"failed"}


def test_a_check_without_conditions_never_blocks():
    found = run([DeepcheckSettings(check="CalibrationScore")], task="regression")
    assert {gate.verdict for gate in found.gates} == {"not_run"}
    assert not any(gate.blocks for gate in found.gates)
    assert run([DeepcheckSettings(check="CalibrationScore")]).gates == []


def test_the_same_check_twice_gives_gates_with_names_of_their_own():
    names = [gate.name for gate in run([MIX, MIX]).gates]
    assert len(set(names)) == 2


def test_a_class_the_model_does_not_know_is_counted_not_fatal():
    train = make_rows("multiclass")
    holdout = make_rows("multiclass", seed=1)
    holdout.loc[:5, "y"] = 9
    settings = DeepcheckSettings(
        check="NewLabelTrainTest", conditions={"new_labels_number_less_or_equal": {}}
    )
    (gate,) = run([settings], train=train, holdout=holdout, task="multiclass").gates
    assert gate.verdict == "failed"
    assert gate.reason.endswith("[9]")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"check": "TrainTestSampleMix"}, "check 'TrainTestSampleMix'.*TrainTestSamplesMix"),
        ({"check": "Suite"}, "check 'Suite' does not exist"),
        ({"check": "MultiModelPerformanceReport"}, "does not exist"),
        (
            {"check": "RocReport", "conditions": {"auc_greater": {}}},
            "condition 'auc_greater'.*auc_greater_than",
        ),
        (
            {"check": "RocReport", "conditions": {"auc_greater_than": {"minimum_auc": 1}}},
            "argument 'minimum_auc'.*min_auc",
        ),
        ({"check": "RocReport", "parameters": {"samples": 1}}, "parameter 'samples'.*n_samples"),
        ({"check": "SimpleModelComparison", "parameters": {"strategy": "best"}}, "strategy best"),
    ],
)
def test_what_does_not_exist_is_named_with_what_comes_near(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        run([DeepcheckSettings(**settings)])


def test_the_report_needs_no_network_and_suites_make_no_gates():
    found = run([MIX], suites=["train_test_validation"])
    page = found.report.decode()
    assert [gate.name.partition(":")[0] for gate in found.gates] == ["TrainTestSamplesMix"]
    assert "Train Test Validation Suite" in page
    assert "Feature Drift" in page
    assert not re.findall(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//", page
    )
    assert page.count("plotly.js v") == 1
    assert len(page) < 8_000_000


def test_the_same_seed_gives_the_same_gates():
    train, holdout = make_rows(), make_rows(seed=1)
    predictor = fit(train)
    first, again = (run(None, train, holdout, predictor, rows=100) for _ in range(2))
    assert first.gates == again.gates


def make_wide_rows(columns: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = make_rows(seed=seed)
    return frame.assign(**{f"n{i}": rng.normal(size=len(frame)) for i in range(columns)})


def test_of_many_columns_the_slow_default_checks_see_the_most_important_and_say_so():
    train, holdout = make_wide_rows(), make_wide_rows(seed=1)
    # Moved, but not important: nobody asks after it.
    holdout = holdout.assign(n0=holdout["n0"] + 9, a=holdout["a"] + 9)
    importance = {name: 0.0 for name in fit(train).feature_types} | {"a": 0.6, "on": 0.4}
    options = {"importance": importance, "most_columns": 5}
    gates = {gate.name: gate for gate in run(None, train, holdout, **options).gates}
    drift = next(gate for name, gate in gates.items() if name.startswith("FeatureDrift"))
    assert "out of 5 columns" in drift.reason
    assert "'a'" in drift.reason
    assert "44 features, the 5 most important" in gates["deepchecks columns"].reason
    assert [name for name, gate in gates.items() if gate.verdict == "not_run"] == [
        "deepchecks columns"
    ]
    everything = {gate.name for gate in run(None, train, holdout, importance=importance).gates}
    assert everything == gates.keys() - {"deepchecks columns"}


def test_a_check_that_is_named_sees_every_column():
    train, holdout = make_wide_rows(), make_wide_rows(seed=1)
    holdout = holdout.assign(n0=holdout["n0"] + 9)
    drift = DeepcheckSettings(check="FeatureDrift", conditions={"drift_score_less_than": {}})
    (gate,) = run([drift], train, holdout, importance={"a": 1.0}, most_columns=1).gates
    assert "'n0'" in gate.reason
    assert run([], train, holdout, most_columns=1).gates == []
