"""kill -9 at random moments under load: no span is lost and none is counted twice, in spans and in rollups."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.errors import StoreError
from driftline.settings import load
from driftline_processors.prepare import prepare
from driftline_store.client import connect
from ingest_support import captured
from store_fixtures import RunningStore, start_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client

ROUNDS = 4
SPANS_A_MESSAGE = 25
SETTLE_SECONDS = 90


def message(chance: random.Random) -> bytes:
    """A request with many root spans made of a captured one, with ids of their own."""
    request = ExportTraceServiceRequest.FromString(captured("otel-genai-openai-1.3b0", "chat"))
    [original] = request.resource_spans[0].scope_spans[0].spans
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(SPANS_A_MESSAGE - 1):
        spans.add().CopyFrom(original)
    for span in spans:
        span.trace_id = chance.randbytes(16)
        span.span_id = chance.randbytes(8)
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + chance.randrange(10**6, 10**10)
    return request.SerializeToString()


@dataclass
class Load:
    """A producer that keeps sending until told to stop."""

    url: str
    seed: int
    messages: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        chance = random.Random(self.seed)
        with open_bus(self.url) as bus:
            producer = bus.producer()
            while not self.stop.wait(0.02):
                producer.send(SPANS_TOPIC, message(chance))
                self.messages += 1
            producer.close()


class Ingest:
    """The ingest process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start()

    def start(self) -> None:
        environ = os.environ | {"DRIFTLINE_DATA_DIR": str(self.path), "DRIFTLINE_BATCH_SECONDS": "0.1"}
        with (self.path / "ingest.log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "driftline_cli", "ingest"], env=environ, stderr=log)

    def keep_running(self) -> None:
        """As the supervisor does."""
        if self.process.poll() is not None:
            self.start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, (self.path / "ingest.log").read_text()


@contextlib.contextmanager
def sending(url: str, seed: int) -> Iterator[Load]:
    producer = Load(url, seed)
    thread = threading.Thread(target=producer.run)
    thread.start()
    try:
        yield producer
    finally:
        producer.stop.set()
        thread.join()


def stored(store: RunningStore) -> dict[str, int]:
    client = store.client()
    try:
        [row] = client.query(
            "SELECT (SELECT count() FROM llm_spans), (SELECT uniqExact(span_id) FROM llm_spans), "
            "(SELECT sum(requests) FROM llm_rollups WHERE resolution = 'day'), "
            "(SELECT sum(calls) FROM llm_rollups WHERE resolution = 'day'), "
            "(SELECT sum(arraySum(mapValues(call_seconds))) FROM llm_rollups WHERE resolution = 'day')"
        ).result_rows
    finally:
        client.close()
    return dict(zip(("spans", "distinct", "requests", "calls", "histogram"), map(int, row), strict=True))


class Progress:
    """How many spans are stored, asked through one client until that one fails: opening one costs five looks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._client: Client | None = None

    def spans(self) -> int:
        """-1: the store does not answer."""
        try:
            self._client = self._client or connect(self._path)
            return int(self._client.query("SELECT count() FROM llm_spans").result_rows[0][0])
        except (StoreError, ClickHouseError):
            self.close()
            return -1

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def wait_for_progress(progress: Progress, ingest: Ingest) -> None:
    """A round counts only if the killed process had come back to work."""
    before, deadline = progress.spans(), time.monotonic() + SETTLE_SECONDS
    while progress.spans() <= max(before, 0):
        assert time.monotonic() < deadline, (ingest.path / "ingest.log").read_text()[-4000:]
        ingest.keep_running()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["ingest", "store"])
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path, victim: str) -> None:
    seed = int(os.environ.get("DRIFTLINE_TEST_SEED", time.time_ns() % 10**9))
    print(f"seed {seed}: repeat with DRIFTLINE_TEST_SEED={seed}")
    chance = random.Random(seed)
    store = start_store(tmp_path, prepared=True)
    prepare(load(data_dir=str(tmp_path))).close()
    ingest, progress = Ingest(tmp_path), Progress(tmp_path)
    with sending(f"sqlite:///{tmp_path / 'bus.db'}", seed) as producer:
        for _ in range(ROUNDS):
            wait_for_progress(progress, ingest)
            time.sleep(chance.uniform(0, 0.6))
            if victim == "ingest":
                ingest.kill()
                ingest.start()
            else:
                store.kill()
                store = start_store(tmp_path)
    expected = producer.messages * SPANS_A_MESSAGE
    deadline = time.monotonic() + SETTLE_SECONDS
    while progress.spans() < expected and time.monotonic() < deadline:
        ingest.keep_running()
        time.sleep(0.2)
    progress.close()
    ingest.stop()
    try:
        names = ("spans", "distinct", "requests", "calls", "histogram")
        assert stored(store) == dict.fromkeys(names, expected), f"seed {seed}"
    finally:
        store.stop()
