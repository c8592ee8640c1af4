"""Reading 500,000 predictions of 20 features into pandas, against `DataFrame(list(find()))`.

On the client's side alone: a responder replays batches that were recorded from a real server, so
that the server's speed is out of the comparison. Then end to end, with fewer rows, on that server,
and on SQLite. Every measurement is made in a process of its own; shown are medians.

    python benchmarks/bulk_read.py [--rows 500000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pymongo
from prefect_mlops.core.results import Window
from prefect_mlops.storage.documents import Document, encode_row
from prefect_mlops.storage.mongodb import _ROWS_PER_REPLY, MongoStore
from prefect_mlops.storage.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.mongodb import mongodb_uri
from support.replay import Recording, replay

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(days=30))
RECORDED = 20_000
# What MongoDB sends when nobody asks for a batch size: 101 documents, then 16 MiB a reply.
FIRST, REPLY_BYTES = 101, 16 * 2**20


def features(count: int) -> list[dict[str, object]]:
    """Twenty features a row: 14 numbers, 3 integers, 3 categories."""
    rng = np.random.default_rng(0)
    columns = {f"number_{i:02d}": rng.normal(size=count).tolist() for i in range(14)}
    columns |= {f"count_{i}": rng.integers(0, 1_000, count).tolist() for i in range(3)}
    jobs = ["admin.", "blue-collar", "technician", "services", "management", "retired"]
    columns |= {f"category_{i}": rng.choice(jobs, count).tolist() for i in range(3)}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def documents() -> tuple[list[Document], list[dict[str, object]]]:
    """The rows as the package stores them, and as somebody would by hand."""
    ours, by_hand = [], []
    for number, row in enumerate(features(RECORDED)):
        at, score = START + timedelta(seconds=number), {"yes": 0.25, "no": 0.75}
        ours.append(
            encode_row(
                model="calls",
                id=f"{number:032x}",
                role="champion",
                version="3",
                at=at,
                features=row,
                prediction="no",
                score=score,
                label="no",
                latency_seconds=0.01,
            )
        )
        by_hand.append(
            {
                "id": f"{number:032x}",
                "model": "calls",
                "version": "3",
                "at": at,
                **row,
                "prediction": "no",
                **score,
                "label": "no",
                "latency_seconds": 0.01,
            }
        )
    return ours, by_hand


READERS = {
    "by hand": """
import pymongo, pandas as pd
with pymongo.MongoClient({uri!r}) as client:
    rows = client.get_default_database()["by_hand"]
    measure(lambda: pd.DataFrame(list(rows.find({{"model": "calls"}}))))
""",
    "prefect-mlops": """
from prefect_mlops.storage.open import open_store
from prefect_mlops.core.results import Window
import pandas, pyarrow, pymongoarrow.context
with open_store({uri!r}, timeout_seconds=60) as store:
    window = Window.model_validate({window!r})
    measure(lambda: store.read("calls", window).to_pandas())
""",
}
MEASURE = """
import json, re, time, warnings
from pathlib import Path
warnings.filterwarnings("ignore")
def peak():
    # Of this program alone: what `getrusage` tells begins with the parent's.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
def measure(read):
    before, begun, spent = peak(), time.perf_counter(), time.process_time()
    frame = read()
    print(json.dumps([len(frame), time.perf_counter() - begun, time.process_time() - spent, peak() - before]))
"""


def run(reader: str, uri: str) -> tuple[int, float, float, float]:
    """Rows, seconds, processor seconds and extra peak memory (MiB) of one read."""
    code = MEASURE + READERS[reader].format(uri=uri, window=WINDOW.model_dump(mode="json"))
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    )
    return tuple(json.loads(done.stdout))


def compare(title: str, readers: dict[str, str], rounds: int) -> None:
    """Measure readers in turn, and print their medians and ratios to the first."""
    found = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader, uri in readers.items():
            found[reader].append(run(reader.partition(",")[0], uri))
    print(f"\n{title}")
    base = None
    for reader, runs in found.items():
        rows, seconds, spent, memory = (
            statistics.median(column) for column in zip(*runs, strict=True)
        )
        base = base or (seconds / rows, memory / rows)
        print(
            f"  {reader:24s} {rows:>9,.0f} rows {seconds:7.2f} s (processor {spent:6.2f} s) "
            f"{rows / seconds:>9,.0f} rows/s, {base[0] / (seconds / rows):5.2f} times as fast; "
            f"extra peak {memory:6.0f} MiB, {memory / rows / base[1]:4.2f} of it"
        )


def batches(documents: list[bytes], first: int | None, times: int) -> list[bytes]:
    """Lay recorded documents out as replies."""
    every = documents * times
    begin, replies = 0, []
    if first:
        replies.append(b"".join(every[:first]))
        begin = first
    per_reply = min(REPLY_BYTES // max(map(len, documents)), 10**9 if first else _ROWS_PER_REPLY)
    for place in range(begin, len(every), per_reply):
        replies.append(b"".join(every[place : place + per_reply]))
    return replies


def split(replies: list[bytes]) -> list[bytes]:
    """Return the documents of replies, one each."""
    found = []
    for reply in replies:
        place = 0
        while place < len(reply):
            size = int.from_bytes(reply[place : place + 4], "little")
            found.append(reply[place : place + size])
            place += size
    return found


def main() -> None:
    """Run all three comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours, by_hand = documents()
    with tempfile.TemporaryDirectory() as folder, mongodb_uri() as uri:
        with SqliteStore(f"{folder}/p.db") as store:
            store.append_documents(ours)
        with MongoStore(uri, timeout_seconds=60) as store, pymongo.MongoClient(uri) as client:
            database = client.get_default_database()
            database.drop_collection("by_hand")
            database["by_hand"].insert_many(by_hand)
            store.append_documents(ours)
            fields = _fields(store)
            recorded = split(list(database["mlops_predictions"].find_raw_batches({}, fields)))
            recorded_by_hand = split(list(database["by_hand"].find_raw_batches({})))
            columns = [
                bytes(bson_)
                for bson_ in split(list(database["mlops_columns"].find_raw_batches({})))
            ]
            schema = split(list(database["mlops_schema"].find_raw_batches({})))
        times = max(1, options.rows // RECORDED)
        recordings = [
            Recording("by_hand", batches(recorded_by_hand, FIRST, times), times * RECORDED),
            Recording("mlops_predictions", batches(recorded, None, times), times * RECORDED),
            Recording("mlops_columns", [b"".join(columns)], len(columns)),
            Recording("mlops_schema", [b"".join(schema)], 1),
        ]
        with replay(*recordings) as replayed:
            compare(
                "client's side alone (replayed batches)",
                {"by hand": replayed, "prefect-mlops": replayed},
                options.rounds,
            )
        compare(
            "end to end, on the server at hand and on SQLite",
            {
                "by hand": uri,
                "prefect-mlops": uri,
                "prefect-mlops, SQLite": f"sqlite:///{folder}/p.db",
            },
            options.rounds,
        )


def _fields(store: MongoStore) -> dict[str, int]:
    from prefect_mlops.storage.arrow import ArrowDecoder
    from prefect_mlops.storage.columns import column_layouts

    return {
        "_id": 0,
        **dict.fromkeys(ArrowDecoder(column_layouts(store._columns("calls"), None)).fields, 1),
    }


if __name__ == "__main__":
    main()
