"""Held-out streams in which what the features mean stays, and only who or what comes changes, or nothing.

Defaults are chosen without a look at them, and then judged on them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .stream import Plan, Registry, look_up

HELD_OUT_MIXTURES = Registry(held_out=True)


@HELD_OUT_MIXTURES.add(
    task="regression",
    kind="harmless covariate drift",
    harmful=False,
    seed=904,
    history=6_000,
    window=1_500,
    count=10,
)
def brick_strength(p: Plan) -> pd.DataFrame:
    """The strength of bricks from a works' four kilns, for two years.

    Clay becomes wetter, the newest kiln takes over from the oldest, and the counter of burner hours only
    rises, all slowly. What makes a brick strong stays, and the first bricks came of all sorts of clay.
    """
    move = p.progress()
    moisture = p.normal(18 + 1.2 * move, 3)
    heat = p.normal(1_010 - 5 * move, 16)
    hours = p.normal(30, 5)
    kiln = p.category(
        {"one": 0.4 - 0.3 * move, "two": 0.25, "three": 0.2, "four": 0.15 + 0.3 * move}
    )
    clay = p.category({"pit A": 0.55 - 0.25 * move, "pit B": 0.45 + 0.25 * move})
    mean = (
        32
        - 0.7 * (moisture - 18)
        + 0.11 * (heat - 1_005)
        + 0.35 * (hours - 30)
        + look_up(kiln, {"one": -1.5, "two": 0, "three": 0.5, "four": 1})
        + look_up(clay, {"pit A": 0.8, "pit B": -0.8})
    )
    return pd.DataFrame(
        {
            "at": p.every("2022-03-01", 45),
            "moisture": p.missing(moisture.round(1), 0.04),
            "heat": heat.round(),
            "hours": hours.round(1),
            "kiln": kiln,
            "clay": p.unknown(clay, 0.03),
            "burner_hours": 8_000 + np.arange(p.rows) * 0.75 + p.normal(0, 5),
            "y": p.normal(mean, 2.2),
        }
    )


@HELD_OUT_MIXTURES.add(
    task="binary",
    kind="harmful covariate shift",
    harmful=True,
    seed=905,
    history=5_000,
    window=2_000,
    count=9,
)
def pump_fault(p: Plan) -> pd.DataFrame:
    """Whether a pump needs repair within a week of its inspection, for two and a half years.

    At the third window's border most pumps move to deep wells: depths and loads lie where no row has been.
    Faults follow a valley-shaped curve of the load, of which the model has seen the falling side only.
    """
    deep = p.rng.random(p.rows) < 0.65 * p.after(2)
    load = np.where(deep, p.normal(82, 9), p.normal(38, 11)).clip(5, 115)
    depth = np.where(deep, p.rng.uniform(60, 140, p.rows), p.rng.uniform(5, 60, p.rows))
    age = p.rng.gamma(2, 3, p.rows)
    vibration = np.exp(p.normal(0.4, 0.5))
    maker = p.category({"K": 0.4, "L": 0.35, "M": 0.25})
    fluid = p.category({"water": 0.7, "brine": 0.2, "sludge": 0.1})
    logit = (
        -2.0
        + 0.0022 * (load - 58) ** 2
        + 0.6 * (np.log(vibration) - 0.4) * 2.5
        + 0.12 * (age - 6)
        + look_up(fluid, {"water": -0.3, "brine": 0.5, "sludge": 1.2})
        + look_up(maker, {"K": 0.2, "L": 0, "M": -0.4})
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2020-06-01", 913),
            "load": load.round(1),
            "depth": depth.round(),
            "age": age.round(1),
            "vibration": p.missing(vibration.round(2), 0.07),
            "maker": maker,
            "fluid": p.unknown(fluid, 0.02),
            "y": p.yes(logit),
        }
    )


@HELD_OUT_MIXTURES.add(
    task="multiclass",
    kind="no drift",
    harmful=False,
    seed=906,
    history=6_000,
    window=1_500,
    count=10,
)
def seed_grade(p: Plan) -> pd.DataFrame:
    """The grade of a batch of seed, given by a panel of three, for ten months.

    Nothing drifts.
    """
    purity, moisture = p.rng.beta(18, 2, p.rows), p.normal(12, 1.6)
    length, width = p.normal(6.1, 0.5), p.normal(3.0, 0.3)
    farm = p.category({"north": 0.4, "river": 0.35, "plain": 0.25})
    crop = p.category({"wheat": 0.6, "barley": 0.4})
    quality = (
        22 * (purity - 0.9)
        - 0.7 * np.abs(moisture - 11.5)
        + 1.2 * (length - 6.1)
        + look_up(farm, {"north": 0.4, "river": 0, "plain": -0.6})
    )
    logits = np.column_stack([1.6 * quality, 0.6 - 0.4 * np.abs(quality), -1.6 * quality - 0.3])
    return pd.DataFrame(
        {
            "at": p.arrivals("2024-01-15", 305),
            "purity": purity.round(4),
            "moisture": p.missing(moisture.round(1), 0.05),
            "length": length.round(2),
            "width": width.round(2),
            "farm": farm,
            "crop": p.unknown(crop, 0.03),
            "y": p.one_of(["first", "second", "third"], logits),
        }
    )


@HELD_OUT_MIXTURES.add(
    task="multiclass",
    kind="prior shift",
    harmful=True,
    seed=907,
    history=6_000,
    window=1_500,
    count=11,
)
def weld_fault(p: Plan) -> pd.DataFrame:
    """How a weld turns out, given its sensors: sound, porous or cracked, for seven months.

    In the fourth window a new batch of wire makes cracks six times as many, 30 % instead of 5 %; from the
    eighth on they are 15 %. A cracked weld sounds and looks as it always did, and so do the others.
    """
    cracked = 0.05 + 0.25 * p.after(3.3) - 0.15 * p.after(7)
    kind = p.category(
        {"sound": (1 - cracked) * 0.85, "porous": (1 - cracked) * 0.15, "cracked": cracked}
    )
    noise = p.normal(look_up(kind, {"sound": 0, "porous": 1.1, "cracked": 0.7}))
    current = p.normal(look_up(kind, {"sound": 181, "porous": 174, "cracked": 189}), 9)
    speed = p.normal(look_up(kind, {"sound": 6.0, "porous": 6.3, "cracked": 6.5}), 0.6)
    gas = p.missing(
        p.normal(look_up(kind, {"sound": 12, "porous": 10.6, "cracked": 12}), 1.4), 0.06
    )
    return pd.DataFrame(
        {
            "at": p.every("2024-09-02", 13),
            "noise": noise,
            "current": current.round(1),
            "speed": speed.round(2),
            "gas": gas.round(1),
            "station": p.category({"S1": 0.4, "S2": 0.35, "S3": 0.25}),
            "steel": p.unknown(p.category({"mild": 0.7, "high": 0.3}), 0.04),
            "y": kind,
        }
    )


@HELD_OUT_MIXTURES.add(
    task="binary",
    kind="loss grows, past help",
    harmful=False,
    seed=910,
    history=6_000,
    window=1_500,
    count=10,
)
def survey_answer(p: Plan) -> pd.DataFrame:
    """Whether a panel's member says that they will buy, for a year.

    From the third window on ever more of those asked are undecided: nearly all at last. What decides an
    answer stays, but the undecided are hard for every model alike, and no retraining mends it.
    """
    undecided = p.rng.random(p.rows) < 0.95 * p.ramp(2, 8)
    age = np.clip(p.normal(46, 15), 18, 90).round()
    income = np.exp(p.normal(7.8, 0.5))
    score = np.where(undecided, p.rng.integers(3, 6, p.rows), p.rng.integers(1, 8, p.rows))
    segment = p.category({"family": 0.4, "single": 0.35, "retired": 0.25})
    logit = (
        1.2 * (score - 4)
        + 0.9 * (np.log(income) - 7.8)
        - 0.015 * (age - 46)
        + look_up(segment, {"family": 0.6, "single": -0.5, "retired": 0})
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2023-05-01", 365),
            "age": age,
            "income": p.missing(income.round(-1), 0.1),
            "score": score,
            "segment": segment,
            "weeks": p.rng.integers(1, 200, p.rows),
            "city": p.unknown(p.category({"large": 0.4, "middle": 0.35, "small": 0.25}), 0.03),
            "y": p.yes(logit),
        }
    )
