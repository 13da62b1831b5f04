"""What ``driftline status`` says about the receiver, the parts that run and feedback that waits."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_cli.app import app
from driftline_processors.ingest_worker import run
from driftline_processors.matching import match_pending
from driftline_processors.prepare import prepare
from driftline_store.client import connect
from receiver_support import free_port, receiving, spans_request
from store_fixtures import PRICES_AND_RULES, empty, running_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.settings import Settings
    from driftline_store.client import Client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a prepared store."""
    folder = tmp_path_factory.mktemp("status")
    with running_store(folder, prepared=True):
        prepare(load({}, data_dir=str(folder))).close()
        yield folder


@pytest.fixture
def settings(data: Path, tmp_path: Path) -> Settings:
    """Of that store, emptied, and a bus of the test's own."""
    with contextlib.closing(connect(data)) as client:
        empty(client, keep=PRICES_AND_RULES)
    return load({}, data_dir=str(data), bus=f"sqlite:///{tmp_path / 'bus.db'}", receiver_port=free_port())


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with contextlib.closing(connect(settings)) as connected:
        yield connected


def status(settings: Settings) -> str:
    names = ("data_dir", "bus", "receiver_port")
    environ = {f"DRIFTLINE_{name.upper()}": str(settings.values[name]) for name in names}
    done = CliRunner().invoke(app, ["status"], env=environ | {"COLUMNS": "250"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def line(settings: Settings, title: str) -> str:
    said = status(settings)
    found = re.search(rf"^ *{title} +(.*?) *$", said, re.MULTILINE)
    assert found, said
    return found[1]


def test_status_says_what_the_receiver_took_or_that_none_answers(settings: Settings) -> None:
    with receiving(settings) as sender:
        assert line(settings, "receiver") == "nothing received yet"
        sender.post(spans_request(1, 1).SerializeToString())
        assert line(settings, "receiver") == "2 spans accepted"
    assert line(settings, "receiver") == f"none answers at 127.0.0.1:{sender.port}"


def test_status_counts_feedback_whose_request_is_not_known(settings: Settings, client: Client) -> None:
    rows = "generateUUIDv4() AS id, now64(3) AS arrived, {id} AS response_id FROM numbers({count})"
    columns = "INSERT INTO evaluations_pending (id, arrived, response_id) SELECT "
    client.command(columns + rows.format(id="''", count=2))
    client.command(columns + rows.format(id="'unknown'", count=3))
    match_pending(client, settings)
    assert line(settings, "feedback without its request") == "3 waiting, 2 given up"


def test_status_says_what_applications_sent_and_how_much_of_it_is_stored(settings: Settings, client: Client) -> None:
    assert "No application's collector has reported" in status(settings)
    client.command(
        "INSERT INTO collector_reports (at, arrived, service, instance, started, emitted_spans, dropped, spooled) "
        "SELECT now64(6) - 100, now64(3) - 100, 'shop', 'a', now64(6) - 200, 100000, 1, 12"
    )
    client.command(
        "INSERT INTO llm_spans (collector, start, start_unix_nano, duration) "
        "SELECT 'a', now64(6) - 150 AS start, toUnixTimestamp64Micro(start) * 1000, 1 FROM numbers(99999)"
    )
    row = r"^ *shop +- +1 +100,000 +99,999 +99.99 % +0 +1 +0 +12 *$"
    said = status(settings)
    assert re.search(row, said, re.MULTILINE), said


def test_status_shows_the_ingest_that_runs_and_says_when_none_does(settings: Settings) -> None:
    assert "driftline ingest does not run" in status(settings)
    stop = threading.Event()
    with open_bus(settings.bus_url) as bus:
        producer = bus.producer()
        producer.send(SPANS_TOPIC, spans_request(1, 1).SerializeToString())
        producer.close()
    thread = threading.Thread(target=run, args=(settings, stop))
    thread.start()
    try:
        row = re.compile(
            rf"^ *ingest +\S+:{os.getpid()} .* ago +otlp_spans +1 +0 .* kB .* ms +0 .* none *$", re.MULTILINE
        )
        deadline = time.monotonic() + 60
        while not row.search(said := status(settings)):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)
    finally:
        stop.set()
        thread.join()
    assert "driftline ingest does not run" in status(settings)


def test_status_says_who_evaluates_the_alert_rules_or_that_nobody_does(settings: Settings, client: Client) -> None:
    assert line(settings, "alert rules").startswith("Nobody evaluates the alert rules. Run driftline alert ")
    report = "INSERT INTO part_reports (at, part, instance, host, pid, metric, value) VALUES "
    client.command(f"{report} (now64(3) - 60, 'alert', 'gone', 'h', 1, 'rules', 12)")
    assert line(settings, "alert rules").startswith("No alert worker has reported in the last 30 s")
    client.command(f"{report} (now64(3), 'alert', 'here', 'h', 2, 'rules', 12)")
    assert line(settings, "alert rules") == "12 by h:2"
