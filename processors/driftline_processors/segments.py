"""A cap on distinct segments: a request id in a prompt version must not make the sums as many as the spans.

While there are fewer segments than ``segments_max`` every one keeps sums of its own. After that only those
seen so far do. A new one's prompt becomes ``__other__``; if its service, environment, feature and model are
a new combination too, and there are too many of these, all of it does. A segment that was not seen for
``ACTIVE_DAYS`` makes room. Spans keep what they were sent with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftline_processors.dictionaries import ADMITTED_SEGMENTS
from driftline_store.metrics import DIMENSIONS, OTHER

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

ACTIVE_DAYS: Final = 30
WHERE: Final = DIMENSIONS[:4]
"""The coarse part of a segment; the rest is the prompt."""

_DEPTHS: Final = (len(WHERE), len(DIMENSIONS))
"""Numbers of leading dimensions that are capped; also the keys that say that a cap is in force."""

REOPENS_AT: Final = 0.9
"""Share of the limit that the number of segments has to fall below before new ones are admitted again."""

_COMPLETE: Final = 0
"""A key of every set, so that an empty one can be told from none."""


def _key(depth: int) -> str:
    return f"cityHash64({', '.join(DIMENSIONS[:depth])})"


def _is_admitted(depth: int) -> str:
    # The first condition is a constant for the engine, so that the cap costs nothing until it is needed.
    return (
        f"(NOT dictHas('{ADMITTED_SEGMENTS.name}', toUInt64({depth})) "
        f"OR dictHas('{ADMITTED_SEGMENTS.name}', {_key(depth)}))"
    )


def admitted_sql(dimension: str) -> str:
    """SQL for what a dimension is called in the sums, over rows that have all dimensions as columns."""
    coarse, fine = (_is_admitted(depth) for depth in _DEPTHS)
    condition = coarse if dimension in WHERE else f"({coarse} AND {fine})"
    return f"if({condition}, {dimension}, '{OTHER}')"


@dataclass(frozen=True, slots=True)
class Cap:
    """Where the number of segments stands.

    Attributes:
        segments: distinct ones of the last ``ACTIVE_DAYS``, ``__other__`` apart.
        limit: the setting.
        in_force: whether new ones are summed up under ``__other__``.
    """

    segments: int
    limit: int
    in_force: bool


def update_cap(client: Client, settings: Settings) -> Cap:
    """Decide anew which segments keep sums of their own; meant to be called every few seconds.

    Writes only when something changes: a set of hashes. Sets that it replaces leave by themselves.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    limit = int(settings.segments_max)
    present = _present(client)
    wanted = {_COMPLETE}
    for depth in _DEPTHS:
        keys = [int(key) for (key,) in client.query(_recent(depth)).result_rows]
        room = limit * (REOPENS_AT if depth in present else 1)
        if len(keys) >= room:
            wanted |= {depth, *keys[:limit]}
    if wanted != (present or {_COMPLETE}):
        now = datetime.now(UTC)
        client.insert("admitted_segments", [[now, key] for key in wanted], column_names=["set_at", "key"])
        ADMITTED_SEGMENTS.reload(client)
    return Cap(len(keys), limit, wanted != {_COMPLETE})


def _present(client: Client) -> set[int]:
    latest = "SELECT key FROM admitted_segments WHERE set_at = (SELECT max(set_at) FROM admitted_segments)"
    return {int(key) for (key,) in client.query(latest).result_rows}


def _recent(depth: int) -> str:
    columns = ", ".join(DIMENSIONS[:depth])
    return (
        f"SELECT {_key(depth)} AS key FROM llm_rollups "
        f"WHERE resolution = 'day' AND at >= today() - {ACTIVE_DAYS} AND NOT has([{columns}], '{OTHER}') "
        f"GROUP BY {columns} ORDER BY min(at), sum(requests + calls) DESC, key"
    )
