"""The drifting tables on which the loop's default settings are judged, and how each drifts.

`python benchmarks/streams.py` prints the table of streams and, for each, the losses of a model trained once
against models retrained before every window (see drifting/yardstick.py). Name streams to measure those only.
Of the held-out streams it prints whether they harm, as told, and no losses, since defaults are chosen without
a look at them; `--held-out` prints those, too. `--data FOLDER` adds the real tables found in a folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from drifting.files import found
from drifting.held_out_concepts import HELD_OUT_CONCEPTS
from drifting.held_out_mixtures import HELD_OUT_MIXTURES
from drifting.open_concepts import OPEN_CONCEPTS
from drifting.open_mixtures import OPEN_MIXTURES
from drifting.stream import Stream
from drifting.yardstick import Yardstick, measure
from prefect_mlops.core.errors import SourceUnavailable

STREAMS: dict[str, Stream] = {
    **OPEN_CONCEPTS,
    **OPEN_MIXTURES,
    **HELD_OUT_CONCEPTS,
    **HELD_OUT_MIXTURES,
}
WORDS = {True: "harmful", False: "harmless", None: "unsure"}
HEADER = (
    f"{'stream':20} {'kind':24} {'task':10} {'set':8} {'rows':>6} {'cols':>4} {'history':>7} {'windows':>8}"
    f" {'told':>8} {'measured':>8} {'never':>6} {'always':>6} {'recent':>6} {'n/a':>5} {'n/r':>5}"
    "  never/recent by window"
)


def line(stream: Stream, yardstick: Yardstick, *, losses: bool) -> str:
    """Return a stream's line of the table."""
    frame = stream.build()
    count = len(yardstick.never)
    told = (
        f"{stream.name:20} {stream.kind:24} {stream.task:10} {'held out' if stream.held_out else 'open':8}"
        f" {len(frame):>6} {len(stream.features(frame)):>4} {stream.history:>7} {f'{count}x{stream.window}':>8}"
        f" {WORDS[stream.harmful]:>8} {WORDS[yardstick.harmful]:>8}"
    )
    if not losses:
        return told
    means = (sum(loss) / count for loss in (yardstick.never, yardstick.always, yardstick.recent))
    return (
        told
        + "".join(f" {mean:6.3f}" for mean in means)
        + f" {yardstick.never_to_always:5.2f} {yardstick.never_to_recent:5.2f}  "
        + " ".join(f"{ratio:.2f}" for ratio in yardstick.by_window)
    )


def main() -> None:
    """Print the table of streams."""
    parser = argparse.ArgumentParser(description="Print how each drifting table drifts.")
    parser.add_argument("names", nargs="*", help="streams to measure; all when none is named")
    parser.add_argument(
        "--held-out", action="store_true", help="print held-out streams' losses, too"
    )
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        help="a folder with real tables, see drifting/files.py",
    )
    parser.add_argument(
        "--stories", action="store_true", help="print what drifts, and measure nothing"
    )
    arguments = parser.parse_args()
    streams = dict(STREAMS)
    try:
        for folder in arguments.data:
            streams |= found(folder)
    except SourceUnavailable as error:
        parser.error(str(error))
    if unknown := set(arguments.names) - streams.keys():
        parser.error(
            f"no such stream: {', '.join(sorted(unknown))}; there are {', '.join(streams)}"
        )
    chosen = [streams[name] for name in arguments.names or streams]
    if arguments.stories:
        for stream in chosen:
            print(f"{stream.name} ({stream.kind})\n    {stream.story.strip()}\n")
        return
    print(HEADER)
    for stream in chosen:
        losses = arguments.held_out or not stream.held_out
        print(line(stream, measure(stream), losses=losses), flush=True)


if __name__ == "__main__":
    main()
