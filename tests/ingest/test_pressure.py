"""A store that is slow, full or away: ingest waits, says so once, and stores the same batch once it can."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_processors import otlp
from driftline_processors.ingest_worker import Worker
from driftline_processors.prepare import prepare
from driftline_processors.targets import TARGETS
from ingest_support import captured
from store_fixtures import FOR_EVER, PRICES_AND_RULES, empty, start_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from driftline.settings import Settings
    from driftline_store.client import Client
    from store_fixtures import RunningStore

MESSAGE = captured("otel-genai-openai-1.3b0", "chat")
WAIT_SECONDS = 60


@pytest.fixture
def client(prepared: Client) -> Client:
    empty(prepared, keep=PRICES_AND_RULES)
    return prepared


@pytest.fixture
def settings(embedded_store: RunningStore, client: Client, tmp_path: Path) -> Settings:
    place = embedded_store.endpoint
    store = f"clickhouse://{place.user}:{place.password}@{place.host}:{place.port}/{client.database}"
    return load({}, data_dir=str(tmp_path), store=store, batch_seconds=0.05, **FOR_EVER)


@contextlib.contextmanager
def working(settings: Settings) -> Iterator[Worker]:
    """The worker of the spans, in a thread."""
    stop = threading.Event()
    with open_bus(settings.bus_url) as bus:
        worker = Worker(TARGETS[0], bus, settings, stop)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker
        finally:
            stop.set()
            thread.join()


def send(settings: Settings, count: int) -> None:
    with open_bus(settings.bus_url) as bus:
        producer = bus.producer()
        for _ in range(count):
            producer.send(SPANS_TOPIC, MESSAGE)
        producer.close()


def sample(worker: Worker, metric: str) -> float:
    return next(one.value for one in worker.samples() if one.metric == metric)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored(client: Client) -> tuple[int, int]:
    """Spans, and calls in the rollups."""
    [row] = client.query(
        "SELECT (SELECT count() FROM llm_spans), (SELECT toInt64(sum(calls)) FROM llm_rollups WHERE resolution = 'day')"
    ).result_rows
    return row[0], row[1]


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [
        record.getMessage() for record in caplog.records if record.name.endswith("outage") and record.levelno == level
    ]


def test_too_many_parts_are_waited_out_with_the_same_batch(
    settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    send(settings, 1)
    with working(settings) as worker:
        until(lambda: stored(client)[0] == 1)
        client.command("ALTER TABLE llm_spans MODIFY SETTING parts_to_throw_insert = 1")
        send(settings, 5)
        until(lambda: sample(worker, "retries") >= 3)
        assert stored(client) == (1, 1)
        assert sample(worker, "store_away_seconds") > 0
        [error] = [one.text for one in worker.samples() if one.metric == "last_error"]
        assert "ClickHouse code 252" in error
        client.command("ALTER TABLE llm_spans MODIFY SETTING parts_to_throw_insert = 3000")
        until(lambda: sample(worker, "messages") == 6)
        assert sample(worker, "store_away_seconds") == 0
    assert stored(client) == (6, 6)
    assert len(said(caplog, logging.WARNING)) == 1, "said once, not at every try"
    assert len(said(caplog, logging.INFO)) == 1


def test_an_insert_that_takes_too_long_is_stopped_and_completed_by_its_repeat(
    settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "INSERT_SECONDS", 1)
    client.command("CREATE OR REPLACE TABLE slow (a UInt8) ENGINE = Null")
    client.command("CREATE MATERIALIZED VIEW slowly TO slow AS SELECT sleepEachRow(0.4) AS a FROM llm_spans")
    send(settings, 5)
    with working(settings) as worker:
        until(lambda: sample(worker, "retries") >= 1)
        monkeypatch.setattr(otlp, "INSERT_SECONDS", 60)
        client.command("DROP VIEW slowly SYNC")
        client.command("DROP TABLE slow SYNC")
        until(lambda: sample(worker, "messages") == 5)
        [error] = [one.text for one in worker.samples() if one.metric == "last_error"]
    assert "ClickHouse code 159" in error
    assert stored(client) == (5, 5)


@pytest.mark.slow
def test_a_store_that_comes_back_at_another_address_is_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings = load({}, data_dir=str(tmp_path), batch_seconds=0.05)
    store = start_store(tmp_path, prepared=True)
    try:
        prepare(settings).close()
        with working(settings) as worker:
            send(settings, 1)
            until(lambda: sample(worker, "messages") == 1)
            store.kill()
            send(settings, 3)
            until(lambda: sample(worker, "retries") >= 2)
            store = start_store(tmp_path)
            until(lambda: sample(worker, "messages") == 4)
        client = store.client()
        assert stored(client) == (4, 4)
        client.close()
    finally:
        store.stop()
    assert 1 <= len(said(caplog, logging.WARNING)) <= 2, "once for each way in which it was away"
    assert len(said(caplog, logging.INFO)) == 1
