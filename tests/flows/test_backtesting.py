"""A backtest tells what the flows would have done, and costs only what is new."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect_mlops.backtest.policies import Policy
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.results.backtest import Backtest
from prefect_mlops.core.settings import GovernorPolicy, MonitoringSettings, PerformanceThresholds
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.flows.__main__ import app
from prefect_mlops.flows.backtesting import backtest
from prefect_mlops.runs.decisions import ended_retrainings
from typer.testing import CliRunner

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.timeout(900)]

HISTORY, WINDOW, ROWS = 800, 400, 2_800
EAGER = GovernorPolicy(cooldown_seconds=0.0, budget=None)
MONITORING = MonitoringSettings(window_rows=WINDOW, governor=EAGER)


def switching() -> pd.DataFrame:
    """Calls whose labels turn round after 1,400 rows."""
    frame = make_calls(ROWS, seed=3)
    turned = frame["y"].map({"yes": "no", "no": "yes"})
    return frame.assign(y=np.where(np.arange(ROWS) < 1_400, frame["y"], turned))


@pytest.fixture
def project(make_flow_project, dataset):
    dataset("rows", switching())
    return make_flow_project(monitoring=MONITORING)


@pytest.mark.slow
def test_the_governor_decides_in_a_backtest_as_the_flows_do(project, dataset, tmp_path):
    frame = switching()
    result = backtest(project, policies=["governor"], history_rows=HISTORY)
    replayed = result.replays[0].windows
    dataset("rows", frame[:HISTORY])
    live = project.model_copy(update={"workspace": str(tmp_path / "live")})
    assert train(live).outcome == "promoted"
    seen = []
    for begin in range(HISTORY, ROWS, WINDOW):
        rows = frame[begin : begin + WINDOW]
        score(live, dataset("window", rows))
        label(live, dataset("window", rows))
        dataset("rows", frame[: begin + WINDOW])
        first, last = rows["called_at"].iloc[0], rows["called_at"].iloc[-1]
        outcome = monitor(
            live, first.to_pydatetime(), (last + pd.Timedelta(microseconds=1)).to_pydatetime()
        )
        decision = outcome.decision
        ending = "none"
        if decision.cause is not None:
            train(live, decision.cause)
            ending = ended_retrainings(live.stores)[decision.id]["outcome"]
        value = outcome.performance.value
        seen.append((decision.action, decision.held_by, ending, pytest.approx(value, rel=1e-6)))
    assert [(w.action, w.held_by, w.ending, w.value) for w in replayed] == seen
    assert "retrain" in {window.action for window in replayed}
    assert "promoted" in {window.ending for window in replayed}


def test_policies_are_compared_and_the_cheapest_is_recommended(project, tmp_path):
    wanted = ["never", "always", "performance", "drift", "governor"]
    result = backtest(
        project, policies=wanted, history_rows=HISTORY, error_cost=1.0, retraining_cost=10.0
    )
    by_name = {replay.name: replay for replay in result.replays}
    assert (by_name["never"].retrainings, by_name["every window"].retrainings) == (0, 5)
    assert by_name["every window"].value < by_name["never"].value
    assert by_name["governor"].value < by_name["never"].value
    cheapest = min(result.costs, key=lambda cost: cost.total)
    assert result.recommended == cheapest.name
    assert f"{cheapest.name} costs least" in result.recommendation
    summary = Backtest.model_validate_json(Path(result.summary_uri).read_text())
    assert summary == result
    assert Path(result.plot_uri).read_bytes().startswith(b"\x89PNG")
    # Nothing was registered, promoted, decided or logged.
    assert not (tmp_path / "predictions.db").exists()
    assert project.registry.get_client().search_registered_models() == []


def test_a_second_policy_costs_only_what_is_new(project):
    backtest(project, policies=["always"], history_rows=HISTORY)
    kept = set(Path(project.workspace).rglob("candidate.json"))
    assert len(kept) == 6
    edited = MONITORING.model_copy(
        update={"performance": PerformanceThresholds(tolerance=0.5, minimum_labels=100)}
    )
    patient = Policy(name="patient", kind="governor", monitoring=edited)
    started = time.perf_counter()
    result = backtest(project, policies=["never", patient], history_rows=HISTORY)
    assert set(Path(project.workspace).rglob("candidate.json")) == kept
    assert [replay.name for replay in result.replays] == ["never", "patient"]
    assert time.perf_counter() - started < 60


def test_labels_that_take_long_are_not_known_before(project):
    delay = WINDOW / 24 / 60
    prompt = backtest(project, policies=["governor"], history_rows=HISTORY).replays[0]
    late = backtest(
        project, policies=["governor"], history_rows=HISTORY, label_delay_days=delay
    ).replays[0]
    first = next(w.first_row for w in prompt.windows if w.worse)
    assert next(w.first_row for w in late.windows if w.worse) > first
    assert late.windows[0].performance == "not_run"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"policies": ["sometimes"]}, ConfigurationError, "unknown policy 'sometimes'"),
        ({"error_cost": 1.0}, ConfigurationError, "give both"),
        ({"history_rows": 2_700}, DataRejected, "too few to replay"),
        (
            {"policies": [Policy(name="p", kind="governor", monitoring=MonitoringSettings())]},
            ConfigurationError,
            "all policies of a backtest see the same windows",
        ),
    ],
)
def test_what_cannot_be_replayed_is_said(project, arguments, error, said):
    with pytest.raises(error, match=said):
        backtest(project, **{"policies": ["never"], "history_rows": HISTORY, **arguments})


def test_rows_without_an_order_cannot_be_replayed(make_flow_project, dataset):
    rows = dataset("rows", switching())
    columns = {"target": "y", "id": "call_id", "ignored": ["called_at"]}
    project = make_flow_project(
        dataset=rows.model_copy(update={"columns": rows.columns.model_validate(columns)})
    )
    with pytest.raises(ConfigurationError, match="needs rows in time order"):
        backtest(project, policies=["never"])


def test_the_command_refuses_a_policy_before_a_run_is_begun(monkeypatch):
    monkeypatch.setattr("prefect_mlops.flows.__main__.backtest", None)
    found = CliRunner().invoke(app, ["backtest", "nobody", "--policy", "sometimes"])
    assert isinstance(found.exception, ConfigurationError)
    assert "unknown policy 'sometimes'" in str(found.exception)


def test_the_command_prints_a_table_that_fits_and_the_recommendation(project, tmp_path):
    project.save("calls", overwrite=True)
    policy = tmp_path / "patient.json"
    policy.write_text(
        Policy(name="patient", kind="governor", monitoring=MONITORING).model_dump_json()
    )
    wanted = ["--policy", "never", "--policy", str(policy)]
    costs = ["--error-cost", "1", "--retraining-cost", "20"]
    done = CliRunner().invoke(
        app, ["backtest", "calls", "--history-rows", str(HISTORY), *wanted, *costs]
    )
    assert done.exit_code == 0, done.output
    for said in ("never", "patient", "retrained", "costs least", "plot.png", "summary.json"):
        assert said in done.output
    assert "…" not in done.output
