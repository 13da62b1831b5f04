"""Sets settling back for days whose sums were made anew, so that their requests and sessions are settled once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.settle.step import note, now, progress
from driftline_processors.settle.traces import LATE

if TYPE_CHECKING:
    from collections.abc import Collection

    from clickhouse_connect.driver.client import Client

_TOTALS: Final = ("llm_traces", "llm_sessions")


def settle_anew(client: Client, days: Collection[str]) -> None:
    """Forget the totals of these days; the chore settles them again. Safe to repeat.

    Args:
        client: of the store, which nobody else writes to.
        days: as ``YYYY-MM-DD``, by the start of the request.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    if not days:
        return
    listed = ", ".join(f"toDate('{day}')" for day in sorted(days))
    for table in _TOTALS:
        client.command(f"ALTER TABLE {table} DELETE WHERE toDate(start) IN ({listed}) SETTINGS mutations_sync = 2")
    first = client.query(f"SELECT min(arrived) FROM llm_spans WHERE toDate(start) IN ({listed}) HAVING count() > 0")
    for (until, furthest), (arrived,) in zip(progress(client, LATE), first.result_rows, strict=False):
        note(client, LATE, "llm_traces", until=min(until, arrived), furthest=furthest, settled_at=now())
