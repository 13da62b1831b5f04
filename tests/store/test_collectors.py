"""What collectors say that they sent, beside what is stored of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftline_store.collectors import Sent, sent
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(hours=1)


@pytest.fixture(scope="module")
def engine(embedded_store: RunningStore) -> Iterator[Client]:
    admin = embedded_store.client()
    admin.command("CREATE DATABASE collectors")
    admin.close()
    client = embedded_store.client("collectors")
    migrate(client)
    yield client
    client.close()


@pytest.fixture
def store(engine: Client) -> Client:
    for table in ("collector_reports", "llm_spans"):
        engine.command(f"TRUNCATE TABLE {table}")
    return engine


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def report(client: Client, seconds: float, spans: int, instance: str = "a", **values: Any) -> None:
    """A report that was made and arrived so many seconds ago."""
    at = ago(seconds)
    row = {"at": at, "arrived": at, "service": "shop", "instance": instance, "emitted_spans": spans, **values}
    client.insert("collector_reports", [list(row.values())], column_names=list(row))


def store_spans(client: Client, *ended: float, instance: str = "a", duration: float = 2.0) -> None:
    """Spans that ended so many seconds ago."""
    rows = []
    for seconds in ended:
        start = ago(seconds + duration)
        rows.append([instance, start, round(start.timestamp() * 1e9), duration])
    client.insert("llm_spans", rows, column_names=["collector", "start", "start_unix_nano", "duration"])


def only(client: Client) -> Sent:
    [found] = sent(client, since=SINCE, until=NOW)
    return found


def test_a_collector_is_compared_between_its_reports(store: Client) -> None:
    report(store, 3700, 10, dropped=5)  # before the hour
    report(store, 1800, 12, dropped=5)
    report(store, 90, 14, dropped=6, queued=3, spooled=2, emitted_events=1, exported=4)
    # The first one ended before the first report, the last one after the last.
    store_spans(store, 3701, 3699, 1800.5, 100, 89)
    assert only(store) == Sent(
        "shop", "", 1, emitted=4, events=1, acknowledged=4, dropped=1, queued=3, spooled=2, stored=3
    )
    assert only(store).coverage == 0.75


def test_what_may_still_be_on_its_way_is_left_out(store: Client) -> None:
    report(store, 3700, 0)
    report(store, 70, 2)
    report(store, 5, 100, dropped=7)
    store_spans(store, 80, 75)
    found = only(store)
    assert (found.emitted, found.stored, found.coverage) == (2, 2, 1.0)
    assert found.dropped == 7, "no later report takes that back"


def test_a_process_that_began_within_the_hour_counts_from_its_beginning(store: Client) -> None:
    report(store, 300, 5, started=ago(320))
    store_spans(store, 310, 309, 308, 307, 306)
    assert (only(store).emitted, only(store).coverage) == (5, 1.0)


def test_a_process_that_was_silent_for_days_counts_from_its_beginning(store: Client) -> None:
    report(store, 300, 7, started=ago(5 * 86_400))
    store_spans(store, 4 * 86_400, 301)
    assert (only(store).emitted, only(store).stored) == (7, 2)


def test_without_a_beginning_the_first_report_is_one(store: Client) -> None:
    report(store, 300, 7)
    report(store, 200, 9)
    store_spans(store, 350, 250, 240)
    assert (only(store).emitted, only(store).stored) == (2, 2)


def test_a_collector_that_has_only_just_begun_is_seen_and_has_no_coverage(store: Client) -> None:
    report(store, 10, 3, started=ago(12))
    assert (only(store).instances, only(store).emitted, only(store).coverage) == (1, 0, None)


def test_spans_of_other_senders_do_not_hide_what_is_missing(store: Client) -> None:
    report(store, 3700, 0)
    report(store, 100, 4)
    store_spans(store, 200, 201, 202, 203, instance="")
    store_spans(store, 200, instance="b")
    store_spans(store, 200)
    assert only(store).coverage == 0.25


def test_a_span_that_is_stored_twice_shows(store: Client) -> None:
    report(store, 3700, 0)
    report(store, 100, 1)
    store_spans(store, 200, 200)
    assert only(store).coverage == 2.0


def test_a_clock_that_is_wrong_does_no_harm(store: Client) -> None:
    for seconds, spans in ((3700, 0), (100, 2)):
        report(store, seconds, spans, at=ago(seconds + 7200))
    store_spans(store, 7400, 7500, 7299)
    assert only(store).coverage == 1.0


def test_processes_of_a_service_are_summed_and_services_are_not(store: Client) -> None:
    for instance, environment in (("a", "production"), ("b", "production"), ("c", "staging")):
        report(store, 3700, 0, instance, environment=environment)
        report(store, 100, 2, instance, environment=environment, spooled=1)
        store_spans(store, 200, instance=instance)
    report(store, 4000, 5, "gone", environment="production")
    production, staging = sent(store, since=SINCE, until=NOW)
    assert (production.environment, production.instances, production.emitted) == ("production", 2, 4)
    assert (production.spooled, production.stored, staging.coverage) == (2, 2, 0.5)


def test_no_report_is_nothing(store: Client) -> None:
    store_spans(store, 100)
    assert sent(store, since=SINCE, until=NOW) == []
