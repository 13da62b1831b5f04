"""Labels into ``evaluations``: what is there already stays as it is, so that a file can be imported again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.labels.place import places
from driftline_store.labels import LATEST
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.labels.entry import Entry
    from driftline_processors.matching.lookup import Place

_COLUMNS: Final = (
    *("trace_id", "span_id", "response_id", "request_start", "at", *DIMENSIONS),
    *("name", "source", "score", "label", "explanation", "evaluator", "inclusion_probability"),
)
_SAID: Final = f"""\
SELECT trace_id, span_id, name, labeller, labelled_at, given, verdict, note, probability
FROM ({LATEST.format(conditions=" AND trace_id IN %(traces)s")})"""
_SETTINGS: Final[dict[str, Any]] = {"max_query_size": 10_000_000}
_TICK: Final = timedelta(milliseconds=1)
_SAME_TIME: Final = timedelta(seconds=1)
"""Rows that were mended keep their time, but for some ticks."""

_Key = tuple[str, str, str, str]
"""Trace id, span id, name of the evaluation, labeller."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the labels of a file.

    Attributes:
        stored: labels that are new or say something else than before.
        unchanged: labels that were there already, or are older than what is there.
        unknown: labels whose answer the store does not have.
    """

    stored: int
    unchanged: int
    unknown: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a labeller said of an answer, and when."""

    at: datetime
    verdict: tuple[float, str, str, float]


def take_in(client: Client, entries: Sequence[Entry]) -> TakenIn:
    """Store labels; of a labeller's labels of the same answer the last one of the file counts.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed; repeating is safe.
    """
    now = datetime.now(UTC)
    placed = list(zip(entries, places(client, entries), strict=True))
    before = _said(client, {place.trace_id for _, place in placed if place})
    rows: dict[_Key, list[Any]] = {}
    known = 0
    for entry, place in placed:
        if place is None:
            continue
        known += 1
        key = (place.trace_id, place.span_id, entry.name, entry.labeller)
        at = _news(entry, before.get(key), now)
        rows.pop(key, None)
        if at is not None:
            rows[key] = _row(entry, place, at)
    if rows:
        client.insert("evaluations", list(rows.values()), column_names=list(_COLUMNS))
    return TakenIn(len(rows), known - len(rows), [entry for entry, place in placed if place is None])


def _said(client: Client, traces: Iterable[str]) -> dict[_Key, _Said]:
    parameters = {"traces": tuple(sorted(traces)) or ("",)}
    rows = client.query(_SAID, parameters, settings=_SETTINGS).result_rows
    return {tuple(row[:4]): _Said(row[4], tuple(row[5:])) for row in rows}


def _news(entry: Entry, before: _Said | None, now: datetime) -> datetime | None:
    """From when on a label counts; None where it says nothing new."""
    if before is None:
        return entry.at or now
    is_same = before.verdict == (entry.score, entry.label, entry.note, entry.probability)
    if is_same or (entry.at and entry.at < before.at - _SAME_TIME):
        return None
    return max(entry.at or now, before.at + _TICK)


def _row(entry: Entry, place: Place, at: datetime) -> list[Any]:
    return [
        *(place.trace_id, place.span_id, entry.response_id, place.start, at, *place.segment),
        *(entry.name, "human", entry.score, entry.label, entry.note, entry.labeller, entry.probability),
    ]
