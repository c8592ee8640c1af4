"""Scores of a card are those of the run: rows count what they weigh, and groups are drawn together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns, GateSettings
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.evidence.model_scores import row_scores, slice_scores
from prefect_mlops.models.decision import Decision
from prefect_mlops.models.evaluation import aligned_labels, losses_of, metrics_of
from prefect_mlops.models.predictor import Predictor
from sklearn.linear_model import LogisticRegression

SETTINGS = GateSettings(resamples=200, minimum_slice_rows=50)
ROWS = 2_000


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    # A customer's rows are alike, so that they are fewer than they look.
    x = rng.normal(size=ROWS // 20)
    y = np.where(rng.random(ROWS // 20) < 1 / (1 + np.exp(-x)), "yes", "no")
    x, y = x.repeat(20), y.repeat(20)
    return pd.DataFrame(
        {
            "x": x,
            "y": y,
            # Every tenth "no" was kept.
            "w": np.where(y == "no", 10, 1),
            "customer": np.arange(ROWS) // 20,
            "few": np.arange(ROWS) % 7,
            "part": np.where(np.arange(ROWS) % 3 == 0, 1, 2),
            "none": np.where(np.arange(ROWS) % 3 == 0, 0.0, 1.0),
        }
    )


def roles(**given: str) -> Columns:
    others = {"w", "customer", "few", "none"} - set(given.values())
    return Columns(target="y", ignored=sorted(others), slices=["part"], **given)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return frame()


@pytest.fixture(scope="module")
def predictor(rows: pd.DataFrame) -> Predictor:
    known = training_rows(rows, roles(), "binary")
    model = LogisticRegression().fit(known.rows, known.target, sample_weight=rows["w"])
    return Predictor(model, "binary", known.feature_types)


DECISION = Decision(("no", "yes"), ((0.0, 1.0), (9.0, 0.0)), threshold=0.02)


@pytest.mark.parametrize("decision", [None, DECISION])
def test_the_metrics_are_those_that_the_run_has(predictor, rows, decision):
    model = Predictor(predictor.model, "binary", predictor.feature_types, decision=decision)
    truth, classes = aligned_labels(model, rows, "y")
    weights = rows["w"].to_numpy(dtype=float)
    run = metrics_of(model, truth, model.predict(rows), classes, weights)
    found = row_scores(model, rows, roles(weight="w"), of="holdout", settings=SETTINGS).metrics
    got = {part.name: part.value for part in found}
    assert got == pytest.approx({name: run[name] for name in got})
    assert set(run) - set(got) <= {"cost", "cost_of_most_probable"}
    for part in found:
        assert part.low is not None
        assert part.high is not None
        assert part.low <= part.value <= part.high


def test_slices_count_what_their_rows_weigh(predictor, rows):
    columns = roles(weight="w")
    found = slice_scores(predictor, rows, columns, metric="log_loss", settings=SETTINGS)
    losses = losses_of("log_loss", predictor, rows, "y")
    for part in found:
        mask = (rows["part"] == int(part.of[-1])).to_numpy()
        expected = np.average(losses[mask], weights=rows["w"][mask])
        assert part.metrics[0].value == pytest.approx(expected)
        assert part.metrics[0].low < expected < part.metrics[0].high
    assert [part.of for part in found] == ["part = 1", "part = 2"]


def test_a_slice_of_rows_that_weigh_nothing_is_left_out(predictor, rows):
    columns = roles(weight="none")
    found = slice_scores(predictor, rows, columns, metric="log_loss", settings=SETTINGS)
    assert [part.of for part in found] == ["part = 2"]


def widths(parts) -> dict[str, float]:
    return {part.name: part.high - part.low for part in parts}


def test_rows_of_one_group_are_drawn_together(predictor, rows):
    alone = row_scores(predictor, rows, roles(), of="holdout", settings=SETTINGS).metrics
    together = row_scores(
        predictor, rows, roles(group="customer"), of="holdout", settings=SETTINGS
    ).metrics
    assert [part.value for part in together] == pytest.approx([part.value for part in alone])
    assert widths(together)["log_loss"] > 1.5 * widths(alone)["log_loss"]
    sliced = [
        slice_scores(predictor, rows, columns, metric="log_loss", settings=SETTINGS)[0].metrics
        for columns in (roles(), roles(group="customer"))
    ]
    assert widths(sliced[1])["log_loss"] > 1.5 * widths(sliced[0])["log_loss"]


def test_of_few_groups_nobody_can_tell_the_spread(predictor, rows):
    columns = roles(group="few")
    found = row_scores(predictor, rows, columns, of="holdout", settings=SETTINGS).metrics
    found += slice_scores(predictor, rows, columns, metric="log_loss", settings=SETTINGS)[0].metrics
    assert {(part.low, part.high) for part in found} == {(None, None)}


def test_rows_without_their_weight_are_refused(predictor, rows):
    with pytest.raises(DataRejected, match="'w'"):
        row_scores(
            predictor, rows.drop(columns="w"), roles(weight="w"), of="holdout", settings=SETTINGS
        )
