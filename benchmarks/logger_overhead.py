"""What logging a prediction costs its caller, against `insert_one` in the request, and how fast it goes.

Run with `make bench`. Promised: in the caller's thread, a median of 50 µs and a p99 of a twentieth of
`insert_one`'s at most; from one process, 0.9 of the rows per second that `insert_many` reaches by hand.

Every request does both, in random order, on one server beside it on this machine, and about 20 µs of
arithmetic: what that takes beyond is the machine's other work. At a steady rate, requests come at fixed
intervals, as in a service that has slept; in a loop they follow each other at once, and neither the server
nor the background thread rests. In blocks of 100, each does the same a hundred times before it is the
other's turn, so that neither finds the processor's caches full of the other's code.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import bson
import pymongo
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.storage.documents import encode_row
from prefect_mlops.storage.open import open_store
from pymongo.collection import Collection

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.mongodb import mongodb_server

REQUESTS = 3_000
WARM_UP = 100
PER_SECOND = 100
ROWS = 20_000
BATCH_ROWS = 500
REPETITIONS = 5
SCORE = {"yes": 0.7, "no": 0.3}
NUMBERS, COUNTS, TEXTS = 10, 5, 5
DIRECT, BY_HAND, NOISE = "insert_one in the request", "insert_many by hand", "arithmetic"


def features() -> dict[str, Any]:
    """Return 20 features."""
    return (
        {f"number_{i}": random.random() for i in range(NUMBERS)}
        | {f"count_{i}": random.randrange(1000) for i in range(COUNTS)}
        | {f"text_{i}": random.choice(("admin", "student", "retired")) for i in range(TEXTS)}
    )


def document(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the logger stores, as somebody who inserts by hand would have it."""
    encoded = encode_row(
        model="calls",
        id=uuid4().hex,
        role="champion",
        version="1",
        at=datetime.now(UTC),
        features=row,
        prediction="yes",
        score=SCORE,
    )
    return bson.decode(encoded.body)


@contextmanager
def by_hand(uri: str) -> Iterator[Collection[dict[str, Any]]]:
    """Open an empty collection that is indexed as the prediction log is."""
    name = f"hand{uuid4().hex[:8]}"
    open_store(uri, collection=name).close()
    with pymongo.MongoClient(uri) as client:
        yield client.get_default_database()[f"{name}_predictions"]


def spin(_: object) -> None:
    total = 0
    for i in range(550):
        total += i


def kinds(folder: str) -> dict[str, dict[str, Any]]:
    """Return the settings of each kind of logger."""
    return {
        "log, spool always": {"spool": folder},
        "log, spool when full": {"spool": folder, "spool_when": "full"},
        "log, memory only": {},
    }


def latencies(uri: str, interval: float, block: int = 1) -> dict[str, dict[str, list[float]]]:
    """Time each kind of logger beside `insert_one` in the same requests, sorted microseconds."""
    found = {}
    for name in kinds(""):
        with (
            tempfile.TemporaryDirectory() as folder,
            by_hand(uri) as collection,
            PredictionLogger(
                uri, "calls", "1", collection=f"bench{uuid4().hex[:8]}", **kinds(folder)[name]
            ) as logger,
        ):
            found[name] = timed(
                {
                    DIRECT: lambda row, insert=collection.insert_one: insert(row),
                    name: lambda row, log=logger.log: log(row, "yes", SCORE),
                    NOISE: spin,
                },
                interval,
                block,
            )
    return found


def timed(
    steps: dict[str, Callable[[dict[str, Any]], object]], interval: float, block: int
) -> dict[str, list[float]]:
    """Run every step so many times a turn, in random order."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    due = time.monotonic()
    for number in range(0, WARM_UP + REQUESTS, block):
        due += interval
        time.sleep(max(0.0, due - time.monotonic()))
        for name in random.sample(list(steps), len(steps)):
            rows = [features() for _ in range(block)]
            for given in map(document, rows) if name == DIRECT else rows:
                begun = time.perf_counter()
                steps[name](given)
                taken = time.perf_counter() - begun
                if number >= WARM_UP:
                    times[name].append(taken * 1e6)
    return {name: sorted(values) for name, values in times.items()}


def show(title: str, found: dict[str, dict[str, list[float]]]) -> None:
    print(f"\n{title}, {REQUESTS} requests each:\n")
    print(f"{'':26}{'median':>10}{'p99':>11}{'of insert_one: median':>27}{'p99':>8}")
    for times in found.values():
        direct = [at(times[DIRECT], share) for share in (0.5, 0.99)]
        for name, values in times.items():
            median, p99 = at(values, 0.5), at(values, 0.99)
            shares = f"{median / direct[0]:22.3f}{p99 / direct[1]:8.3f}"
            print(f"{name:26}{median:8.0f} µs{p99:8.0f} µs     {shares}")
        print()


def at(values: list[float], share: float) -> float:
    return values[int(len(values) * share)]


def inserted(uri: str, rows: list[dict[str, Any]]) -> float:
    """Return the rows per second of `insert_many`."""
    documents = [document(row) for row in rows]
    with by_hand(uri) as collection:
        begun = time.perf_counter()
        for begin in range(0, len(documents), BATCH_ROWS):
            collection.insert_many(documents[begin : begin + BATCH_ROWS], ordered=False)
        return len(rows) / (time.perf_counter() - begun)


def logged(uri: str, rows: list[dict[str, Any]], **options: Any) -> float:
    """Return the rows per second of a logger, until all are in the database."""
    with PredictionLogger(
        uri,
        "calls",
        "1",
        collection=f"rate{uuid4().hex[:8]}",
        batch_rows=BATCH_ROWS,
        timeout_seconds=60,
        **options,
    ) as logger:
        logger.flush()
        begun = time.perf_counter()
        for row in rows:
            logger.log(row, "yes", SCORE)
        logger.flush()
        return len(rows) / (time.perf_counter() - begun)


def rates(uri: str) -> dict[str, float]:
    """Return the medians of interleaved runs, each time in another order."""
    rows = [features() for _ in range(ROWS)]
    found: dict[str, list[float]] = {BY_HAND: [], **{name: [] for name in kinds("")}}
    for _ in range(REPETITIONS):
        for name in random.sample(list(found), len(found)):
            with tempfile.TemporaryDirectory() as folder:
                if name == BY_HAND:
                    rate = inserted(uri, rows)
                else:
                    rate = logged(uri, rows, **kinds(folder)[name])
            found[name].append(rate)
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Measure and print."""
    with mongodb_server() as server:
        show(f"At a steady {PER_SECOND} requests/s", latencies(server.uri, 1 / PER_SECOND))
        show("In a loop", latencies(server.uri, 0.0))
        show("In a loop, in blocks of 100", latencies(server.uri, 0.0, 100))
        found = rates(server.uri)
    print(f"\nRows per second until {ROWS} are in the database, batches of {BATCH_ROWS}\n")
    for name, rate in found.items():
        print(f"{name:28}{rate:8.0f}   {rate / found[BY_HAND]:5.2f} of it")


if __name__ == "__main__":
    main()
