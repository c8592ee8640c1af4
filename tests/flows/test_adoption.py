"""An adopted model lives in the whole loop: scored, labelled, monitored, succeeded, rolled back to."""

from __future__ import annotations

import pytest
from conftest import make_calls
from prefect_mlops.core import tags
from prefect_mlops.flows import adopt, label, monitor, score, train
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.tasks import roll_back
from support.foreign import register, typed

pytestmark = pytest.mark.usefixtures("prefect_api")

HISTORY = make_calls(1_000, start="2026-01-01")
NEWER = make_calls(600, seed=3, shift=1.5, start="2026-03-01")


def test_the_loop_goes_on_with_a_model_that_was_trained_elsewhere(make_flow_project, dataset):
    project = make_flow_project()
    project.dataset = dataset("rows", HISTORY)
    uri = register(project, "lightgbm", HISTORY.head(500))
    sample = dataset("sample", typed(HISTORY.iloc[500:800]))
    cutoff = HISTORY["called_at"].iloc[499].to_pydatetime()
    version = adopt(project, uri, sample, cutoff=cutoff)
    assert get_champion(project.registry).version == version.version

    scored = score(project, dataset("new", NEWER.drop(columns="y")))
    assert (scored.logged, scored.version) == (600, version.version)
    assert label(project, dataset("outcomes", NEWER)).attached == 600
    first, last = NEWER["called_at"].iloc[[0, -1]]
    outcome = monitor(project, start=first.to_pydatetime(), end=last.to_pydatetime())
    assert outcome.drift.verdict == "failed"
    assert outcome.drift.report_uri is not None
    assert outcome.performance.verdict != "not_run"
    assert outcome.performance.promised is not None

    trained = train(project)
    compared = {gate.name: gate for gate in trained.gates}
    assert compared["superiority"].verdict in ("passed", "failed")
    assert trained.champion_version == version.version
    if get_champion(project.registry).version != version.version:
        back = roll_back.fn(reason="a test", stores=project.stores)
        assert back.version == version.version
    assert get_champion(project.registry).tags[tags.ADOPTION_URI].startswith("runs:/")
