"""Since when a channel is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from driftline_alerts.attempts import record
from driftline_alerts.introduction import introduced
from driftline_store.migrate import load

if TYPE_CHECKING:
    from driftline_store.client import Client

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_channel_is_one_since_it_was_first_asked_for(client: Client) -> None:
    assert introduced(client, "slack", NOW) == NOW
    assert introduced(client, "slack", NOW + timedelta(hours=1)) == NOW, "also for the next worker"
    assert introduced(client, "mail", NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_a_channel_that_is_told_of_something_else_begins_anew_also_when_it_is_as_it_was(client: Client) -> None:
    hour = timedelta(hours=1)
    assert introduced(client, "slack", NOW) == NOW
    assert introduced(client, "slack", NOW + hour, "critical") == NOW + hour
    assert introduced(client, "slack", NOW + 2 * hour, "critical") == NOW + hour
    assert introduced(client, "slack", NOW + 3 * hour) == NOW + 3 * hour
    assert introduced(client, "slack", NOW + 4 * hour) == NOW + 3 * hour


def test_channels_that_were_told_something_before_the_table_are_no_new_ones(client: Client) -> None:
    record(client, ["step"], "slack", message="m", delivered=True)
    ((began,),) = client.query("SELECT min(at) FROM alert_deliveries").result_rows
    migration = next(one for one in load() if one.name == "alert_channels")
    for _ in range(2):
        for statement in migration.statements:
            client.command(statement)
    assert introduced(client, "slack", NOW + timedelta(days=1)) == began
