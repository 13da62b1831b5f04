"""What is put beside a finding: whom it touched, its worst examples, and what else changed at that time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.events import events
from driftline_alerts.drift.mix import shifts
from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.drift.worst import worst
from driftline_store.metrics_query import query_metrics, readings

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.mix import Shift
    from driftline_alerts.drift.stream import StreamKey
    from driftline_alerts.drift.worst import Example
    from driftline_alerts.evaluate import Segment

_MINUTE: Final = timedelta(minutes=1)
_LAG: Final = timedelta(minutes=2)
"""How long after its begin a request may arrive, or its score: starts are told by arrival, examples by their begin."""
_AROUND: Final = timedelta(hours=1)
"""How long before the earliest start and after the latest an event is still told."""

_COMPARED: Final = (timedelta(hours=1), timedelta(days=7))
"""Shortest and longest time before the start that the mix is compared with."""


@dataclass(frozen=True)
class Touched:
    """What lay in a segment and time; sessions and users within some 1 % when they are many."""

    requests: int
    sessions: int
    users: int


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Attributes:
        events: near the start, those closest to it first.
        shifts: largest first.
    """

    touched: Touched
    examples: list[Example]
    events: list[Event]
    shifts: list[Shift]


def evidence(
    client: Client, key: StreamKey, start: tuple[datetime, datetime], until: datetime, *, falls: bool = False
) -> Evidence:
    """What the store knows about a change of a stream.

    Args:
        client: of the store.
        key: of the stream; of one of anchors, which is no part of production, only events are told.
        start: earliest and latest time at which it may have begun.
        until: exclusive.
        falls: whether the metric fell.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    first, last = start
    if key.segment == ANCHORS:
        return Evidence(Touched(0, 0, 0), [], near(client, (), start), [])
    length = min(max(until - first, _COMPARED[0]), _COMPARED[1])
    return Evidence(
        touched(client, key.segment, first, until),
        worst(client, key, first - _LAG, until, falls=falls),
        near(client, key.segment, start),
        shifts(client, key.segment, (first - length, first), (min(last, until - _MINUTE), until)),
    )


def touched(client: Client, segment: Segment, since: datetime, until: datetime) -> Touched:
    """How many requests, sessions and users a segment had.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    names = ("requests", "sessions", "users")
    # Sums are by the minute: of a change that is younger there would be none.
    since, until = since.replace(second=0, microsecond=0), until + _MINUTE
    frame = query_metrics(client, names, since=since, until=until, where=dict(segment))
    return Touched(*(readings(frame, name, since=since, until=until)[0].n for name in names))


def near(client: Client, segment: Segment, start: tuple[datetime, datetime]) -> list[Event]:
    """What changed in a segment around the time at which something began, closest to it first.

    Raises:
        StoreError: the store is away or fails the query.
    """
    first, last = start
    found = [event for event in events(client, first - _AROUND, last + _AROUND) if event.concerns(segment)]
    middle = first + (last - first) / 2
    return sorted(found, key=lambda event: abs(event.at - middle))
