"""Open streams in which what the features mean for the target changes.

They may be looked at while defaults are chosen.
Each has a partner of the same kind among the held-out ones, with another story, task, noise and seed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .stream import Plan, Registry, look_up

OPEN_CONCEPTS = Registry(held_out=False)
DAYS = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], dtype=object)


@OPEN_CONCEPTS.add(
    task="binary",
    kind="rising feature",
    harmful=True,
    seed=101,
    history=4_000,
    window=2_000,
    count=12,
)
def power_price(p: Plan) -> pd.DataFrame:
    """Whether electricity's price rises above its mean of the last day, each half-hour for 19 months.

    `date` only rises. What demand means for the price drifts slowly all along; in the sixth window the
    market is joined to its neighbour's, and that one's price and the transfer, a constant before, matter.
    """
    at = p.every("1996-05-07", 30)
    date, period = p.progress(), np.asarray(at.hour + at.minute / 60) / 24
    day = DAYS[at.dayofweek]
    weekend = np.isin(day, ["Sat", "Sun"])
    joined = p.after(5.3)
    demand = (
        0.45
        + 0.16 * np.sin(2 * np.pi * (period - 0.35))
        + 0.07 * np.sin(4 * np.pi * (period - 0.1))
        - 0.06 * weekend
        + 0.05 * np.cos(2 * np.pi * np.asarray(at.dayofyear) / 365)
        + p.normal(0, 0.07)
    )
    neighbour_demand = 0.5 * demand + 0.2 + p.normal(0, 0.06)
    neighbour_price = np.exp(p.normal(-4.6 + 2.5 * neighbour_demand, 0.4))
    transfer = np.where(joined == 1, np.clip(0.5 + p.normal(0, 0.18), 0, 1), 0.414912)
    weight = 14 - 9 * date
    logit = (
        weight * (demand - 0.45 - 0.08 * np.sin(2 * np.pi * (date - 0.1)))
        + (1.4 - 2.8 * date) * np.where((period > 0.28) & (period < 0.42), 1, -0.3)
        - 0.5 * weekend
        + joined * (45 * (neighbour_price - 0.04) - 4 * (transfer - 0.5))
        - 0.3
    )
    return pd.DataFrame(
        {
            "at": at,
            "date": date,
            "day": day,
            "period": period,
            "demand": demand,
            "neighbour_price": p.missing(neighbour_price, 0.03),
            "neighbour_demand": neighbour_demand,
            "transfer": transfer,
            "y": p.yes(logit),
        }
    )


@OPEN_CONCEPTS.add(
    task="regression",
    kind="yearly season",
    harmful=True,
    seed=102,
    history=4_000,
    window=1_500,
    count=9,
)
def bike_hires(p: Plan) -> pd.DataFrame:
    """Bicycles hired in each hour of two years, from January on.

    The history ends in June: the model has seen neither August nor, in the second year, that twice as many
    hire. Season, weather and the trend drift together; what hour and weekday mean stays.
    """
    at = p.every("2011-01-01", 60)
    hour, month = np.asarray(at.hour), np.asarray(at.month)
    day = DAYS[at.dayofweek]
    off = np.isin(day, ["Sat", "Sun"])
    weather = p.category({"clear": 0.63, "mist": 0.26, "rain": 0.1, "storm": 0.01})
    spell = pd.Series(p.normal(0, 3)).ewm(halflife=40).mean().to_numpy() * 4
    celsius = (
        13
        - 12 * np.cos(2 * np.pi * (np.asarray(at.dayofyear) - 20) / 365)
        - 4 * np.cos(2 * np.pi * (hour - 3) / 24)
        + spell
    )
    humidity = np.clip(p.normal(62 - 0.3 * (celsius - 13), 14) + 15 * (weather == "rain"), 8, 100)
    wind = p.rng.gamma(2.5, 5, p.rows)
    commute = np.exp(-((hour - 8) ** 2) / 2) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 4)
    leisure = 0.9 * np.exp(-((hour - 14) ** 2) / 18)
    shape = np.where(off, leisure, commute + 0.3 * leisure) + 0.06
    mean = (
        210
        * shape
        * np.exp(0.75 * p.progress())
        * np.exp(-(((celsius - 25) / 17) ** 2))
        * look_up(weather, {"clear": 1, "mist": 0.9, "rain": 0.5, "storm": 0.2})
        * np.exp(-0.004 * (humidity - 60) - 0.008 * (wind - 12))
    )
    return pd.DataFrame(
        {
            "at": at,
            "hour": hour,
            "weekday": day,
            "month": month,
            "weather": weather,
            "celsius": np.round(celsius, 1),
            "felt": np.round(celsius - 0.1 * wind + p.normal(0, 1), 1),
            "humidity": np.round(humidity),
            "wind": p.missing(np.round(wind, 1), 0.04),
            "y": p.rng.negative_binomial(6, 6 / (6 + mean)).astype(float),
        }
    )


@OPEN_CONCEPTS.add(
    task="binary",
    kind="sudden switch and back",
    harmful=True,
    seed=103,
    history=4_000,
    window=1_500,
    count=12,
)
def loan_default(p: Plan) -> pd.DataFrame:
    """Whether a loan is repaid late, for applications of three years.

    Within the fourth window a moratorium begins that defers instalments of those in debt: debt and a record
    of arrears, which foretold default, now mean the contrary. Within the ninth it ends, and all is as before.
    """
    moratorium = p.after(3.4) - p.after(8.4)
    income = np.exp(p.normal(7.9, 0.45))
    debt_ratio = p.rng.beta(2, 4, p.rows)
    arrears = p.rng.poisson(0.6, p.rows)
    age = np.clip(p.normal(43, 12), 18, 80).round()
    purpose = p.category({"car": 0.4, "home": 0.3, "debts": 0.2, "business": 0.1})
    employment = p.category(
        {"employed": 0.66, "self-employed": 0.16, "retired": 0.12, "none": 0.06}
    )
    burden = 6 * (debt_ratio - 0.33) + 0.8 * (arrears - 0.6) + 0.7 * (purpose == "debts")
    logit = (
        -1.3
        + (1 - 1.6 * moratorium) * burden
        - 1.3 * (np.log(income) - 7.9)
        - 0.02 * (age - 43)
        + look_up(
            employment, {"employed": -0.2, "self-employed": 0.5, "retired": -0.3, "none": 1.1}
        )
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2019-01-02", 1_095),
            "income": p.missing(income.round(), 0.06),
            "debt_ratio": debt_ratio,
            "arrears": arrears,
            "age": age,
            "purpose": purpose,
            "employment": p.unknown(employment, 0.05),
            "amount": np.exp(p.normal(9.2, 0.6)).round(-2),
            "y": p.yes(logit),
        }
    )


@OPEN_CONCEPTS.add(
    task="multiclass",
    kind="gradual concept drift",
    harmful=True,
    seed=108,
    history=4_000,
    window=2_000,
    count=10,
)
def news_choice(p: Plan) -> pd.DataFrame:
    """Which of three articles a reader opens first, for eight months.

    A rotating hyperplane: what the interests measured at sign-up say about the choice turns slowly, by some
    90 degrees in all. The readers stay the same sort of people.
    """
    interests = p.rng.normal(0, 1, (p.rows, 5))
    age = np.clip(p.normal(38, 13), 16, 85).round()
    device = p.category({"phone": 0.6, "desktop": 0.3, "tablet": 0.1})
    turn = 1.6 * p.progress()
    first = np.cos(turn) * interests[:, 0] + np.sin(turn) * interests[:, 1]
    second = np.cos(turn) * interests[:, 2] - np.sin(turn) * interests[:, 3]
    logits = np.column_stack(
        [
            2.6 * first + 0.02 * (age - 38),
            2.6 * second + 0.8 * (device == "phone"),
            -1.3 * (first + second) + 0.9 * interests[:, 4],
        ]
    )
    columns = ["politics", "sport", "culture", "money", "science"]
    return pd.DataFrame(
        {
            "at": p.arrivals("2024-02-01", 240),
            **dict(zip(columns, interests.T, strict=True)),
            "age": p.missing(age, 0.08),
            "device": device,
            "y": p.one_of(["report", "match", "essay"], logits),
        }
    )


@OPEN_CONCEPTS.add(
    task="binary",
    kind="recurring concept",
    harmful=True,
    seed=109,
    history=4_500,
    window=1_500,
    count=12,
)
def parcel_return(p: Plan) -> pd.DataFrame:
    """Whether a parcel of a fashion shop comes back, for two years.

    Every three windows a sale begins or ends, the first at the first window. In the sale, price and first
    orders, which foretell returns at other times, mean the contrary: bargains are kept and regulars return.
    """
    sale = np.sum([p.after(3 * k) * (-1) ** k for k in range(4)], axis=0)
    price = np.exp(p.normal(3.9, 0.6))
    orders_before = p.rng.poisson(3, p.rows)
    sizes = 1 + p.rng.binomial(2, 0.2, p.rows)
    payment = p.category({"invoice": 0.5, "card": 0.35, "prepaid": 0.15})
    group = p.category({"dress": 0.3, "shoes": 0.25, "shirt": 0.3, "coat": 0.15})
    sign = 1 - 2 * sale
    logit = (
        -0.4
        + sign * (1.9 * (np.log(price) - 3.9) - 0.35 * (orders_before - 3))
        + 1.3 * (sizes - 1.4)
        + look_up(payment, {"invoice": 0.5, "card": 0, "prepaid": -0.9})
        + sign * look_up(group, {"dress": 0.7, "shoes": 0.3, "shirt": -0.6, "coat": 0})
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2022-01-10", 730),
            "price": price.round(2),
            "orders_before": orders_before,
            "sizes": sizes,
            "payment": payment,
            "group": p.unknown(group, 0.04),
            "basket": p.missing((price * np.exp(p.normal(0.5, 0.4))).round(2), 0.05),
            "y": p.yes(logit),
        }
    )
