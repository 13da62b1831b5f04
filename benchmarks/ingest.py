"""A preloaded Kafka topic into the store: spans a second, CPU time and bytes a span, beside two others.

    python benchmarks/ingest.py [--quick] [--json] [--otelcol PATH] [--phoenix PYTHON]

Real processes on the same two cores, one way after the other, each from the same topic to the same end state: all
spans can be counted in its store by SQL. CPU time is that of all processes of a way, its store's included, merges
after the last insert too; the broker's is not. docs/benchmarks.md says how to get the other two.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from support import ways
from support.load import SPANS
from support.processes import made
from support.topic import Topic, filled
from support.watch import NotRunError, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CORES = {0, 1}
MESSAGES, QUICK_MESSAGES = 2000, 240
PHOENIX_MESSAGES, QUICK_PHOENIX_MESSAGES = 16, 4
"""It is slower by so much that fewer say enough."""


def main() -> None:
    """Measure and print."""
    options = arguments()
    os.sched_setaffinity(0, CORES & os.sched_getaffinity(0))
    count = options.messages or (QUICK_MESSAGES if options.quick else MESSAGES)
    with tempfile.TemporaryDirectory() as folder:
        compression = None if options.compression == "none" else options.compression
        place = made(Path(folder), "kafka")
        try:
            with filled(place, count, partitions=options.partitions, compression=compression) as topic:
                if not options.json:
                    print(f"{topic.spans} spans of {topic.size / topic.spans:.0f} bytes in {count} messages, ", end="")
                    print(f"{options.partitions} partitions, compressed with {options.compression}\n")
                show(measured(options, topic, Path(folder)), as_json=options.json)
        except NotRunError as error:
            print(json.dumps({"error": str(error)}) if options.json else f"not run: {error}")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the spans")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--otelcol", default=os.environ.get("DRIFTLINE_TEST_OTELCOL"), help="a Collector's binary")
    parser.add_argument("--phoenix", default=os.environ.get("DRIFTLINE_PHOENIX"), help="a Python with arize-phoenix")
    parser.add_argument("--workers", type=int, default=2, help="processes of driftline ingest")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--messages", type=int, help=f"of {SPANS} spans each, instead of {MESSAGES}")
    parser.add_argument("--compression", default="zstd", choices=["none", "gzip", "snappy", "lz4", "zstd"])
    return parser.parse_args()


def measured(options: argparse.Namespace, topic: Topic, folder: Path) -> Iterator[Result | tuple[str, str]]:
    """Results in turn, or the reason why there is none."""
    few = (QUICK_PHOENIX_MESSAGES if options.quick else PHOENIX_MESSAGES) * SPANS
    todo: dict[str, Callable[[Path], Result]] = {
        "Driftline": lambda place: ways.driftline(topic, place, workers=options.workers)
    }
    if options.otelcol:
        todo["OpenTelemetry Collector"] = lambda place: ways.collector(topic, place, options.otelcol)
    else:
        yield "OpenTelemetry Collector", "not run: no binary was named with --otelcol"
    if options.phoenix:
        todo["Phoenix"] = lambda place: ways.phoenix(place, options.phoenix, few)
    else:
        yield "Phoenix", "not run: no Python with arize-phoenix was named with --phoenix"
    for name, way in todo.items():
        try:
            yield way(made(folder, name))
        except NotRunError as error:
            yield name, f"not measured: {error}"


def show(results: Iterator[Result | tuple[str, str]], *, as_json: bool) -> None:
    """One line a result, as it comes."""
    base: Result | None = None
    if not as_json:
        print(f"{'way':<26}{'spans/s':>9}{'µs CPU a span':>15}{'times':>8}  {'of which':<32}bytes a span on disk")
    for result in results:
        if isinstance(result, tuple):
            print(json.dumps({"way": result[0], "error": result[1]}) if as_json else f"{result[0]:<26} {result[1]}")
            continue
        base = base or result
        if as_json:
            print(json.dumps(result.as_dict() | {"times": result.cost / base.cost}))
            continue
        parts = ", ".join(f"{name} {seconds / result.spans * 1e6:.1f}" for name, seconds in result.cpu.items())
        disk = ", ".join(f"{what} {size:.0f}" for what, size in result.disk.items())
        times = result.cost / base.cost
        print(f"{result.way:<26}{result.rate:>9.0f}{result.cost:>15.1f}{times:>8.1f}  {parts:<32}{disk}", flush=True)


if __name__ == "__main__":
    main()
