"""Sums by arrival as ingest writes them, by hand, and a store in memory that answers a feed."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from driftline_alerts.drift.series import NUMBER, packed
from driftline_alerts.drift.stream import StreamKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline_alerts.drift.stream import Part
    from driftline_store.client import Client

T0 = datetime(2026, 11, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SUPPORT = {
    "environment": "production",
    "feature": "support",
    "model": "gpt-5-mini",
    "prompt_name": "answer",
    "prompt_version": "5",
}
LEAF = tuple(SUPPORT.items())
REQUESTS = packed(NUMBER["requests"], 0)


def arrive(client: Client, rows: Iterable[Mapping[str, Any]], table: str = "llm_rollups") -> None:
    """Store sums by arrival, all with the same columns; of the segment ``SUPPORT`` where they name none."""
    full = [{"resolution": "arrival", **SUPPORT, **row} for row in rows]
    names = list(full[0])
    token = {"insert_deduplication_token": uuid.uuid4().hex}  # equal rows are meant
    client.insert(table, [[row[name] for name in names] for row in full], column_names=names, settings=token)


CALL = {**SUPPORT, "is_call": True, "start": T0, "request_model": "gpt-5-mini", "response_model": "gpt-5-mini-1"}


def spans(client: Client, rows: Iterable[Mapping[str, Any]]) -> None:
    """Store calls of ``SUPPORT``, one a row, all with the same columns."""
    full = [{**CALL, "release": "7", "trace_id": uuid.uuid4().hex, "attributes": {}, **row} for row in rows]
    put(client, "llm_spans", full)


def put(client: Client, table: str, rows: list[dict[str, Any]]) -> None:
    """Store rows, all with the same columns."""
    names = list(rows[0])
    client.insert(table, [[row[name] for name in names] for row in rows], column_names=names)


def summed(parts: Iterable[Part]) -> dict[StreamKey, Counter[int]]:
    """What the parts of each stream come to."""
    found: dict[StreamKey, Counter[int]] = {}
    for part in parts:
        found.setdefault(part.key, Counter()).update(part.counts)
    return found


def stream(metric: str, **segment: str) -> StreamKey:
    """The stream of a metric that is not judged."""
    return StreamKey(metric, "", tuple(segment.items()))


@dataclass
class MemoryStore:
    """Answers the statements of a feed out of totals of requests by minute and feature."""

    totals: Counter[tuple[int, str]] = field(default_factory=Counter)
    is_away: bool = False

    def query(self, statement: str, parameters: Mapping[str, int]) -> Any:
        if self.is_away:
            raise ConnectionError("refused")
        if "FROM llm_rollups" not in statement:
            return SimpleNamespace(result_rows=[])
        since, until = parameters["since"], parameters.get("until", 2**40)
        here = [(at, feature, n) for (at, feature), n in self.totals.items() if since <= at < until]
        if "sum(arraySum(counts))" in statement:
            return SimpleNamespace(result_rows=[(at, n) for at, _, n in here])
        rows = [(at, "", "", "production", feature, "m", "p", "1", [REQUESTS], [n]) for at, feature, n in here]
        return SimpleNamespace(result_rows=rows)
