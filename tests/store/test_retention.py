"""What is older than the settings allow goes: content first, then rows; sums stay, and a redo still changes nothing."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from driftline.settings import load
from driftline_store import retention
from driftline_store.migrate import migrate
from driftline_store.retention import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.settings import Settings
    from driftline_store.client import Client
    from store_fixtures import RunningStore

ONCE = {"insert_deduplicate": 1, "deduplicate_blocks_in_dependent_materialized_views": 1}
ALL_TABLES = sorted({rule.table for rule in RULES})
AGES = [0, 20, 40, 80, 120]
CONTENT = ("system", "input", "output", "error_message")


@pytest.fixture
def client(store_client: Client) -> Client:
    migrate(store_client)
    return store_client


def settings(**values: int) -> Settings:
    return load({}, **values)


def insert_spans(client: Client) -> None:
    """One span of each age in days, with content and a figure."""
    client.command(
        "INSERT INTO llm_spans (trace_id, span_id, start, input_tokens, session_id, attributes, "
        f"{', '.join(CONTENT)}) SELECT toString(age), 's', now64(6) - toIntervalDay(age) - toIntervalHour(1), 7, "
        "'session', map('asked', 'secret'), 'secret', 'secret', 'secret', 'secret' "
        f"FROM (SELECT arrayJoin({AGES}) AS age)",
        settings={**ONCE, "insert_deduplication_token": "one"},
    )


def rows(client: Client, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(query).result_rows]


def kept(client: Client) -> list[tuple[int, int, bool]]:
    """Age in days, tokens and whether anything of the content is there, of each span."""
    client.command("OPTIMIZE TABLE llm_spans FINAL")
    has_content = " OR ".join(f"{column} != ''" for column in CONTENT)
    query = f"SELECT toInt32(trace_id), input_tokens, {has_content} OR notEmpty(attributes) FROM llm_spans ORDER BY 1"
    return [(age, tokens, bool(content)) for age, tokens, content in rows(client, query)]


def test_content_goes_before_its_rows_and_figures_stay(client: Client) -> None:
    assert retention.apply(client, settings(keep_spans_days=90, keep_content_days=30)) != []
    insert_spans(client)
    assert kept(client) == [(0, 7, True), (20, 7, True), (40, 7, False), (80, 7, False)]


def test_rows_that_were_there_before_expire_too_without_a_merge_that_somebody_asks_for(client: Client) -> None:
    insert_spans(client)
    retention.apply(client, settings(keep_spans_days=90, keep_content_days=30))
    deadline = time.monotonic() + 60
    while rows(client, "SELECT count(), countIf(input != '') FROM llm_spans") != [(4, 2)]:
        assert time.monotonic() < deadline, rows(client, "SELECT trace_id, input FROM llm_spans")
        time.sleep(0.1)


def test_zero_keeps_for_ever_and_a_limit_can_be_taken_back(client: Client) -> None:
    retention.apply(client, settings(keep_spans_days=1, keep_content_days=1))
    retention.apply(client, settings(keep_spans_days=0, keep_content_days=0))
    insert_spans(client)
    assert kept(client) == [(age, 7, True) for age in AGES]


def test_only_what_differs_is_changed(client: Client) -> None:
    assert sorted(retention.apply(client, settings())) == [table for table in ALL_TABLES if table != "judge_queue"]
    assert retention.apply(client, settings()) == []
    assert retention.apply(client, settings(keep_dead_letters_days=3)) == ["dead_letters"]
    assert retention.apply(client, settings(keep_dead_letters_days=3)) == []
    assert retention.apply(client, settings(keep_content_days=0, keep_dead_letters_days=3)) == [
        "llm_spans",
        "llm_content",
        "evaluations",
        "evaluations_pending",
    ]


def test_the_judges_queue_never_keeps_more_than_a_week(client: Client) -> None:
    for days, expected in ((0, 7), (400, 7), (3, 3)):
        retention.apply(client, settings(keep_content_days=days))
        [[statement]] = rows(client, "SHOW CREATE TABLE judge_queue")
        assert f"TTL toDateTime(queued_at) + toIntervalDay({expected})\n" in statement


@pytest.fixture(scope="module")
def a_day(embedded_store: RunningStore) -> Iterator[Client]:
    """A database whose tables keep everything for one day."""
    with contextlib.closing(embedded_store.client()) as admin:
        admin.command("CREATE DATABASE a_day")
    with contextlib.closing(embedded_store.client("a_day")) as client:
        migrate(client)
        retention.apply(client, settings(**{rule.setting: 1 for rule in RULES}))
        yield client
        client.command("DROP DATABASE a_day SYNC")


@pytest.mark.parametrize("table", ALL_TABLES)
def test_every_table_of_the_rules_can_expire(a_day: Client, table: str) -> None:
    """Also with the columns of sorting keys and indices that the rules empty or leave."""
    time_column = next(rule.time for rule in RULES if rule.table == table)
    a_day.command(f"INSERT INTO {table} ({time_column}) SELECT now() - toIntervalDay(number * 10) FROM numbers(3)")
    a_day.command(f"OPTIMIZE TABLE {table} FINAL")
    assert rows(a_day, f"SELECT count() FROM {table}") == [(1,)]


def test_a_redo_stays_without_effect_when_limits_changed_and_rows_expired(client: Client) -> None:
    client.command(
        "CREATE TABLE sums (spans UInt64) ENGINE = SummingMergeTree ORDER BY tuple() "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    client.command("CREATE MATERIALIZED VIEW to_sums TO sums AS SELECT count() AS spans FROM llm_spans")
    insert_spans(client)
    retention.apply(client, settings(keep_spans_days=90, keep_content_days=30))
    before = kept(client)
    insert_spans(client)
    assert kept(client) == before
    assert rows(client, "SELECT sum(spans) FROM sums") == [(len(AGES),)]


def test_sums_are_kept_by_their_resolution(client: Client) -> None:
    limits = settings(keep_minutes_days=30, keep_hours_days=90, keep_days_days=0)
    assert "llm_rollups" in retention.apply(client, limits)
    assert retention.apply(client, limits) == []
    client.command(
        "INSERT INTO llm_rollups (resolution, at, calls) SELECT arrayJoin(['minute', 'hour', 'day', 'arrival']), "
        f"now() - toIntervalDay(arrayJoin({AGES})) - toIntervalHour(1), 1"
    )
    client.command("OPTIMIZE TABLE llm_rollups FINAL")
    oldest = "SELECT resolution, max(intDiv(dateDiff('hour', at, now()), 24)) FROM llm_rollups GROUP BY resolution"
    left = dict(rows(client, oldest))
    assert (left["minute"], left["hour"], left["arrival"]) == (20, 80, 80)
    assert left["day"] == max(AGES)
