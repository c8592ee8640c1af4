"""Open streams in which what the features mean stays, and only who or what comes changes, or nothing.

They may be looked at while defaults are chosen.
Each has a partner of the same kind among the held-out ones, with another story, task, noise and seed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .stream import Plan, Registry, look_up

OPEN_MIXTURES = Registry(held_out=False)


@OPEN_MIXTURES.add(
    task="binary",
    kind="harmless covariate drift",
    harmful=False,
    seed=104,
    history=6_000,
    window=2_000,
    count=10,
)
def car_claim(p: Plan) -> pd.DataFrame:
    """Whether an insured car has a claim within the year, for policies of four years.

    Drivers grow older, mileages fall and more buy through the application than from an agent, all slowly;
    `policies_before` only rises. What makes a claim likely stays, and the first customers were of all sorts.
    """
    move = p.progress()
    age = np.clip(p.normal(42 + 10 * move, 13), 18, 88).round()
    mileage = np.exp(p.normal(2.6 - 0.35 * move, 0.5))
    channel = p.category({"agent": 0.7 - 0.5 * move, "application": 0.2 + 0.5 * move, "phone": 0.1})
    region = p.category({"city": 0.5 - 0.15 * move, "suburb": 0.3, "country": 0.2 + 0.15 * move})
    power = np.clip(p.normal(90 + 12 * move, 25), 35, 260).round()
    logit = (
        -1.9
        + 1.7 * (np.log(mileage) - 2.4)
        + 0.018 * (power - 95)
        + 1.8 * np.exp(-(age - 18) / 9)
        + look_up(region, {"city": 0.6, "suburb": 0.1, "country": -0.4})
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2018-03-01", 1_460),
            "age": age,
            "mileage": p.missing(mileage.round(1), 0.05),
            "power": power,
            "channel": channel,
            "region": p.unknown(region, 0.02),
            "policies_before": 100_000 + np.arange(p.rows) * 3 + p.rng.integers(0, 3, p.rows),
            "y": p.yes(logit),
        }
    )


@OPEN_MIXTURES.add(
    task="regression",
    kind="harmful covariate shift",
    harmful=True,
    seed=105,
    history=4_000,
    window=1_500,
    count=10,
)
def delivery_minutes(p: Plan) -> pd.DataFrame:
    """Minutes from order to door of a delivery service, for 14 months.

    Within the fourth window it opens outside the city: half the orders come from there, two to five times
    as far away as any before, in an area no model has seen. The clock still runs as it did.
    """
    rural = (p.rng.random(p.rows) < 0.5 * p.after(3.6)).astype(float)
    at = p.arrivals("2023-04-03", 425)
    area = np.where(
        rural == 1, "country", p.category({"centre": 0.45, "north": 0.3, "south": 0.25})
    )
    km = np.where(
        rural == 1, p.rng.uniform(6, 16, p.rows), p.rng.gamma(3, 0.9, p.rows).clip(0.2, 6)
    )
    rain = p.rng.random(p.rows) < 0.2
    vehicle = p.category({"bicycle": 0.55, "scooter": 0.3, "car": 0.15})
    items, queue = 1 + p.rng.poisson(2.2, p.rows), p.rng.poisson(4, p.rows)
    rush = np.exp(-((np.asarray(at.hour) - 18.5) ** 2) / 5)
    pace = look_up(vehicle, {"bicycle": 3.9, "scooter": 2.6, "car": 2.9}) * (1 + 0.25 * rain)
    mean = 9 + 0.9 * items + 1.1 * queue + km * pace * (1 + 0.3 * rush)
    return pd.DataFrame(
        {
            "at": at,
            "area": area,
            "km": km.round(2),
            "vehicle": p.unknown(vehicle, 0.03),
            "rain": rain.astype(int),
            "items": items,
            "queue": p.missing(queue.astype(float), 0.05),
            "hour": np.asarray(at.hour),
            "y": mean * np.exp(p.normal(0, 0.18)),
        }
    )


@OPEN_MIXTURES.add(
    task="binary",
    kind="no drift",
    harmful=False,
    seed=106,
    history=6_000,
    window=2_000,
    count=10,
)
def ad_click(p: Plan) -> pd.DataFrame:
    """Whether a visitor who was shown an offer looks at it, for three months.

    Nothing drifts: days and hours come and go, and every window has all of them in the same shares.
    """
    at = p.arrivals("2025-01-06", 91)
    hour = np.asarray(at.hour)
    visits, seconds = p.rng.poisson(2.5, p.rows), np.exp(p.normal(3.4, 0.9))
    source = p.category({"search": 0.45, "mail": 0.2, "social": 0.25, "direct": 0.1})
    browser = p.category({"chrome": 0.6, "safari": 0.25, "firefox": 0.1, "other": 0.05})
    logit = (
        -0.9
        + 1.2 * (np.log(seconds) - 3.4)
        + 0.3 * (visits - 2.5)
        - 0.6 * np.cos(2 * np.pi * (hour - 8) / 24)
        + look_up(source, {"search": 0.5, "mail": 1.2, "social": -1.2, "direct": 0})
    )
    return pd.DataFrame(
        {
            "at": at,
            "hour": hour,
            "visits": visits,
            "seconds": p.missing(seconds.round(1), 0.05),
            "source": source,
            "browser": p.unknown(browser, 0.02),
            "load_time": p.rng.gamma(3, 0.4, p.rows).round(2),
            "y": p.yes(logit),
        }
    )


@OPEN_MIXTURES.add(
    task="binary",
    kind="prior shift",
    harmful=True,
    seed=107,
    history=6_000,
    window=2_000,
    count=10,
)
def contract_cancelled(p: Plan) -> pd.DataFrame:
    """Whether a customer cancels within the quarter, for two years.

    From the third window to the eighth the share who cancel grows from 5 % to 30 %: a rival has come. Those
    who cancel look as they always did, and so do those who stay.
    """
    leaves = p.rng.random(p.rows) < 0.05 + 0.25 * p.ramp(2, 7)
    calls = p.rng.poisson(np.where(leaves, 2.4, 1.2))
    tenure = p.rng.gamma(2, np.where(leaves, 9, 16))
    usage = np.exp(p.normal(np.where(leaves, 2.5, 3.0), 0.6))
    plan = np.where(
        leaves,
        p.category({"monthly": 0.65, "yearly": 0.25, "family": 0.1}),
        p.category({"monthly": 0.4, "yearly": 0.38, "family": 0.22}),
    )
    return pd.DataFrame(
        {
            "at": p.arrivals("2022-07-01", 730),
            "calls": calls,
            "tenure": tenure.round(1),
            "usage": p.missing(usage.round(2), 0.07),
            "bill": np.clip(p.normal(np.where(leaves, 46, 42), 11), 10, None).round(2),
            "plan": plan,
            "region": p.unknown(p.category({"north": 0.3, "south": 0.4, "west": 0.3}), 0.03),
            "y": leaves.astype(int),
        }
    )


@OPEN_MIXTURES.add(
    task="regression",
    kind="loss grows, past help",
    harmful=False,
    seed=110,
    history=6_000,
    window=2_000,
    count=9,
)
def assay_result(p: Plan) -> pd.DataFrame:
    """A laboratory's measured concentration, given a sample's spectrum and handling, for a year and a half.

    The instrument wears out: from the second window to the eighth the noise of what it reads becomes two and
    a half times as large. Every model becomes worse by the same, and no retraining mends it.
    """
    bands = p.rng.gamma(4, 0.25, (p.rows, 4))
    temperature = p.normal(22, 2)
    matrix = p.category({"serum": 0.5, "plasma": 0.35, "urine": 0.15})
    operator = p.category({"A": 0.4, "B": 0.35, "C": 0.25})
    mean = (
        12 * bands[:, 0]
        + 7 * np.sqrt(bands[:, 1] * bands[:, 2])
        - 4 * bands[:, 3]
        + 0.5 * (temperature - 22)
        + look_up(matrix, {"serum": 2, "plasma": 0, "urine": -4})
    )
    noise = 3.2 * (1 + 1.5 * p.ramp(1, 7))
    return pd.DataFrame(
        {
            "at": p.arrivals("2023-01-09", 540),
            **{f"band_{k}": band for k, band in enumerate(bands.T, 1)},
            "temperature": p.missing(temperature.round(1), 0.05),
            "matrix": matrix,
            "operator": p.unknown(operator, 0.02),
            "y": p.normal(mean, noise),
        }
    )
