"""Which answer a label is about: the one that the judge scored, else the span itself, with its request's segment."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.matching.lookup import Pending, Place, find
from driftline_processors.views.rollups import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.labels.entry import Entry

_PAGE: Final = 2_000
"""Labels that are looked up together: few passes over the ids, and a statement of bearable length."""

_SETTINGS: Final[dict[str, Any]] = {"max_query_size": 10_000_000}

_JUDGED: Final = f"""\
SELECT trace_id, name, span_id, any(request_start), any(tuple({SEGMENT}))
FROM evaluations
WHERE source = 'judge' AND score IS NOT NULL AND run = '' AND unit != 'anchor'
    AND trace_id IN %(traces)s
GROUP BY trace_id, name, span_id"""

_Judged = dict[tuple[str, str], dict[str, Place]]
"""Trace id and name of the evaluation -> span id -> where its score is filed."""


def places(client: Client, entries: Sequence[Entry]) -> list[Place | None]:
    """Where labels belong, in their order; None where the store has no such answer.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    found: list[Place | None] = []
    for begin in range(0, len(entries), _PAGE):
        found += _page(client, entries[begin : begin + _PAGE])
    return found


def _page(client: Client, entries: Sequence[Entry]) -> list[Place | None]:
    now = datetime.now(UTC)
    sought = [
        Pending(uuid.UUID(int=number), now, float("inf"), entry.trace_id, entry.span_id, entry.response_id)
        for number, entry in enumerate(entries)
    ]
    spans = find(client, sought, since=0, is_all=True)
    judged = _judged(client, {entry.trace_id for entry in entries} | {place.trace_id for place in spans.values()})
    return [_choose(entry, spans.get(one.id), judged) for entry, one in zip(entries, sought, strict=True)]


def _judged(client: Client, traces: set[str]) -> _Judged:
    found: _Judged = {}
    parameters = {"traces": tuple(sorted(traces))}
    for trace, name, span, start, segment in client.query(_JUDGED, parameters, settings=_SETTINGS).result_rows:
        found.setdefault((trace, name), {})[span] = Place(trace, span, True, start, tuple(segment))
    return found


def _choose(entry: Entry, span: Place | None, judged: Mapping[tuple[str, str], dict[str, Place]]) -> Place | None:
    """The judged answer that is named, or the only one of its trace; else the span."""
    scored = judged.get((entry.trace_id or (span.trace_id if span else ""), entry.name), {})
    named = entry.span_id or (span.span_id if span else "")
    if named in scored:
        return scored[named]
    # People look at what a user saw, the judge at the request, and ids are of a call within it.
    return next(iter(scored.values())) if len(scored) == 1 else span
