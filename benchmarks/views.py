"""CPU time of a span on its way into the store, beside decoding the same bytes in Python.

    python benchmarks/views.py [--quick] [--json]

All ways run in this one process, one after the other and interleaved over the rounds, on the same messages:
512 copies of a captured chat span with ids of their own. Fixed cost is what an insert costs whatever its
size; the cost of a span is the difference between a large and a small insert, divided by their spans.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import clickhouse_connect
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_processors import prices
from driftline_processors.install import install
from driftline_processors.otlp import TRACE_SCHEMA, frame, insert_settings
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CAPTURED = Path(__file__).parents[1] / "tests/fixtures/otel-genai-openai-1.3b0/chat.otlp.pb"
SPANS = 512
SMALL, LARGE = 1, 11

Way = Callable[[int], float]
"""Handles that many messages and gives the CPU seconds that it took."""


def make_message(chance: random.Random) -> bytes:
    """One request of ``SPANS`` spans."""
    request = ExportTraceServiceRequest.FromString(CAPTURED.read_bytes())
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(SPANS - 1):
        spans.add().CopyFrom(spans[0])
    for span in spans:
        span.trace_id, span.span_id = chance.randbytes(16), chance.randbytes(8)
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + chance.randrange(10**7, 10**9)
    return request.SerializeToString()


def in_python(message: bytes) -> Way:
    """Decode to dictionaries, without storing anything."""

    def run(count: int) -> float:
        began = time.process_time()
        for _ in range(count):
            MessageToDict(ExportTraceServiceRequest.FromString(message))
        return time.process_time() - began

    return run


def in_engine(client: Client, message: bytes, table: str) -> Way:
    """Insert into a Null table: the probe only parses, the other one feeds all views."""

    def run(count: int) -> float:
        body = frame(message) * count
        settings = insert_settings(TRACE_SCHEMA, random.randbytes(8).hex())
        began = time.process_time()
        client.raw_insert(table, insert_block=body, fmt="Protobuf", settings=settings)
        return time.process_time() - began

    return run


def measure(ways: dict[str, Way], rounds: int) -> list[dict[str, float | str]]:
    """Medians over the rounds, in which the ways take turns."""
    small: dict[str, list[float]] = {name: [] for name in ways}
    large: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            small[name].append(way(SMALL))
            large[name].append(way(LARGE))
    rows: list[dict[str, float | str]] = []
    for name in ways:
        a_span = (statistics.median(large[name]) - statistics.median(small[name])) / ((LARGE - SMALL) * SPANS)
        fixed = statistics.median(small[name]) - a_span * SPANS * SMALL
        rows.append({"way": name, "us_a_span": a_span * 1e6, "fixed_ms": max(fixed, 0.0) * 1e3})
    base = float(rows[0]["us_a_span"])
    return [row | {"ratio": float(row["us_a_span"]) / base} for row in rows]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    message = make_message(random.Random(1))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the engine keeps its copy of the message schema in the working directory
        client = clickhouse_connect.get_client(interface="chdb", path=f"{folder}/store")
        migrate(client)
        install(client)
        prices.preload(client)
        ways = {
            "decode in Python, nothing stored": in_python(message),
            "parse in the engine, nothing stored": in_engine(client, message, "otlp_traces_probe"),
            "parse, map, price, roll up and store": in_engine(client, message, "otlp_traces"),
        }
        rows = measure(ways, rounds=3 if options.quick else 15)
        client.close()
    if not options.json:
        print(f"{len(message) / SPANS:.0f} bytes a span, {SPANS} spans a message\n")
        print(f"{'way':40} {'µs CPU a span':>14} {'ratio':>6} {'fixed, ms an insert':>20}")
    for row in rows:
        if options.json:
            print(json.dumps(row))
        else:
            print(f"{row['way']:40} {row['us_a_span']:14.1f} {row['ratio']:6.2f} {row['fixed_ms']:20.1f}")


if __name__ == "__main__":
    main()
