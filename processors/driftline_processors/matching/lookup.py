"""Finds the requests that events are about.

The span of an event is the one that it names, else the one with its response id, else the best of its
trace. Spans that have nothing to do with a model do not count: an event can be sent from within the span of
a web handler. It is filed under the request that the span belongs to, as people judge what they waited for,
not one of the calls behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.views.rollups import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from clickhouse_connect.driver.client import Client

_RESPONSE_SECONDS: Final = 600.0
"""Time for which an event that names a response waits for it, before its trace is enough."""

_SETTLE_SECONDS: Final = 60
"""Time since a trace's newest span after which its request is not waited for any more: a root ends last."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SETTINGS: Final[dict[str, Any]] = {"max_query_size": 10_000_000}
"""For lists of ids, which are bound by the client."""

_PLACE: Final = f"tuple(trace_id, span_id, is_request, toUnixTimestamp64Micro(start), {SEGMENT})"
_SPANS: Final = """\
FROM llm_spans
WHERE start >= fromUnixTimestamp64Milli(%(since)s, 'UTC') AND (is_request OR is_call OR feature != '')"""

_BY_SPAN: Final = f"SELECT {_PLACE} {_SPANS} AND trace_id IN %(traces)s AND (trace_id, span_id) IN %(spans)s"

# Ids repeat where answers are made up or replayed; then the newest is meant.
_BY_RESPONSE: Final = f"""\
SELECT response_id, argMax({_PLACE}, (is_call, start)) {_SPANS} AND response_id IN %(responses)s
GROUP BY response_id"""

_BY_TRACE: Final = f"""\
SELECT argMin({_PLACE}, (NOT is_request, parent_span_id != '', NOT is_call, start, span_id)),
    max(arrived) < now64(3) - INTERVAL {_SETTLE_SECONDS} SECOND
{_SPANS} AND trace_id IN %(traces)s
GROUP BY trace_id"""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that waits for its request.

    Attributes:
        id: of its row in ``evaluations_pending``.
        age: since it arrived, in seconds.
        trace_id, span_id, response_id: what it names; '' where it does not.
    """

    id: UUID
    arrived: datetime
    age: float
    trace_id: str
    span_id: str
    response_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """A span, or where an event about it belongs.

    Attributes:
        start: of the span; of its request once that is known.
        segment: values of ``SEGMENT``; likewise.
    """

    trace_id: str
    span_id: str
    is_request: bool
    start: datetime
    segment: tuple[str, ...]


def find(client: Client, events: Sequence[Pending], since: int, *, is_all: bool) -> dict[UUID, Place]:
    """Where events belong, as far as that is known by now.

    Args:
        client: of the store.
        events: at most some thousands.
        since: start of the oldest spans to look at, in milliseconds since 1970.
        is_all: whether nobody looks further back, so that a trace that settled without a request has none.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    found = _Found(client, since)
    found.look_up(events)
    places = {event.id: found.place(event, is_all=is_all) for event in events}
    return {id_: place for id_, place in places.items() if place is not None}


@dataclass
class _Found:
    """What the store has of a number of events' ids."""

    client: Client
    since: int
    spans: dict[tuple[str, str], Place] = field(default_factory=dict)
    responses: dict[str, Place] = field(default_factory=dict)
    traces: dict[str, tuple[Place, bool]] = field(default_factory=dict)

    def look_up(self, events: Sequence[Pending]) -> None:
        spans = {(event.trace_id, event.span_id) for event in events if event.trace_id and event.span_id}
        if spans:
            told = {"traces": _listed(trace for trace, _ in spans), "spans": _listed(spans)}
            places = [_place(row) for (row,) in self._rows(_BY_SPAN, **told)]
            self.spans = {(place.trace_id, place.span_id): place for place in places}
        if responses := {event.response_id for event in events if event.response_id}:
            rows = self._rows(_BY_RESPONSE, responses=_listed(responses))
            self.responses = {str(response): _place(row) for response, row in rows}
        traces = {event.trace_id for event in events if event.trace_id}
        if traces := traces | {place.trace_id for place in self.responses.values()}:
            for row, is_settled in self._rows(_BY_TRACE, traces=_listed(traces)):
                place = _place(row)
                self.traces[place.trace_id] = (place, bool(is_settled))

    def place(self, event: Pending, *, is_all: bool) -> Place | None:
        span = self.spans.get((event.trace_id, event.span_id)) or self.responses.get(event.response_id)
        if span is None and event.response_id and event.age < _RESPONSE_SECONDS:
            return None
        request, is_settled = self.traces.get(span.trace_id if span else event.trace_id, (None, False))
        span = span or request
        if span is None or span.is_request:
            return span
        if request and request.is_request:
            return replace(span, start=request.start, segment=request.segment)
        return span if is_settled and is_all else None

    def _rows(self, query: str, **ids: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
        return self.client.query(query, {"since": self.since, **ids}, settings=_SETTINGS).result_rows


def _listed(ids: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(set(ids)))


def _place(row: Sequence[Any]) -> Place:
    trace_id, span_id, is_request, micros, *segment = row
    start = _EPOCH + timedelta(microseconds=micros)
    return Place(trace_id, span_id, bool(is_request), start, tuple(segment))
