"""What the worker says about itself, and what is said where no worker runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.errors import StoreError
from driftline_alerts.lead import Lead
from driftline_alerts.reporting import PART, Counts, has_worked, missing, samples
from driftline_alerts.trouble import Trouble
from driftline_processors.reports import Instance, alive

if TYPE_CHECKING:
    from driftline_store.client import Client

SECRET = "https://hooks.example/very-secret"


def raising(error: Exception) -> None:
    raise error


def nothing(_: Exception) -> None:
    """Wait for nothing."""


def reported(client: Client) -> Instance:
    """The worker as others read what it said."""
    [instance] = alive(client)
    return instance


def put(client: Client, trouble: Trouble) -> None:
    lead = Lead()
    lead.note(held=True)
    said = samples(3, Counts(rounds=7, changes=2), lead, Trouble(), trouble)
    rows = [[PART, "i", "host", 1, s.metric, s.topic, s.partition, s.value, s.text] for s in said]
    columns = ["part", "instance", "host", "pid", "metric", "topic", "partition", "value", "text"]
    client.insert("part_reports", rows, column_names=columns)


def test_a_worker_says_what_it_follows_and_did(client: Client) -> None:
    put(client, Trouble())
    figures = {name: reading.value for name, reading in reported(client).topics[""].items()}
    assert figures == {"rules": 3, "leads": 1, "rounds": 7, "changes": 2, "findings": 0}


def test_what_is_wrong_is_reported_for_as_long_as_it_lasts_and_remembered_after(client: Client) -> None:
    trouble = Trouble()
    trouble.tried("rules", lambda: raising(StoreError("the store is busy")), nothing)
    put(client, trouble)
    lasting = reported(client).trouble("rules")
    assert lasting is not None
    assert lasting.text == "the store is busy"
    assert lasting.lasts > 0
    trouble.tried("rules", lambda: None, nothing)
    client.command("TRUNCATE TABLE part_reports")
    put(client, trouble)
    over = reported(client).trouble("rules")
    assert over is not None
    assert (over.text, over.lasts) == ("the store is busy", 0)


def test_the_words_of_an_error_that_nobody_foresaw_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.tried("drift", lambda: raising(ValueError(SECRET)), nothing)
    [fault] = trouble.faults().values()
    assert fault.text == "ValueError, see the log of the alert worker"
    assert SECRET in caplog.text


def test_that_no_worker_runs_is_grave_only_where_one_ran_before() -> None:
    ingest, worker = (Instance(part, "host", 1, 1.0, 60.0) for part in ("ingest", PART))
    assert missing([ingest, worker], has_worked=True) is None
    gone, never = missing([ingest], has_worked=True), missing([ingest], has_worked=False)
    assert gone is not None
    assert never is not None
    assert (gone.is_grave, never.is_grave) == (True, False)
    assert "No alert worker has reported in the last 30 s" in gone.what
    assert "driftline alert " in never.do


@pytest.mark.parametrize("table", ["part_reports", "alert_transitions"])
def test_a_worker_is_known_by_what_it_said_or_did(client: Client, table: str) -> None:
    client.command("INSERT INTO part_reports (part, instance) VALUES ('ingest', 'i')")
    assert not has_worked(client)
    rows = {
        "part_reports": f"(part, instance) VALUES ('{PART}', 'i')",
        "alert_transitions": "(id, rule, state) VALUES ('1', 'slow', 'pending')",
    }
    client.command(f"INSERT INTO {table} {rows[table]}")
    assert has_worked(client)
