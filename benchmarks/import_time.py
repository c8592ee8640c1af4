"""How much longer `import prefect_mlops.flows` takes than `import prefect`: the promise is 1.15 times.

Run with `make bench`. Medians of interleaved runs of both in fresh interpreters, bytecode cached.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

REPETITIONS = 5
LIMIT = 1.15
STATEMENTS = ("import prefect", "import prefect_mlops.flows")


def seconds(statement: str, cache: str) -> float:
    """Return the wall time of a fresh interpreter that runs one statement."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print; fail above the limit."""
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    with tempfile.TemporaryDirectory() as cache:
        for statement in STATEMENTS:
            seconds(statement, cache)
        for _ in range(REPETITIONS):
            for statement in STATEMENTS:
                times[statement].append(seconds(statement, cache))
    medians = {statement: statistics.median(values) for statement, values in times.items()}
    for statement, median in medians.items():
        print(f"{statement:28} {median:.2f} s")
    ratio = medians[STATEMENTS[1]] / medians[STATEMENTS[0]]
    print(f"ratio {ratio:.3f}, promised at most {LIMIT}")
    if ratio > LIMIT:
        sys.exit(1)


if __name__ == "__main__":
    main()
