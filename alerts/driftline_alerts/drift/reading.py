"""What drift detection asks of the store beside what arrives: counts of the past, and what people want done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts.drift.finding import moment
from driftline_alerts.drift.stream import ANCHORS
from driftline_store.client import store_errors
from driftline_store.monitored import MONITORED, NO, YES
from driftline_store.monitored_counts import read_counts

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.stream import StreamKey
    from driftline_alerts.evaluate import Segment
    from driftline_store.monitored_counts import Counts

_COLUMNS: Final = ("action", "incident", "metric", "segment", "since", "until", "by")
_ACTIONS: Final = f"""\
SELECT toUnixTimestamp64Milli(at) / 1000 AS moment, {", ".join(_COLUMNS[:-1])} FROM drift_actions
WHERE moment > {{seen:Float64}} ORDER BY at"""
_MINUTE: Final = 60.0
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Action:
    """What somebody wants done.

    Attributes:
        at: when they said so, in seconds of Unix time; 0 before it is stored.
        kind: ``accept``: what an incident led to is the new normal; ``learn``: what was in a time is normal.
        incident: of ``accept``.
        metric: of ``learn``; '' for all.
        segment: of ``learn``; all that it contains.
        since: of ``learn``, as is ``until``.
    """

    kind: Literal["accept", "learn"]
    incident: str = ""
    metric: str = ""
    segment: Segment = ()
    since: datetime = _NEVER
    until: datetime = _NEVER
    at: float = 0.0

    def concerns(self, key: StreamKey) -> bool:
        """Whether it is about a stream."""
        values = dict(key.segment)
        is_metric = not self.metric or key.metric == self.metric
        return is_metric and all(values.get(name) == value for name, value in self.segment)


def look_back(client: Client, key: StreamKey, since: float, until: float) -> Counts:
    """Counts by key of a stream between two Unix times, by the time of the event; none of anchors: no sums have them.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    if key.segment == ANCHORS:
        return {}
    rule = MONITORED[key.metric]
    # Sums are by the minute, and those that begin in the time count. Of a shorter one it is the minute that it is in.
    first = since if until - since >= _MINUTE else since // _MINUTE * _MINUTE
    found = read_counts(
        client,
        [rule],
        since=moment(first),
        until=moment(until),
        where=dict(key.segment),
        instrument=key.instrument or None,
    )[key.metric]
    if rule.kind == "flag" and rule.definition.better == "higher":
        return {NO: found.get(YES, 0), YES: found.get(NO, 0)}
    return found


def actions(client: Client, seen: float) -> list[Action]:
    """What people want done, as they said after a Unix time.

    Raises:
        StoreError: the store is away or fails the query.
    """
    with store_errors("reading what people want done"):
        rows = client.query(_ACTIONS, parameters={"seen": seen}).result_rows
    return [
        Action(kind, incident, metric, tuple(segment.items()), since, until, at)
        for at, kind, incident, metric, segment, since, until in rows
    ]


def ask(client: Client, action: Action, by: str) -> None:
    """Let drift detection do something in its next step.

    Raises:
        StoreError: the store is away or fails the insert.
    """
    row = [action.kind, action.incident, action.metric, dict(action.segment), action.since, action.until, by]
    with store_errors("asking drift detection for something"):
        client.insert("drift_actions", [row], column_names=list(_COLUMNS))
