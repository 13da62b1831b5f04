"""Puts the tables of a replay into the place of the live ones, partition by partition, to the end or not at all.

What is to be swapped is written down first. A crash in between leaves live tables half swapped, the replay's tables
whole and that record unfinished: whoever runs the replay again repeats all of it, and nobody ingests before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from driftline.errors import StoreError
from driftline_processors.replay.shadow import NEW, partitions, remove
from driftline_processors.replay.tables import ROWS, SUMS
from driftline_processors.settle.anew import settle_anew
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.replay.derive import Range

TABLES: Final = tuple(part.table for part in (*ROWS, *SUMS))
"""Live tables that a swap changes."""

_COLUMNS: Final = ("state", "since", "until", "swaps", "days")
_LATEST: Final = "SELECT state, since, until, swaps, days FROM replays ORDER BY at DESC, state = 'swapping' LIMIT 1"
# Numbers of blocks grow with each insert into a table, and with nothing else.
_BLOCKS: Final = (
    "SELECT table, partition_id, max(max_block_number) FROM system.parts "
    "WHERE database = currentDatabase() AND active GROUP BY table, partition_id"
)


@dataclass(frozen=True)
class Swap:
    """The new partition takes the live one's place; without rows in it, the live one goes."""

    table: str
    partition_id: str
    is_empty: bool


@dataclass(frozen=True)
class State:
    """What the live tables were like when the replay read them."""

    blocks: Mapping[tuple[str, str], int]
    purges: int

    @classmethod
    def of(cls, client: Client) -> State:
        """The present one.

        Raises:
            StoreError: the store failed a statement.
        """
        with store_errors("looking whether somebody writes"):
            rows = client.query(_BLOCKS).result_rows
            purges = int(client.query("SELECT count() FROM purges").result_rows[0][0])
        return cls({(str(t), str(p)): int(block) for t, p, block in rows if t in TABLES}, purges)

    def check(self, client: Client) -> None:
        """Make sure that nobody has written since.

        Raises:
            StoreError: somebody has.
        """
        now = State.of(client)
        written = {table for (table, part), block in now.blocks.items() if block > self.blocks.get((table, part), -1)}
        if now.purges != self.purges:
            written.add("purges")
        if written:
            raise StoreError(
                f"somebody wrote to {', '.join(sorted(written))} while the replay ran, so nothing was swapped; stop "
                "ingest, judge and purges everywhere and run it again"
            )


def planned(client: Client, affected: Mapping[str, set[str]]) -> list[Swap]:
    """What to swap.

    Args:
        client: of the store.
        affected: table -> ids of partitions.
    """
    found = []
    for table, its_partitions in affected.items():
        full = partitions(client, table + NEW)
        found += [Swap(table, one, one not in full) for one in sorted(its_partitions)]
    return found


def swap(client: Client, span: Range, swaps: Sequence[Swap], days: Collection[str]) -> None:
    """Write down what is to be swapped, and swap it.

    Args:
        client: of the store.
        span: bus time of the messages.
        swaps: what to swap.
        days: whose sums are made anew, as ``YYYY-MM-DD``.

    Raises:
        StoreError: the store failed a statement; run the replay again to complete it.
    """
    moments = [datetime.fromtimestamp(moment, UTC) for moment in (span.since, span.until)]
    rows = [(one.table, one.partition_id, one.is_empty) for one in swaps]
    with store_errors("swapping tables for replayed ones"):
        client.insert("replays", [["swapping", *moments, rows, sorted(days)]], column_names=list(_COLUMNS))
    _complete(client, moments, swaps, days)


def unfinished(client: Client) -> str:
    """When the messages came whose replay was cut off while it swapped, for people; empty if there is none.

    Raises:
        StoreError: the store failed a statement.
    """
    with store_errors("looking for an unfinished replay"):
        latest = client.query(_LATEST).result_rows
    return f"{latest[0][1]:%Y-%m-%d %H:%M} to {latest[0][2]:%Y-%m-%d %H:%M}" if _is_open(latest) else ""


def refuse_unfinished(client: Client) -> None:
    """Let nobody write to tables that are half swapped.

    Raises:
        StoreError: a replay was cut off while it swapped.
    """
    if which := unfinished(client):
        raise StoreError(
            f"the replay of the messages from {which} was cut off while it swapped tables; complete it first, "
            "with: driftline replay"
        )


def complete(client: Client) -> bool:
    """Complete a swap that was cut off.

    Returns:
        whether there was one.

    Raises:
        StoreError: the store failed a statement.
    """
    with store_errors("looking for an unfinished replay"):
        latest = client.query(_LATEST).result_rows
    if not _is_open(latest):
        return False
    _, since, until, swaps, days = latest[0]
    _complete(client, [since, until], [Swap(*_values(one)) for one in swaps], days)
    remove(client)
    return True


def _complete(client: Client, moments: Sequence[datetime], swaps: Sequence[Swap], days: Collection[str]) -> None:
    with store_errors("swapping tables for replayed ones"):
        for one in swaps:
            source = "DROP PARTITION ID" if one.is_empty else "REPLACE PARTITION ID"
            where = "" if one.is_empty else f" FROM {one.table}{NEW}"
            client.command(f"ALTER TABLE {one.table} {source} '{one.partition_id}'{where}")
        # The sums of these days have no settled requests now.
        settle_anew(client, days)
        client.insert("replays", [["done", *moments, [], []]], column_names=list(_COLUMNS))


def _is_open(latest: Sequence[Sequence[object]]) -> bool:
    return bool(latest) and latest[0][0] == "swapping"


def _values(one: Any) -> tuple[str, str, bool]:
    """A named tuple comes back as a dict or as a tuple, as the client likes."""
    table, partition_id, is_empty = one.values() if isinstance(one, dict) else one
    return str(table), str(partition_id), bool(is_empty)
