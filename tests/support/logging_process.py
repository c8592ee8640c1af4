"""Programs that log predictions in a process of their own, for tests to end at any moment.

`python logging_process.py ACTION SETTINGS`, the settings as JSON. What `log` accepted is written to
standard output, an id a line, only after it was.
"""

import json
import os
import sys
import time
from itertools import count
from pathlib import Path

from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.logger.logger import PredictionLogger


def make(settings, **more):
    return PredictionLogger(model="calls", version="1", **{**settings["logger"], **more})


def say(text):
    # Straight to the kernel: a killed process has no time to empty its own buffer.
    os.write(1, f"{text}\n".encode())


def loop(settings):
    """Log without a pause, `rows` times or until killed."""
    logger = make(settings)
    for number in count() if settings.get("rows") is None else range(settings["rows"]):
        say(logger.log({"x": number}, number, id=f"{settings['prefix']}-{number}"))
    logger.close()


def wait(settings):
    """Log once, then work on something else until ended."""
    logger = make(settings)
    say(logger.log({"x": 1}, 1, id=settings["prefix"]))
    while True:
        time.sleep(0.01)


def fork(settings):
    """Log, fork, and let the child say what becomes of the logger; with `die`, the parent is killed."""
    logger = make(settings)
    say(logger.log({"x": 1}, 1, id=settings["prefix"]))
    if not settings.get("die"):
        logger.flush()
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            logger.log({"x": 2}, 2, id="child")
        except LogUnavailable as error:
            say(error)
        logger.close()
        if not settings.get("die"):
            own = make(settings)
            say(own.log({"x": 3}, 3, id=f"{settings['prefix']}-child"))
            own.close()
        os.write(writing, b".")
        if settings.get("die"):
            sys.stdin.read()
        sys.exit(0)
    os.read(reading, 1)
    if settings.get("die"):
        os.kill(os.getpid(), 9)
    os.wait()
    say(logger.log({"x": 4}, 4, id=f"{settings['prefix']}-later"))
    logger.close()


def fill(settings):
    """Log onto a small disk while the database is away until refused, then bring the database back."""
    logger = make(settings, timeout_seconds=0.3, flush_seconds=0.05)
    try:
        for number in range(100_000):
            say(logger.log({"x": "y" * 500}, number, id=f"before-{number}"))
    except LogUnavailable as error:
        say(f"refused: {error}")
    Path(settings["in_the_way"]).unlink()
    logger.flush()
    time.sleep(0.2)
    for number in range(200):
        say(logger.log({"x": "y" * 500}, number, id=f"after-{number}"))
    logger.close()
    say(f"dropped: {logger.counters().dropped}")


if __name__ == "__main__":
    {"loop": loop, "wait": wait, "fork": fork, "fill": fill}[sys.argv[1]](json.loads(sys.argv[2]))
