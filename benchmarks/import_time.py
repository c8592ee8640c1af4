"""What importing costs, against what Prefect alone costs: the promise is 1.15 times at most.

Run with `make bench`. Medians of processor time, user and system, of interleaved runs in fresh interpreters with
bytecode cached. Wall time would measure the machine's other work too.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile

REPETITIONS = 5
LIMIT = 1.15
# What Prefect costs, and what this package makes of it. Flows are made when they are first asked for.
PAIRS = (
    ("import prefect", "import prefect_mlops.flows"),
    ("from prefect import flow, task", "from prefect_mlops.flows import train"),
)


def seconds(statement: str, cache: str) -> float:
    """Return the processor time of a fresh interpreter that runs one statement."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print; fail above the limit."""
    statements = [statement for pair in PAIRS for statement in pair]
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    with tempfile.TemporaryDirectory() as cache:
        for statement in statements:
            seconds(statement, cache)
        for _ in range(REPETITIONS):
            for statement in statements:
                times[statement].append(seconds(statement, cache))
    medians = {statement: statistics.median(values) for statement, values in times.items()}
    ratios = [medians[ours] / medians[alone] for alone, ours in PAIRS]
    for (alone, ours), ratio in zip(PAIRS, ratios, strict=True):
        print(f"{medians[alone]:6.2f} s  {alone}")
        print(f"{medians[ours]:6.2f} s  {ours}")
        print(f"{ratio:6.2f}    of it")
    print(f"promised for the first: at most {LIMIT}")
    sys.exit(ratios[0] > LIMIT)


if __name__ == "__main__":
    main()
