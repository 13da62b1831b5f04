"""Makes the sums of whole days anew, out of the rows as they will be after the swap.

A sum does not tell which rows it was made of, so those of a day are made out of all its rows. Where rows have
expired, the sums of that day are all that is left of them and stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_processors.replay.merge import SETTINGS
from driftline_processors.replay.shadow import FEED, NEW, columns, listed, partitions
from driftline_processors.replay.tables import ROWS
from driftline_store.client import store_errors
from driftline_store.purge import wait_for_mutations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

    from driftline_processors.replay.merge import Merged
    from driftline_processors.replay.tables import Sums


def feed(client: Client, merged: Mapping[str, Merged], days: set[str]) -> None:
    """Send the rows of these days, as they will be, through the views of the sums.

    Raises:
        StoreError: the store failed a statement.
    """
    for rows in ROWS:
        if not rows.event:
            continue
        names = ", ".join(f"`{name}`" for name in columns(client, rows.table))
        of_days = f"toDate({rows.event}) IN {listed(days)}"
        stays = f"_partition_id NOT IN {listed(merged[rows.table].partitions)}"
        with store_errors(f"summing {rows.table} again"):
            for source, where in ((rows.table + NEW, of_days), (rows.table, f"{stays} AND {of_days}")):
                client.command(
                    f"INSERT INTO {rows.table}{FEED} ({names}) SELECT {names} FROM {source} WHERE {where}",
                    settings=SETTINGS,
                )


def complete(client: Client, sums: Sums, days: set[str]) -> set[str]:
    """Of these days, those whose live rows are all there: they are at least as many as their sums say.

    Raises:
        StoreError: the store failed a statement.
    """
    found = set(days)
    for rows in ROWS:
        if rows.table not in sums.counts:
            continue
        there = _daily(client, rows.summed, rows.table, f"toDate({rows.event}) IN {listed(days)}", rows.event)
        counted = f"({sums.counted}) AND toDate({sums.at}) IN {listed(days)}"
        known = _daily(client, sums.counts[rows.table], sums.table, counted, sums.at)
        found = {day for day in found if there.get(day, 0) >= known.get(day, 0)}
    return found


def finish(client: Client, sums: Sums, days: set[str]) -> set[str]:
    """Take over the live sums of other days of the same partitions.

    Returns:
        ids of the partitions that the swap replaces.

    Raises:
        StoreError: the store failed a statement.
    """
    new = sums.table + NEW
    names = ", ".join(f"`{name}`" for name in columns(client, sums.table))
    of_days = f"toDate({sums.at}) IN {listed(days)}"
    with store_errors(f"putting {sums.table} together"):
        client.command(f"ALTER TABLE {new} DELETE WHERE {sums.untouched}")
        wait_for_mutations(client, new)
        affected = partitions(client, new) | partitions(client, sums.table, f"{of_days} AND NOT ({sums.untouched})")
        client.command(
            f"INSERT INTO {new} ({names}) SELECT {names} FROM {sums.table} "
            f"WHERE _partition_id IN {listed(affected)} AND (NOT ({of_days}) OR ({sums.untouched}))",
            settings=SETTINGS,
        )
    return affected


def _daily(client: Client, aggregate: str, table: str, where: str, time: str) -> dict[str, int]:
    query = f"SELECT toString(toDate({time})) AS day, {aggregate} FROM {table} WHERE {where} GROUP BY day"
    with store_errors(f"counting {table} by day"):
        return {str(day): int(number) for day, number in client.query(query).result_rows}
