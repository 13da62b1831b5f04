"""What parts say about themselves, and who counts as running."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from driftline.settings import load
from driftline_processors import reports
from driftline_processors.reports import Reporter, Sample, alive

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_REPORT_SECONDS", 0.05)


class Source:
    """Counts how often it was asked."""

    def __init__(self, fails: int = 0) -> None:
        self.asked = 0
        self.fails = fails
        self.enough = threading.Event()

    def __call__(self) -> list[Sample]:
        self.asked += 1
        if self.asked >= 4:
            self.enough.set()
        if self.asked <= self.fails:
            raise RuntimeError("not yet")
        lags = [Sample("lag", lag, "spans", partition) for partition, lag in enumerate((3, 4))]
        return [Sample("messages", 100 * self.asked, "spans"), *lags, Sample("last_error", 1.0, "spans", text="away")]


def test_a_running_part_is_seen_with_its_numbers_and_gone_when_it_has_ended(
    client: Client, embedded_store: RunningStore
) -> None:
    client.command("TRUNCATE TABLE part_reports")
    source = Source()
    with Reporter("ingest", load({}, data_dir=str(embedded_store.path)), source):
        assert source.enough.wait(30)
        [instance] = alive(client)
    assert (instance.part, instance.pid) == ("ingest", os.getpid())
    assert instance.age < 30
    readings = instance.topics["spans"]
    assert readings["lag"].value == 7, "summed over partitions"
    assert readings["last_error"].text == "away"
    assert readings["messages"].change >= 100
    assert instance.rate("spans", "messages") == pytest.approx(readings["messages"].change / instance.seconds)
    assert instance.rate("spans", "unheard of") is None
    assert alive(client) == []


def test_a_part_that_crashed_counts_as_running_for_half_a_minute_only(client: Client) -> None:
    client.command("TRUNCATE TABLE part_reports")
    client.command(
        "INSERT INTO part_reports (at, part, instance, host, pid, metric, partition, value) VALUES "
        "(now64(3) - 40, 'ingest', 'gone', 'h', 1, 'messages', -1, 5), "
        "(now64(3) - 20, 'ingest', 'quiet', 'h', 2, 'messages', -1, 5)"
    )
    assert [instance.pid for instance in alive(client)] == [2]


def test_a_report_that_cannot_be_made_stops_neither_the_part_nor_the_next(
    client: Client, embedded_store: RunningStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client.command("TRUNCATE TABLE part_reports")
    source = Source(fails=2)
    with Reporter("ingest", load({}, data_dir=str(embedded_store.path)), source):
        assert source.enough.wait(30)
        assert len(alive(client)) == 1
    away = Source()
    with Reporter("ingest", load({}, data_dir=str(tmp_path)), away):
        assert away.enough.wait(30)
    said = [record.getMessage() for record in caplog.records if record.name == reports.__name__]
    assert len(said) == 2, "once a fault, not once a report"
    assert "not yet" in said[0]
