"""Curves are drawn for every task type, from awkward predictions too."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from prefect_mlops.models.curves import draw_curves

PIL_Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)
CLASSES = {"binary": ["no", "yes"], "multiclass": ["a", "b", "c"]}


def rows(task: str, count: int = 120):
    if task == "regression":
        truth = RNG.normal(size=count)
        return truth, truth + RNG.normal(size=count), None
    names = CLASSES[task]
    return RNG.choice(names, count), RNG.dirichlet(np.ones(len(names)), count), names


def image(content: bytes):
    with PIL_Image.open(io.BytesIO(content)) as found:
        found.load()
        return found.format, found.width / found.height, np.asarray(found.convert("L"))


@pytest.mark.parametrize(("task", "panels"), [("binary", 3), ("multiclass", 2), ("regression", 2)])
def test_each_task_type_has_its_panels(task, panels):
    kind, shape, pixels = image(draw_curves(task, *rows(task)))
    assert kind == "PNG"
    assert shape == pytest.approx(panels * 4 / 3.6, rel=0.05)
    # Every panel has something drawn in it, not only its frame and labels.
    for panel in np.array_split(pixels, panels, axis=1):
        middle = panel[panel.shape[0] // 4 : -panel.shape[0] // 4, panel.shape[1] // 4 :]
        assert len(np.unique(middle)) > 2


def test_the_picture_says_what_the_predictions_say():
    truth = np.array(["no", "yes"] * 60)
    right = np.where(truth[:, None] == np.array(["no", "yes"]), 0.9, 0.1)
    assert draw_curves("binary", truth, right, ["no", "yes"]) != draw_curves(
        "binary", truth, 1 - right, ["no", "yes"]
    )


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_rows_of_one_class_alone_are_drawn(task):
    _, predicted, names = rows(task)
    truth = np.repeat(names[0], len(predicted))
    assert image(draw_curves(task, truth, predicted, names))[0] == "PNG"


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_constant_predictions_are_drawn(task):
    truth, predicted, names = rows(task)
    assert image(draw_curves(task, truth, np.full_like(predicted, 0.5), names))[0] == "PNG"


def test_threads_may_draw_at_once():
    parts = rows("regression")
    alone = draw_curves("regression", *parts)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: draw_curves("regression", *parts), range(4))) == {alone}
