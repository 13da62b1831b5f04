"""What one of the ingest processes does now and then."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_processors import chores, ingest_worker
from driftline_processors.chores import Chore
from driftline_processors.prepare import prepare
from made_spans import request
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driftline.settings import Settings

WAIT_SECONDS = 60


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_running_ingest_settles_requests(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), settle_seconds=0)
    with running_store(tmp_path, prepared=True) as store:
        with open_bus(settings.bus_url) as bus, contextlib.closing(bus.producer()) as producer:
            producer.send(SPANS_TOPIC, request())
        stop = threading.Event()
        worker = threading.Thread(target=ingest_worker.run, args=(settings, stop))
        worker.start()
        try:
            until(lambda: "llm_traces" in {row[0] for row in store.client().query("SHOW TABLES").result_rows})
            until(lambda: store.client().query("SELECT sum(calls) FROM llm_traces").result_rows == [(1,)])
        finally:
            stop.set()
            worker.join()


def test_a_chore_that_fails_is_said_once_and_keeps_nobody_from_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = load({}, data_dir=str(tmp_path))
    done = {"fail": 0, "work": 0}

    def fail(_client: object, _settings: Settings) -> None:
        done["fail"] += 1
        if done["fail"] < 4:
            raise RuntimeError("no luck")

    def work(_client: object, _settings: Settings) -> None:
        done["work"] += 1

    monkeypatch.setattr(chores, "CHORES", (Chore("be lucky", 0, fail), Chore("work", 0, work)))
    monkeypatch.setattr(chores, "_TICK", 0.05)
    with running_store(tmp_path, prepared=True):
        prepare(settings).close()
        stop = threading.Event()
        worker = threading.Thread(target=chores.run, args=(settings, stop))
        worker.start()
        try:
            until(lambda: min(done.values()) >= 5)
        finally:
            stop.set()
            worker.join()
    said = [record.message for record in caplog.records if "be lucky" in record.message]
    assert said == ["cannot be lucky now, it is tried again: no luck", "can be lucky again"]
