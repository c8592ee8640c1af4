"""Of two trainings that come to their promotion at the same moment one wins, and the other compares again."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect_mlops.blocks import MLProject
from prefect_mlops.core import tags
from prefect_mlops.core.settings import TrainingSettings
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version
from support.candidates import with_mlflow
from support.racing import Racers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
]
# Each is two whole trainings at once.
RACES = int(os.environ.get("RACES", "6"))
ROWS = 2_400
QUICK: dict[str, Any] = {
    "estimators": ["linear"],
    "trials": 1,
    "folds": 2,
    "promise_periods": 0,
    "refit": "train",
}


@pytest.fixture(scope="module")
def racers(prefect_api, tmp_path_factory):
    racers = Racers(tmp_path_factory.mktemp("racers"))
    yield racers
    racers.close()


def rows() -> pd.DataFrame:
    """Rows whose label a line explains in part, and trees better."""
    frame = make_calls(ROWS)
    rng = np.random.default_rng(7)
    frame["weak"] = rng.normal(0, 1, ROWS)
    odds = 1.8 * frame["strong"] + 3 * (frame["weak"] ** 2 - 1)
    frame["y"] = np.where(rng.random(ROWS) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return frame


def projects(make_project) -> tuple[MLProject, MLProject]:
    """One project twice: with a linear model, and with the better one of trees."""
    linear = with_mlflow(
        make_project(rows(), training=QUICK, gates={"deepchecks": [], "resamples": 300})
    )
    trees = TrainingSettings(**{**QUICK, "estimators": ["hist_gradient_boosting"]})
    return linear, linear.model_copy(update={"training": trees})


@pytest.mark.parametrize("race", range(RACES))
def test_one_champion_a_whole_log_and_the_loser_compares_again(racers, make_project, race):
    poor, good = projects(make_project)
    first, second = racers.race(poor, good)
    assert first.outcome, first.log
    assert second.outcome, second.log

    log = list(reversed(promotion_log(good.stores)))
    champion = find_version(good.registry, tags.CHAMPION)
    assert champion
    assert champion.version == log[-1]["version"]
    assert [entry["sequence"] for entry in log] == list(range(1, len(log) + 1))
    assert [entry["previous"] for entry in log] == [None, *(e["version"] for e in log[:-1])]

    # Whoever comes first, the better one is what serves in the end.
    assert second.outcome.outcome == "promoted"
    assert second.outcome.version
    assert champion.version == second.outcome.version.version
    loser = first if log[0]["version"] == champion.version else second
    assert "another promotion came first. Compare again" in loser.log
    assert loser.outcome.champion_version == log[0]["version"]
    if loser is first:
        assert len(log) == 1
        assert loser.outcome.outcome == "challenger"
        assert "superiority" in loser.outcome.reasons[0]
    else:
        assert len(log) == 2
        assert first.outcome.outcome == "promoted"
    versions = good.registry.get_client().search_model_versions("name='calls'")
    assert sorted(str(found.version) for found in versions) == ["1", "2"]
