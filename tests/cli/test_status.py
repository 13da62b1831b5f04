"""What ``driftline status`` says about the receiver, the parts that run and feedback that waits."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_processors.ingest_worker import run
from driftline_processors.matching import match_pending
from driftline_processors.prepare import prepare
from receiver_support import free_port, receiving, spans_request
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def status(path: Path, port: int) -> str:
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(path), "DRIFTLINE_RECEIVER_PORT": str(port), "COLUMNS": "250"}
    command = [sys.executable, "-m", "driftline_cli", "status"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout


def line(path: Path, port: int, title: str) -> str:
    said = status(path, port)
    found = re.search(rf"^ *{title} +(.*?) *$", said, re.MULTILINE)
    assert found, said
    return found[1]


def test_status_says_what_the_receiver_took_or_that_none_answers(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), receiver_port=free_port())
    with running_store(tmp_path, prepared=True):
        prepare(settings).close()
        with receiving(settings) as sender:
            assert line(tmp_path, sender.port, "receiver") == "nothing received yet"
            sender.post(spans_request(1, 1).SerializeToString())
            assert line(tmp_path, sender.port, "receiver") == "2 spans accepted"
        assert line(tmp_path, sender.port, "receiver") == f"none answers at 127.0.0.1:{sender.port}"


def test_status_counts_feedback_whose_request_is_not_known(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), receiver_port=free_port())
    with running_store(tmp_path, prepared=True):
        client = prepare(settings)
        rows = "generateUUIDv4() AS id, now64(3) AS arrived, {id} AS response_id FROM numbers({count})"
        columns = "INSERT INTO evaluations_pending (id, arrived, response_id) SELECT "
        client.command(columns + rows.format(id="''", count=2))
        client.command(columns + rows.format(id="'unknown'", count=3))
        match_pending(client, settings)
        client.close()
        said = line(tmp_path, settings.receiver_port, "feedback without its request")
        assert said == "3 waiting, 2 given up"


def test_status_says_what_applications_sent_and_how_much_of_it_is_stored(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), receiver_port=free_port())
    with running_store(tmp_path, prepared=True):
        client = prepare(settings)
        assert "No application's collector has reported" in status(tmp_path, settings.receiver_port)
        client.command(
            "INSERT INTO collector_reports (at, arrived, service, instance, started, emitted_spans, dropped, spooled) "
            "SELECT now64(6) - 100, now64(3) - 100, 'shop', 'a', now64(6) - 200, 100000, 1, 12"
        )
        client.command(
            "INSERT INTO llm_spans (collector, start, start_unix_nano, duration) "
            "SELECT 'a', now64(6) - 150 AS start, toUnixTimestamp64Micro(start) * 1000, 1 FROM numbers(99999)"
        )
        client.close()
        row = r"^ *shop +- +1 +100,000 +99,999 +99.99 % +0 +1 +0 +12 *$"
        said = status(tmp_path, settings.receiver_port)
        assert re.search(row, said, re.MULTILINE), said


def test_status_shows_the_ingest_that_runs_and_says_when_none_does(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), receiver_port=free_port())
    with running_store(tmp_path, prepared=True):
        prepare(settings).close()
        assert "driftline ingest does not run" in status(tmp_path, settings.receiver_port)
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
            while not row.search(said := status(tmp_path, settings.receiver_port)):
                assert time.monotonic() < deadline, said
        finally:
            stop.set()
            thread.join()
        assert "driftline ingest does not run" in status(tmp_path, settings.receiver_port)
