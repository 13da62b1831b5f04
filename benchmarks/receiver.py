"""Requests a second that one receiver takes, and what each costs in CPU time.

    python benchmarks/receiver.py [--quick] [--json]

One receiver in a process of its own, with a SQLite bus beside it; clients in this process keep one connection
each and send the next request when the last is acknowledged. A request has ten captured chat spans.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CAPTURED = Path(__file__).parents[1] / "tests/fixtures/otel-genai-openai-1.3b0/chat.otlp.pb"
SPANS = 10
CLIENTS = 4


def make_request() -> ExportTraceServiceRequest:
    """One request of ``SPANS`` spans."""
    chance = random.Random(7)
    request = ExportTraceServiceRequest.FromString(CAPTURED.read_bytes())
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(SPANS - 1):
        spans.add().CopyFrom(spans[0])
    for span in spans:
        span.trace_id, span.span_id = chance.randbytes(16), chance.randbytes(8)
    return request


def as_json(request: ExportTraceServiceRequest) -> bytes:
    """The request as OTLP/JSON, with hexadecimal ids."""
    document = MessageToDict(request, use_integers_for_enums=True)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId"):
            span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(document).encode()


def client(port: int, body: bytes, kind: str, until: float, counts: list[int]) -> None:
    """Send until the time is up; adds how many were acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    done = 0
    while time.monotonic() < until:
        connection.request("POST", "/v1/traces", body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the receiver answered {answer.status}")
        done += 1
    connection.close()
    counts.append(done)


def start(folder: str, port: int) -> psutil.Popen:
    """Start a receiver and wait until it answers."""
    command = [sys.executable, "-m", "driftline_cli", "receive", "--receiver-port", str(port)]
    process = psutil.Popen(command, env=os.environ | {"DRIFTLINE_DATA_DIR": folder}, stderr=subprocess.DEVNULL)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process


def measure(body: bytes, kind: str, seconds: float) -> dict[str, Any]:
    """Send one body again and again to a new receiver."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, port)
        counts: list[int] = []
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        arguments = (port, body, kind, began + seconds, counts)
        threads = [threading.Thread(target=client, args=arguments) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took, spent = time.monotonic() - began, sum(process.cpu_times()[:2]) - before
        process.terminate()
        process.wait()
    requests = sum(counts)
    return {"bytes": len(body), "requests_a_second": requests / took, "cpu_us_a_request": spent / requests * 1e6}


def main() -> None:
    """Measure both encodings and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = 2.0 if options.quick else 10.0
    request = make_request()
    found = {
        "protobuf": measure(request.SerializeToString(), "application/x-protobuf", seconds),
        "JSON": measure(as_json(request), "application/json", seconds),
    }
    if options.json:
        print(json.dumps(found))
        return
    print(f"{SPANS} spans a request, {CLIENTS} clients\n")
    print(f"{'encoding':<10}{'bytes':>8}{'requests/s':>12}{'µs CPU a request':>19}")
    for name, numbers in found.items():
        rate, cost = numbers["requests_a_second"], numbers["cpu_us_a_request"]
        print(f"{name:<10}{numbers['bytes']:>8}{rate:>12.0f}{cost:>19.0f}")


if __name__ == "__main__":
    main()
