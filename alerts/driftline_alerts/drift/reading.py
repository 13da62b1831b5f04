"""What drift detection asks of the store beside what arrives: counts of the past, and what people want done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.finding import moment
from driftline_store.client import store_errors
from driftline_store.monitored import MONITORED, NO, YES
from driftline_store.monitored_counts import read_counts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.stream import StreamKey
    from driftline_store.monitored_counts import Counts

_ACTIONS: Final = """\
SELECT toUnixTimestamp64Milli(at) / 1000 AS moment, incident FROM drift_actions
WHERE action = 'accept' AND moment > {since:Float64} ORDER BY at"""


def look_back(client: Client, key: StreamKey, since: float, until: float) -> Counts:
    """Counts by key of a stream between two Unix times, by the time of the event.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    rule = MONITORED[key.metric]
    found = read_counts(
        client,
        [rule],
        since=moment(since),
        until=moment(until),
        where=dict(key.segment),
        instrument=key.instrument or None,
    )[key.metric]
    if rule.kind == "flag" and rule.definition.better == "higher":
        return {NO: found.get(YES, 0), YES: found.get(NO, 0)}
    return found


def actions(client: Client, since: float) -> list[tuple[float, str]]:
    """When people accepted which incidents, after a Unix time.

    Raises:
        StoreError: the store is away or fails the query.
    """
    with store_errors("reading what people want done about incidents"):
        return [(at, incident) for at, incident in client.query(_ACTIONS, parameters={"since": since}).result_rows]


def accept(client: Client, incident: str, by: str) -> None:
    """Let drift detection take an incident's level for the new normal, in its next step.

    Raises:
        StoreError: the store is away or fails the insert.
    """
    with store_errors("accepting an incident"):
        client.insert("drift_actions", [[incident, "accept", by]], column_names=["incident", "action", "by"])
