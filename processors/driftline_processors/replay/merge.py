"""Puts rows that were derived again and live rows that stay together, as they will be after the swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.replay.shadow import DERIVED, MATCHED, NEW, columns, listed, partitions
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_processors.replay.tables import Rows

SETTINGS: Final[dict[str, Any]] = {
    "insert_deduplicate": 0,
    "throw_on_max_partitions_per_insert_block": 0,
    # What does not fit into memory goes to the disk.
    "max_bytes_before_external_group_by": 1_000_000_000,
    "max_bytes_before_external_sort": 1_000_000_000,
    "join_algorithm": "grace_hash",
}


@dataclass(frozen=True)
class Merged:
    """What became of one table.

    Attributes:
        partitions: ids of those that the swap replaces.
        days: on which rows that changed are counted, as ``YYYY-MM-DD``.
    """

    partitions: set[str]
    days: set[str]


def merge(client: Client, rows: Rows, since: float) -> Merged:
    """Fill the new table with the rows that were derived again and the live ones of the same partitions.

    Args:
        client: of the store.
        rows: the table.
        since: begin of the replayed time, in seconds since 1970.

    Raises:
        StoreError: the store failed a statement.
    """
    live = f"({rows.told})"
    if rows.arrived:
        live += f" AND {rows.arrived} >= fromUnixTimestamp64Milli({int(since * 1000)}, 'UTC')"
    with store_errors(f"putting {rows.table} together"):
        _match(client, rows, live)
        _add_derived(client, rows)
        replaced = f"{live} AND ({', '.join(rows.key)}) IN (SELECT {', '.join(rows.key)} FROM {rows.table}{MATCHED})"
        both = ((rows.table + NEW, "true"), (rows.table, replaced))
        affected = set().union(*(partitions(client, table, where) for table, where in both))
        days = set().union(*(_days(client, table, rows.event, where) for table, where in both))
        _add_live(client, rows, live, affected)
    return Merged(affected, days)


def _match(client: Client, rows: Rows, live: str) -> None:
    """For each key that was derived again: how often, how often it is live, and the live values to take over."""
    key = ", ".join(rows.key)
    order = ", ".join(filter(None, (rows.arrived, *rows.taken_over))) or "''"
    read = ", ".join(dict.fromkeys(filter(None, (*rows.key, rows.arrived, *rows.taken_over))))
    client.command(
        f"CREATE TABLE {rows.table}{MATCHED} ENGINE = MergeTree ORDER BY tuple() AS "
        f"SELECT {key}, toUInt64(0) AS again, toUInt64(0) AS lives, [tuple({order})] AS earlier "
        f"FROM {rows.table} WHERE false"
    )
    client.command(
        f"INSERT INTO {rows.table}{MATCHED} SELECT {key}, countIf(is_new) AS again, countIf(NOT is_new) AS lives, "
        f"arraySort(groupArrayIf(tuple({order}), NOT is_new)) AS earlier FROM ("
        f"SELECT {read}, false AS is_new FROM {rows.table} WHERE {live} UNION ALL "
        f"SELECT {read}, true AS is_new FROM {rows.keys_of or rows.table}{DERIVED}) GROUP BY {key} HAVING again > 0",
        settings=SETTINGS,
    )


def _add_derived(client: Client, rows: Rows) -> None:
    """The n-th row of a key takes over what the n-th live one of it had; nearly all keys have one."""
    key = ", ".join(rows.key)
    first = 2 if rows.arrived else 1  # place of the first value that is taken over
    values = {
        column: f"if(nth <= lives, earlier[nth].{number}, {column})"
        for number, column in enumerate(rows.taken_over, start=first)
    }
    names = columns(client, rows.table)
    listed_values = ", ".join(values.get(name, f"`{name}`") for name in names)
    # Rows of one insert arrived at once; in the part they stand in the order of their messages.
    nth = f"row_number() OVER (PARTITION BY {key} ORDER BY {rows.arrived or rows.key[0]}, _part_offset)"
    for condition, place in (("again = 1", "toUInt64(1)"), ("again > 1", nth)):
        keys = f"SELECT {key} FROM {rows.table}{MATCHED} WHERE {condition}"
        client.command(
            f"INSERT INTO {rows.table}{NEW} ({', '.join(names)}) SELECT {listed_values} FROM ("
            f"SELECT *, {place} AS nth FROM {rows.table}{DERIVED} WHERE ({key}) IN ({keys})) AS row "
            f"INNER JOIN {rows.table}{MATCHED} AS matched USING ({key})",
            settings=SETTINGS,
        )


def _add_live(client: Client, rows: Rows, live: str, affected: set[str]) -> None:
    """Live rows that are not replaced; of a key with more live rows than derived ones, the later ones stay."""
    key = ", ".join(rows.key)
    names = ", ".join(f"`{name}`" for name in columns(client, rows.table))
    here = f"_partition_id IN {listed(affected)}"
    client.command(
        f"INSERT INTO {rows.table}{NEW} ({names}) SELECT {names} FROM "
        f"(SELECT *, {live} AS may_be_replaced FROM {rows.table} WHERE {here}) AS row "
        f"LEFT JOIN (SELECT {key}, again FROM {rows.table}{MATCHED}) AS matched USING ({key}) "
        "WHERE again = 0 OR NOT may_be_replaced",
        settings=SETTINGS,
    )
    if not rows.arrived:
        return
    order = ", ".join((rows.arrived, *rows.taken_over))
    client.command(
        f"INSERT INTO {rows.table}{NEW} ({names}) SELECT {names} FROM ("
        f"SELECT *, _partition_id AS place, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS nth "
        f"FROM {rows.table} WHERE {live} AND ({key}) IN (SELECT {key} FROM {rows.table}{MATCHED} WHERE lives > again)"
        f") AS row INNER JOIN (SELECT {key}, again FROM {rows.table}{MATCHED}) AS matched USING ({key}) "
        f"WHERE nth > again AND place IN {listed(affected)}",
        settings=SETTINGS,
    )


def _days(client: Client, table: str, event: str, where: str) -> set[str]:
    if not event:
        return set()
    query = f"SELECT DISTINCT toString(toDate({event})) FROM {table} WHERE {where}"
    return {str(day) for (day,) in client.query(query).result_rows}
