"""Held-out streams in which what the features mean for the target changes.

Defaults are chosen without a look at them, and then judged on them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .stream import Plan, Registry, look_up

HELD_OUT_CONCEPTS = Registry(held_out=True)
WEEK: dict[str, float] = {"Monday": 4, "Tuesday": 9, "Wednesday": 7, "Thursday": 5, "Friday": -16}


@HELD_OUT_CONCEPTS.add(
    task="regression",
    kind="rising feature",
    harmful=True,
    seed=901,
    history=5_000,
    window=1_500,
    count=10,
)
def flat_rent(p: Plan) -> pd.DataFrame:
    """The monthly rent asked for a flat, for listings of three years.

    `months` since the portal opened only rises, and rents rise with it, by a quarter in all. In the fifth
    window a cap comes for old buildings in two districts: a flat's age now lowers what is asked there.
    """
    at = p.arrivals("2020-02-01", 1_096)
    months = ((at - at[0]) / pd.Timedelta(days=30)).to_numpy()
    district = p.category({"old town": 0.2, "harbour": 0.2, "hill": 0.25, "east": 0.35})
    size = np.clip(np.exp(p.normal(4.15, 0.35)), 18, 220).round()
    built = p.rng.integers(1890, 2020, p.rows)
    energy = p.category({"A": 0.15, "B": 0.3, "C": 0.35, "D": 0.2})
    floor = p.rng.integers(0, 7, p.rows)
    furnished = (p.rng.random(p.rows) < 0.25).astype(int)
    capped = p.after(4.5) * np.isin(district, ["old town", "harbour"]) * (built < 1970)
    metre = (
        look_up(district, {"old town": 15, "harbour": 14, "hill": 12.5, "east": 10})
        + look_up(energy, {"A": 1, "B": 0.5, "C": 0, "D": -0.6})
        + 2.2 * furnished
        + 0.15 * floor
    )
    mean = size**0.88 * metre * 1.6 * (1 + 0.25 * p.progress()) * (1 - 0.3 * capped)
    return pd.DataFrame(
        {
            "at": at,
            "months": months,
            "district": district,
            "size": size,
            "built": p.missing(built.astype(float), 0.06),
            "energy": p.unknown(energy, 0.1),
            "floor": floor,
            "furnished": furnished,
            "y": (mean * np.exp(p.normal(0, 0.2))).round(),
        }
    )


@HELD_OUT_CONCEPTS.add(
    task="regression",
    kind="yearly season",
    harmful=True,
    seed=902,
    history=5_000,
    window=2_000,
    count=10,
)
def ambulance_calls(p: Plan) -> pd.DataFrame:
    """Emergency calls of a region in each hour of 34 months, from April on.

    The history ends in October, before the first winter, in which calls are twice as many as in summer; frost
    adds more. In the fourth window a second station opens beside it and takes a third of them, which
    `stations` tells to whoever has seen it.
    """
    at = p.every("2021-04-01", 60)
    hour, week = np.asarray(at.hour), np.asarray(at.isocalendar().week).astype(int)
    season = np.cos(2 * np.pi * (np.asarray(at.dayofyear) - 15) / 365)
    spell = pd.Series(p.normal(0, 3)).ewm(halflife=60).mean().to_numpy() * 5
    celsius = 10 - 10 * season - 3 * np.cos(2 * np.pi * (hour - 4) / 24) + spell
    snow = ((celsius < 0.5) & (p.rng.random(p.rows) < 0.3)).astype(int)
    night = np.where(np.isin(np.asarray(at.dayofweek), [4, 5]), 1.5, 1.0) * np.exp(
        -np.minimum((hour - 1) ** 2, (hour - 25) ** 2) / 10
    )
    second = p.after(3.4)
    mean = (
        26
        * (
            0.5
            + 0.9 * np.exp(-((hour - 11) ** 2) / 30)
            + 0.6 * np.exp(-((hour - 18) ** 2) / 12)
            + night
        )
        * (1 + 0.42 * season)
        * (1 + 0.035 * np.clip(2 - celsius, 0, 12) + 0.4 * snow)
        * (1 + 0.02 * np.clip(celsius - 24, 0, 10))
        * (1 - 0.33 * second)
    )
    return pd.DataFrame(
        {
            "at": at,
            "hour": hour,
            "weekday": np.asarray(at.day_name(), dtype=object),
            "week": week,
            "celsius": p.missing(celsius.round(1), 0.03),
            "snow": snow,
            "stations": 1 + second.astype(int),
            "pressure": p.normal(1013 - 2 * snow, 8).round(),
            "y": p.rng.negative_binomial(25, 25 / (25 + mean)).astype(float),
        }
    )


@HELD_OUT_CONCEPTS.add(
    task="multiclass",
    kind="sudden switch and back",
    harmful=True,
    seed=903,
    history=5_000,
    window=1_500,
    count=10,
)
def ticket_team(p: Plan) -> pd.DataFrame:
    """Which of four teams solves a customer's ticket, for eighteen months.

    At the fourth window's border the teams are reorganised by region instead of by product; at the eighth's
    all goes back to where it was.
    """
    regional = p.after(3) - p.after(7)
    product = p.category({"router": 0.3, "phone": 0.3, "television": 0.25, "invoice": 0.15})
    region = p.category({"north": 0.25, "east": 0.25, "south": 0.3, "west": 0.2})
    words = np.exp(p.normal(3.8, 0.7)).round()
    urgency = p.rng.integers(1, 5, p.rows)
    tenure = p.rng.gamma(2, 20, p.rows)
    teams = ["blue", "green", "red", "violet"]
    home = {
        "router": [3.6, 0.5, 0, 0],
        "phone": [0.5, 3.6, 0, 0],
        "television": [0, 0.3, 3.6, 0],
        "invoice": [0, 0, 0, 3.6],
        "north": [0, 0, 0, 3.6],
        "east": [0, 0, 3.6, 0.5],
        "south": [3.6, 0, 0.3, 0],
        "west": [0, 3.6, 0, 0],
    }
    by_product = np.array([home[name] for name in product])
    by_region = np.array([home[name] for name in region])
    logits = np.where(regional[:, None] == 1, by_region, by_product)
    logits = logits + np.column_stack(
        [0.4 * (urgency - 2.5), 0.5 * (np.log(words) - 3.8), 0 * words, 0.01 * (tenure - 40)]
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2023-09-01", 548),
            "product": product,
            "region": p.unknown(region, 0.03),
            "words": words,
            "urgency": urgency,
            "tenure": p.missing(tenure.round(1), 0.05),
            "y": p.one_of(teams, logits),
        }
    )


@HELD_OUT_CONCEPTS.add(
    task="binary",
    kind="gradual concept drift",
    harmful=True,
    seed=908,
    history=5_000,
    window=1_500,
    count=11,
)
def account_abuse(p: Plan) -> pd.DataFrame:
    """Whether a new account is later closed for abuse, for a year.

    From the second window to the tenth more and more abusers change their manner: each row follows the old
    pattern or the new one, the new one with a probability that grows from 0 to 0.9.
    """
    new = p.rng.random(p.rows) < 0.9 * p.ramp(1, 9)
    typing, contacts = p.normal(), p.normal()
    links = p.rng.poisson(1.5, p.rows)
    age = p.rng.gamma(2, 15, p.rows)
    network = p.category({"home": 0.55, "mobile": 0.3, "hosting": 0.15})
    device = p.category({"phone": 0.6, "desktop": 0.35, "tablet": 0.05})
    old_manner = 1.6 * typing + 0.8 * (links - 1.5) + 1.8 * (network == "hosting")
    new_manner = -1.2 * typing + 1.8 * contacts - 0.3 * (links - 1.5) + 1.6 * (network == "mobile")
    logit = -1.6 + np.where(new, new_manner, old_manner) - 0.01 * (age - 30)
    return pd.DataFrame(
        {
            "at": p.arrivals("2024-01-01", 366),
            "typing": typing,
            "contacts": p.missing(contacts, 0.06),
            "links": links,
            "age": age.round(1),
            "network": network,
            "device": p.unknown(device, 0.02),
            "y": p.yes(logit),
        }
    )


@HELD_OUT_CONCEPTS.add(
    task="regression",
    kind="recurring concept",
    harmful=True,
    seed=909,
    history=4_000,
    window=2_000,
    count=10,
)
def canteen_meals(p: Plan) -> pd.DataFrame:
    """Portions of a dish sold at a university's counter in an hour, on workdays of three years.

    The history is term time. Every two windows term and vacation alternate, the first vacation beginning in
    the second window: warm days then draw guests instead of keeping them away, and the price matters.
    `warmer` is by how many degrees a day is warmer than the season's mean.
    """
    vacation = np.sum([p.after(1.5 + 2 * k) * (-1) ** k for k in range(5)], axis=0)
    number, within = np.arange(p.rows) // 32, np.arange(p.rows) % 32
    hour = 11 + within // 8
    dates = pd.bdate_range("2021-10-04", periods=number[-1] + 1, tz="UTC")
    at = dates[number] + pd.to_timedelta(hour, "h")
    day = np.asarray(at.day_name(), dtype=object)
    dish = p.category({"pasta": 0.3, "curry": 0.25, "salad": 0.2, "fish": 0.25})
    counter = p.category({"main": 0.5, "garden": 0.3, "tower": 0.2})
    warmer = p.rng.normal(0, 5, len(dates))[number]
    price = p.normal(4.8, 0.9)
    term = (
        60
        + look_up(day, WEEK)
        + look_up(dish, {"pasta": 12, "curry": 6, "salad": -10, "fish": -2})
        - 1.1 * warmer
    )
    holiday = (
        48
        + look_up(dish, {"pasta": -4, "curry": 0, "salad": 9, "fish": 6})
        + 0.8 * warmer
        - 7 * (price - 4.8)
    )
    mean = np.where(vacation == 1, holiday, term) + look_up(
        counter, {"main": 14, "garden": 0, "tower": -8}
    )
    mean = mean - 5 * np.abs(hour - 12.3)
    return pd.DataFrame(
        {
            "at": at,
            "weekday": day,
            "hour": hour,
            "dish": p.unknown(dish, 0.03),
            "counter": counter,
            "warmer": p.missing(warmer.round(1), 0.04),
            "price": price.round(2),
            "y": np.clip(p.normal(mean, 11), 0, None).round(),
        }
    )
