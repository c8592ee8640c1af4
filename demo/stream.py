"""The demo's data stream: calls of a bank's telemarketing campaigns, 2008 to 2010, in time order.

| function | returns |
| --- | --- |
| `load_csv` | the published table, UCI Bank Marketing `bank-additional-full.csv`, checked |
| `generate` | a generated table with the same columns that drifts in the same way |
| `with_ids_and_times` | either of them with an identifier and a moment for each row |

Generated rows are drawn, not copied. Column names and categories are the published ones; shares, rates
and the calendar are rounded approximations of what the publication and the Euribor's public history
describe: S. Moro, P. Cortez, P. Rita, *A data-driven approach to predict the success of bank
telemarketing*, Decision Support Systems 62, 2014, doi 10.24432/C5K306.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from .published import CATEGORIES, load_csv

__all__ = ["FIRST_MOMENT", "FULL_ROWS", "LAST_MOMENT", "generate", "load_csv", "with_ids_and_times"]

FULL_ROWS = 41_188
FIRST_MOMENT = pd.Timestamp("2008-05-01", tz="UTC")
LAST_MOMENT = pd.Timestamp("2010-11-30", tz="UTC")

_JOBS = {
    "admin.": 0.25, "blue-collar": 0.225, "technician": 0.165, "services": 0.097,
    "management": 0.071, "retired": 0.035, "entrepreneur": 0.036, "self-employed": 0.035,
    "housemaid": 0.026, "unemployed": 0.025, "student": 0.015, "unknown": 0.02,
}  # fmt: skip
_SCHOOLING = {
    "manual": (0.2, 0.12, 0.3, 0.17, 0.001, 0.1, 0.06, 0.049),
    "office": (0.03, 0.02, 0.08, 0.27, 0.0005, 0.15, 0.41, 0.0395),
}


class _Phase(NamedTuple):
    """A stretch of calls under one economy.

    Attributes: rows of the full table, month, positive rate, share of cellular calls, share of clients
    contacted before and of successes among those, Euribor at both ends in percent, employment variation
    rate in percent, consumer price and confidence indices, thousands employed.
    """

    rows: int
    month: str
    rate: float
    cellular: float
    known: float
    success: float
    euribor: tuple[float, float]
    emp: float
    cpi: float
    cci: float
    nr: float


_CALENDAR = (
    # 2008: a plateau, then the crash of the Euribor.
    _Phase(7_750, "may", 0.030, 0.0, 0.0, 0.0, (4.85, 4.86), 1.1, 94.0, -36.4, 5191.0),
    _Phase(4_400, "jun", 0.043, 0.0, 0.0, 0.0, (4.86, 4.96), 1.4, 94.5, -41.8, 5228.0),
    _Phase(6_650, "jul", 0.065, 0.85, 0.0, 0.0, (4.95, 4.97), 1.4, 93.9, -42.7, 5228.0),
    _Phase(3_300, "aug", 0.060, 0.97, 0.0, 0.0, (4.96, 4.97), 1.4, 93.4, -36.1, 5228.0),
    _Phase(1_900, "aug", 0.037, 0.96, 0.0, 0.0, (4.97, 5.0), 1.4, 93.4, -36.1, 5228.0),
    _Phase(70, "oct", 0.150, 0.9, 0.1, 0.1, (5.05, 5.0), -0.1, 93.8, -40.4, 5196.0),
    _Phase(3_600, "nov", 0.090, 0.88, 0.2, 0.05, (4.9, 4.0), -0.1, 93.2, -42.0, 5196.0),
    _Phase(10, "dec", 0.150, 0.9, 0.3, 0.1, (3.5, 3.0), -0.2, 92.8, -50.0, 5176.0),
    # 2009: low rates, employment falls.
    _Phase(290, "mar", 0.300, 0.9, 0.25, 0.1, (1.8, 1.6), -1.8, 92.8, -50.0, 5099.0),
    _Phase(2_460, "apr", 0.130, 0.94, 0.27, 0.05, (1.5, 1.4), -1.8, 93.1, -47.1, 5099.0),
    _Phase(1_550, "may", 0.180, 0.94, 0.3, 0.15, (1.4, 1.33), -1.8, 92.9, -46.2, 5099.0),
    _Phase(2_100, "may", 0.062, 0.91, 0.35, 0.06, (1.33, 1.28), -1.8, 92.9, -46.2, 5099.0),
    _Phase(2_100, "may", 0.110, 0.92, 0.3, 0.08, (1.28, 1.25), -1.8, 92.9, -46.2, 5099.0),
    _Phase(720, "jun", 0.360, 0.9, 0.3, 0.35, (1.25, 1.15), -2.9, 93.0, -40.8, 5076.0),
    _Phase(180, "jul", 0.450, 0.9, 0.35, 0.4, (1.1, 0.95), -2.9, 92.5, -33.6, 5076.0),
    _Phase(770, "aug", 0.430, 0.92, 0.35, 0.4, (0.9, 0.82), -2.9, 92.2, -31.4, 5076.0),
    _Phase(270, "sep", 0.480, 0.9, 0.45, 0.5, (0.82, 0.76), -3.4, 92.4, -29.8, 5018.0),
    _Phase(450, "oct", 0.480, 0.88, 0.5, 0.5, (0.76, 0.73), -3.4, 92.4, -26.9, 5018.0),
    _Phase(360, "nov", 0.480, 0.86, 0.5, 0.5, (0.73, 0.71), -3.4, 92.6, -30.1, 5018.0),
    _Phase(170, "dec", 0.500, 0.8, 0.5, 0.5, (0.71, 0.7), -3.0, 92.7, -33.0, 5024.0),
    # 2010: recovery, few calls to well-chosen clients.
    _Phase(265, "mar", 0.520, 0.85, 0.5, 0.5, (0.66, 0.64), -1.8, 93.4, -34.8, 5009.0),
    _Phase(180, "apr", 0.500, 0.85, 0.5, 0.5, (0.64, 0.66), -1.8, 93.7, -34.6, 5009.0),
    _Phase(210, "may", 0.480, 0.85, 0.5, 0.5, (0.66, 0.7), -1.8, 93.9, -40.0, 5009.0),
    _Phase(230, "jun", 0.480, 0.83, 0.52, 0.5, (0.7, 0.76), -1.7, 94.1, -39.8, 4992.0),
    _Phase(310, "jul", 0.500, 0.82, 0.58, 0.52, (0.76, 0.88), -1.7, 94.2, -40.3, 4992.0),
    _Phase(230, "aug", 0.500, 0.82, 0.6, 0.52, (0.88, 0.89), -1.7, 94.0, -38.3, 4992.0),
    _Phase(310, "sep", 0.510, 0.8, 0.6, 0.52, (0.88, 0.9), -1.1, 94.2, -37.5, 4964.0),
    _Phase(205, "oct", 0.520, 0.8, 0.6, 0.52, (0.92, 1.0), -1.1, 94.6, -49.5, 4964.0),
    _Phase(128, "nov", 0.520, 0.8, 0.6, 0.52, (1.03, 1.05), -1.1, 94.8, -50.8, 4964.0),
)
# Log-odds by regime: what tells a subscriber apart in 2008 does not in 2010.
_EFFECTS: dict[str, dict[str, float]] = {
    "plateau": {"mature": 0.5, "young_or_old": -0.5, "unknown_default": 0.3, "repeat": -0.03},
    "crash": {"mature": -0.2, "young_or_old": 0.7, "unknown_default": -0.4, "repeat": -0.08},
    "recovery": {"mature": -0.2, "young_or_old": 0.6, "unknown_default": -0.4, "repeat": -0.12},
}
_SUCCESS, _FAILURE, _CELLULAR = 2.2, -0.2, 0.4


def generate(rows: int = FULL_ROWS, seed: int = 0) -> pd.DataFrame:
    """Draw a stream with the published columns that drifts as the economy of 2008 to 2010 did.

    Prices, confidence, employment and the Euribor move through a plateau, a crash and a recovery;
    calls move from telephone to cellular; clients contacted before appear only after the first half;
    positives rise from 3% to 50%, and what tells them apart changes. A model trained once on the first
    half goes stale.

    Args:
        rows: Number of rows; the calendar is stretched over them.
        seed: Seed; the same seed gives the same rows.

    Returns:
        `rows` rows in time order with the columns of `published.COLUMNS`.

    Raises:
        ConfigurationError: If `rows` is below 100: the calendar has 29 phases.

    Example:
        >>> generate(rows=500).shape
        (500, 21)
    """
    if rows < 100:
        raise ConfigurationError(f"rows is {rows}: the stream needs at least 100 to show its drift")
    generator = np.random.default_rng(seed)
    ends = np.cumsum([phase.rows for phase in _CALENDAR], dtype=float)
    edges = np.concatenate([[0], np.rint(ends / ends[-1] * rows).astype(int)])
    counts = np.diff(edges).tolist()
    parts = [
        _draw(phase, count, generator)
        for phase, count in zip(_CALENDAR, counts, strict=True)
        if count
    ]
    return pd.concat(parts, ignore_index=True)


def _draw(phase: _Phase, count: int, generator: np.random.Generator) -> pd.DataFrame:
    def pick(column: str, *shares: float) -> np.ndarray:
        weights = np.asarray(shares) / sum(shares)
        return generator.choice(CATEGORIES[column][: len(shares)], size=count, p=weights)

    late = phase.emp < -1.8 or phase.euribor[1] < 1.1
    share_of = {**_JOBS, "student": 0.06, "retired": 0.12} if late else _JOBS
    job = pick("job", *share_of.values())
    age = 24 + generator.gamma(3.2, 4.8, count)
    age = np.where(job == "student", 18 + generator.gamma(3.0, 2.5, count), age)
    age = np.where(job == "retired", generator.normal(62 + 4 * late, 9, count), age)
    age = np.clip(np.rint(age), 17, 98).astype(int)
    married = generator.random(count) < np.interp(age, [20, 30, 45, 70], [0.05, 0.45, 0.75, 0.8])
    alone = np.where(age < 40, pick("marital", 0.08, 0, 0.915, 0.005), pick("marital", 0.7, 0, 0.3))
    manual = np.isin(job, ["blue-collar", "services", "housemaid", "retired"])
    schooling = [pick("education", *_SCHOOLING[kind]) for kind in ("manual", "office")]
    contact = pick("contact", phase.cellular, 1 - phase.cellular)
    unasked = 0.1 if late else 0.24
    default = pick("default", 1 - unasked - 0.0001, 0.0001, unasked)
    campaign = np.minimum(generator.geometric(0.55 if late else 0.38, count), 56)

    known = generator.random(count) < phase.known
    won = known & (generator.random(count) < phase.success)
    previous = np.where(known, np.minimum(generator.geometric(0.75, count), 7), 0)
    recent = won | (known & (generator.random(count) < 0.05))
    pdays = np.where(recent, np.clip(generator.poisson(6, count), 0, 27), 999)

    regime = "recovery" if late else "crash" if phase.emp < 1 else "plateau"
    effect = _EFFECTS[regime]
    log_odds = (
        effect["mature"] * ((age >= 45) & (age < 60))
        + effect["young_or_old"] * np.isin(job, ["student", "retired"])
        + effect["unknown_default"] * (default == "unknown")
        + effect["repeat"] * np.minimum(campaign - 1, 10)
        + _CELLULAR * (contact == "cellular")
        + _SUCCESS * won
        + _FAILURE * (known & ~won)
    )
    positive = generator.random(count) < _sigmoid(log_odds + _intercept(log_odds, phase.rate))
    # Known only after the call: subscribers talk for longer.
    duration = generator.lognormal(np.where(positive, 6.1, 5.1), np.where(positive, 0.6, 0.9))
    euribor = np.linspace(*phase.euribor, count) + generator.normal(0, 0.001, count)
    return pd.DataFrame(
        {
            "age": age,
            "job": job,
            "marital": np.where(married, "married", alone),
            "education": np.where(manual, *schooling),
            "default": default,
            "housing": pick("housing", 0.45, 0.525, 0.025),
            "loan": pick("loan", 0.825, 0.15, 0.025),
            "contact": contact,
            "month": phase.month,
            "day_of_week": pick("day_of_week", 0.207, 0.196, 0.198, 0.209, 0.19),
            "duration": np.minimum(duration, 4_900).astype(int),
            "campaign": campaign,
            "pdays": pdays,
            "previous": previous,
            "poutcome": np.where(won, "success", np.where(known, "failure", "nonexistent")),
            "emp.var.rate": phase.emp,
            "cons.price.idx": phase.cpi,
            "cons.conf.idx": phase.cci,
            "euribor3m": np.round(euribor, 3),
            "nr.employed": phase.nr,
            "y": np.where(positive, "yes", "no"),
        }
    ).astype({name: object for name in CATEGORIES})


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _intercept(log_odds: np.ndarray, rate: float) -> float:
    """Return the constant at which the mean probability is `rate`, by bisection."""
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(log_odds + middle).mean() < rate else (low, middle)
    return (low + high) / 2


def with_ids_and_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each row an identifier and a moment.

    The table has no year and no day: its row order is the time. So the moments are spread evenly over
    the campaigns' period; they are a clock for windows and do not follow the `month` column.

    Args:
        frame: Rows in time order.

    Returns:
        A copy with `call_id` (`c-000000`, ...) and `called_at` (UTC, whole seconds, strictly
        increasing from 2008-05-01 to at most 2010-11-30) in front.

    Raises:
        DataRejected: If the frame has such a column already.

    Example:
        >>> with_ids_and_times(generate(rows=500))["call_id"].iloc[-1]
        'c-000499'
    """
    for name in ("call_id", "called_at"):
        if name in frame:
            raise DataRejected(f"the stream has a column {name!r} already", column=name)
    step = int((LAST_MOMENT - FIRST_MOMENT).total_seconds()) // max(len(frame) - 1, 1)
    clocked = frame.reset_index(drop=True)
    moments = FIRST_MOMENT + pd.to_timedelta(np.arange(len(frame)) * step, unit="s")
    clocked.insert(0, "call_id", [f"c-{row:06d}" for row in range(len(frame))])
    clocked.insert(1, "called_at", moments)
    return clocked
