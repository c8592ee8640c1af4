"""Real tables in time order, read from files that you have; none is part of the repository.

| stream | file | published |
| --- | --- | --- |
| `electricity` | `electricity.csv`, 45,312 rows with `date` and `day` | M. Harries, Splice-2, 1999 (Elec2, normalised) |
| `bike_sharing` | `hour.csv`, 17,379 rows | UCI Bike Sharing, doi 10.24432/C5W894 |
| `bank_marketing` | `bank-additional-full.csv`, 41,188 rows | UCI Bank Marketing, doi 10.24432/C5K306 |
| `wine_quality` | `winequality-red.csv` and `-white.csv`, 6,497 rows | UCI Wine Quality, doi 10.24432/C56S3T |
| `weather` | `weather.csv`, 18,159 days with `target` | NOAA Bellevue; Elwell, Polikar 2011 |
| `metro_traffic` | `Metro_Interstate_Traffic_Volume.csv`, 48,204 rows | UCI Metro Traffic, doi 10.24432/C5X60B |
| `insects` | `insects_gradual_balanced.csv`, 24,150 rows | Souza et al. 2020, INSECTS, without a header |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from prefect_mlops.core.errors import DataRejected, SourceUnavailable

from .stream import ID, TARGET, TIMESTAMP, Stream, Task

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def electricity(path: Path) -> pd.DataFrame:
    """Whether the price in New South Wales rises above its mean of a day, each half-hour from May 1996 on."""
    frame = _read(path, {"date", "day", "nswprice", "transfer", "class"})
    clock = pd.date_range("1996-05-07", periods=len(frame), freq="30min", tz="UTC")
    return _in_order(frame.rename(columns={"class": TARGET}), clock)


def bike_sharing(path: Path) -> pd.DataFrame:
    """Bicycles hired in Washington in each hour of 2011 and 2012."""
    frame = _read(path, {"dteday", "hr", "casual", "registered", "cnt"})
    days = pd.to_datetime(frame["dteday"], format="mixed", utc=True)
    clock = pd.DatetimeIndex(days + pd.to_timedelta(frame["hr"], "h"))
    parts = ["instant", "dteday", "casual", "registered"]
    return _in_order(
        frame.drop(columns=parts, errors="ignore").rename(columns={"cnt": TARGET}), clock
    )


def bank_marketing(path: Path) -> pd.DataFrame:
    """Whether a client called between May 2008 and November 2010 takes a deposit.

    The rows are in order and have months but no years: a year begins where the month falls, and a month's
    calls are spread evenly over 28 days. `duration` is left out, since it is known only after the call.
    """
    frame = _read(path, {"month", "duration", "euribor3m", "y"}, separator=";")
    month = frame["month"].map({name: number for number, name in enumerate(MONTHS, 1)})
    year = 2008 + (month.diff() < 0).cumsum()
    first = pd.to_datetime(pd.DataFrame({"year": year, "month": month, "day": 1}), utc=True)
    within = frame.groupby(first).cumcount() / frame.groupby(first)["month"].transform("size")
    clock = pd.DatetimeIndex(first + pd.to_timedelta(within * 28, "D").dt.round("s"))
    return _in_order(frame.drop(columns="duration"), clock)


def wine_quality(red: Path) -> pd.DataFrame:
    """The quality of red wines, and from the 1,600th row on of white ones; shuffled within each."""
    white = red.with_name(red.name.replace("red", "white"))
    frames = [
        _read(path, {"alcohol", "quality"}, separator=";").sample(frac=1, random_state=0)
        for path in (red, white)
    ]
    frame = pd.concat(frames, ignore_index=True).rename(columns={"quality": TARGET})
    clock = pd.date_range("2024-01-01", periods=len(frame), freq="h", tz="UTC")
    return _in_order(frame, clock)


def weather(path: Path) -> pd.DataFrame:
    """Whether it rains in Bellevue, Nebraska, each day for fifty years."""
    frame = _read(path, {"feat_1", "feat_8", "target"})
    clock = pd.date_range("1949-01-01", periods=len(frame), freq="D", tz="UTC")
    return _in_order(frame.rename(columns={"target": TARGET}), clock)


def metro_traffic(path: Path) -> pd.DataFrame:
    """Cars in each hour on a motorway west of Minneapolis from October 2012 to September 2018, with gaps."""
    frame = _read(path, {"date_time", "temp", "weather_main", "traffic_volume"})
    frame = frame.drop_duplicates("date_time").reset_index(drop=True)
    clock = pd.DatetimeIndex(pd.to_datetime(frame["date_time"], format="mixed", utc=True))
    frame = frame.assign(hour=clock.hour, weekday=np.asarray(clock.day_name(), dtype=object))
    return _in_order(
        frame.drop(columns="date_time").rename(columns={"traffic_volume": TARGET}), clock
    )


def insects(path: Path) -> pd.DataFrame:
    """Which of six sorts of mosquito flew past a sensor, as the temperature changes gradually."""
    frame = _read(path, set(), header=None)
    frame.columns = [*(f"att_{k}" for k in range(1, frame.shape[1])), TARGET]
    frame[TARGET] = "class " + frame[TARGET].astype(str)
    clock = pd.date_range("2019-01-01", periods=len(frame), freq="5min", tz="UTC")
    return _in_order(frame, clock)


def from_file(path: Path, read: Callable[[Path], pd.DataFrame]) -> Stream:
    """Return a real table as a stream.

    Args:
        path: The file; for wine the red one, with the white one beside it.
        read: One of this module's readers; its name is the stream's.

    Returns:
        The stream. Whether it harms a model trained once is not told before it is measured.
    """
    task, held_out, history, window = TABLES[read.__name__][1:]
    return Stream(
        name=read.__name__,
        task=task,
        kind="real",
        harmful=None,
        held_out=held_out,
        history=history,
        window=window,
        build=partial(read, path),
        story=read.__doc__ or "",
    )


def found(folder: Path) -> dict[str, Stream]:
    """Return the real tables that lie in a folder or below it, by their published file names.

    Raises:
        SourceUnavailable: If the folder has none.
    """
    readers = (
        electricity,
        bike_sharing,
        bank_marketing,
        wine_quality,
        weather,
        metro_traffic,
        insects,
    )
    paths = {
        read: next(iter(sorted(folder.rglob(TABLES[read.__name__][0]))), None) for read in readers
    }
    streams = {read.__name__: from_file(path, read) for read, path in paths.items() if path}
    if not streams:
        names = ", ".join(row[0] for row in TABLES.values())
        raise SourceUnavailable(
            f"{folder} has no table that is known here: expected one of {names}"
        )
    return streams


TABLES: dict[str, tuple[str, Task, bool, int, int]] = {
    "electricity": ("electricity.csv", "binary", False, 5_312, 2_000),
    "bike_sharing": ("hour.csv", "regression", False, 3_879, 1_500),
    "bank_marketing": ("bank-additional-full.csv", "binary", False, 20_000, 2_000),
    "wine_quality": ("winequality-red.csv", "regression", False, 1_099, 500),
    "weather": ("weather.csv", "binary", True, 4_159, 1_400),
    "metro_traffic": ("Metro_Interstate_Traffic_Volume.csv", "regression", True, 6_000, 2_000),
    "insects": ("insects_gradual_balanced.csv", "multiclass", True, 4_150, 2_000),
}


def _read(
    path: Path, expected: set[str], *, separator: str = ",", header: int | None = 0
) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, sep=separator, header=header)
    except (OSError, ValueError) as error:
        raise SourceUnavailable(
            f"cannot read {path}: {error}. Expected a table with a column a field, separated by "
            f"{separator!r}, as benchmarks/drifting/files.py lists them"
        ) from error
    if missing := sorted(expected - set(frame.columns)):
        raise DataRejected(
            f"{path} lacks the columns {', '.join(missing)}: it has {', '.join(map(str, frame.columns))}. "
            "Take the file that benchmarks/drifting/files.py lists",
            column=missing[0],
        )
    return frame


def _in_order(frame: pd.DataFrame, clock: pd.DatetimeIndex) -> pd.DataFrame:
    ids = [f"row-{row:06d}" for row in range(len(frame))]
    frame = frame.assign(**{ID: ids, TIMESTAMP: clock}).sort_values(TIMESTAMP, kind="stable")
    features = [name for name in frame.columns if name not in {ID, TIMESTAMP, TARGET}]
    return frame[[ID, TIMESTAMP, *features, TARGET]].reset_index(drop=True)
