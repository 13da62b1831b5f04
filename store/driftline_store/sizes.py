"""How much the store holds, how long it keeps it, what room is left, and the version of its schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from driftline_store.client import Client

# Of several disks the one with the least room. A folder's tables are of a few dozen, so nothing is left out.
_QUERY: Final = """\
SELECT
    name, ifNull(total_rows, 0), ifNull(total_bytes, 0), regexpExtract(engine_full, ' TTL (.*?)( SETTINGS |$)', 1),
    (SELECT max(number) FROM schema_migrations),
    (SELECT min((free_space, total_space)) FROM system.disks WHERE type = 'Local')
FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
ORDER BY total_bytes DESC, name"""

_LIMIT: Final = re.compile(r"toIntervalDay\((\d+)\)(?: WHERE \w+ = '(\w+)')?")


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        size: on the disk, in bytes.
        kept: days that rows are kept, as the table itself says, by what they are of ('' for all); empty: for ever.
    """

    name: str
    rows: int
    size: int
    kept: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What the store holds.

    Attributes:
        tables: the largest first.
        schema: number of the newest migration that was applied.
        free: bytes that are left on its disk; 0 of 0 where it has none of its own.
        space: bytes of that disk.
    """

    tables: tuple[Table, ...]
    schema: int
    free: int
    space: int

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return sum(table.size for table in self.tables)


def holding(client: Client) -> Holding:
    """What the store holds now.

    Raises:
        StoreError: the store cannot be read.
    """
    with store_errors("reading how much it holds"):
        rows = client.query(_QUERY).result_rows
    tables = tuple(
        Table(name, int(count), int(size), tuple((of, int(days)) for days, of in _LIMIT.findall(kept)))
        for name, count, size, kept, *_ in rows
    )
    schema, (free, space) = rows[0][4:] if rows else (0, (0, 0))
    return Holding(tables, int(schema), int(free), int(space))
