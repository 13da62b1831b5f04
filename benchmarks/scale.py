"""Throughput of ingest over its processes and the topic's partitions.

    python benchmarks/scale.py [--quick] [--json]

Each line is a new Kafka broker with a preloaded topic and a new embedded store, as in benchmarks/ingest.py. One store
serves all ingest processes, and all share the machine's cores: more of them than cores shows nothing new.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from support import ways
from support.load import SPANS
from support.processes import made
from support.topic import filled
from support.watch import NotRunError, Result

CORES = {0, 1}
MESSAGES, QUICK_MESSAGES = 480, 120
PLACES = [(workers, partitions) for workers in (1, 2) for partitions in (1, 2, 4)]
QUICK_PLACES = [(1, 1), (2, 2)]
"""Pairs of processes and partitions."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the spans, at two places")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--messages", type=int, help=f"of {SPANS} spans each, instead of {MESSAGES}")
    options = parser.parse_args()
    os.sched_setaffinity(0, CORES & os.sched_getaffinity(0))
    messages = options.messages or (QUICK_MESSAGES if options.quick else MESSAGES)
    if not options.json:
        print(f"{messages * SPANS} spans, {len(os.sched_getaffinity(0))} cores\n")
        print(f"{'processes':>9}{'partitions':>12}{'spans/s':>10}{'µs CPU a span':>16}  of which")
    for workers, partitions in QUICK_PLACES if options.quick else PLACES:
        try:
            result = measure(messages, workers, partitions)
        except NotRunError as error:
            print(json.dumps({"error": str(error)}) if options.json else f"not run: {error}")
            return
        show(result, workers, partitions, as_json=options.json)


def measure(messages: int, workers: int, partitions: int) -> Result:
    """From a topic of its own into a store of its own.

    Raises:
        NotRunError: there is no Kafka here, or a process ended.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with filled(made(folder, "kafka"), messages, partitions=partitions) as topic:
            return ways.driftline(topic, made(folder, "driftline"), workers=workers)


def show(result: Result, workers: int, partitions: int, *, as_json: bool) -> None:
    """One line."""
    if as_json:
        print(json.dumps(result.as_dict() | {"workers": workers, "partitions": partitions}), flush=True)
        return
    parts = ", ".join(f"{name} {seconds / result.spans * 1e6:.1f}" for name, seconds in result.cpu.items())
    print(f"{workers:>9}{partitions:>12}{result.rate:>10.0f}{result.cost:>16.1f}  {parts}", flush=True)


if __name__ == "__main__":
    main()
