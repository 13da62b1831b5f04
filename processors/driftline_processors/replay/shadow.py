"""The tables and views of a replay, beside the live ones.

otlp_traces__replay (Null) ──views──▶ X__derived ──▶ X__replay          rows: derived again; as they will be
X__feed (Null) ──views──▶ S__replay                                     sums, out of rows that are fed to them
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.replay.tables import ROWS, SUMS
from driftline_processors.targets import TARGETS
from driftline_processors.views import VIEWS
from driftline_processors.views.spans import with_checks
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.check import CheckConfig
    from driftline_processors.views.view import View

NEW: Final = "__replay"
DERIVED: Final = "__derived"
FEED: Final = "__feed"
MATCHED: Final = "__matched"
_SUFFIXES: Final = (NEW, DERIVED, FEED, MATCHED)

_LEFT: Final = (
    "SELECT name, engine FROM system.tables WHERE database = currentDatabase() "
    "AND arrayExists(suffix -> endsWith(name, suffix), {suffixes:Array(String)}) ORDER BY engine != 'MaterializedView'"
)

_RAW: Final = tuple(target.table for target in TARGETS)
_ROWS: Final = tuple(rows.table for rows in ROWS)
_SUMS: Final = tuple(sums.table for sums in SUMS)


def views(checks: Sequence[CheckConfig] = ()) -> list[View]:
    """The live views that a replay repeats, between its own tables, downstream ones first.

    Args:
        checks: of ``evaluators.yaml``.
    """
    live = with_checks(VIEWS, checks)
    raw, rows = {table: table + NEW for table in _RAW}, {table: table + DERIVED for table in _ROWS}
    feeds, sums = {table: table + FEED for table in _ROWS}, {table: table + NEW for table in _SUMS}
    of_sums = [view.moved(NEW, feeds | sums) for view in live if view.target in _SUMS]
    return of_sums + [view.moved(NEW, raw | rows) for view in live if view.target in _ROWS]


def create(client: Client, checks: Sequence[CheckConfig] = ()) -> None:
    """Make all of it, empty; what an earlier replay left is removed.

    Args:
        client: of the store.
        checks: of ``evaluators.yaml``.

    Raises:
        StoreError: the store failed a statement.
    """
    remove(client)
    with store_errors("making the tables of the replay"):
        for table in _RAW:
            client.command(f"CREATE TABLE {table}{NEW} AS {table}")
        for table in _ROWS:
            client.command(f"CREATE TABLE {table}{NEW} AS {table}")
            client.command(f"CREATE TABLE {table}{DERIVED} AS {table}")
            client.command(f"CREATE TABLE {table}{FEED} AS {table} ENGINE = Null")
        for table in _SUMS:
            client.command(f"CREATE TABLE {table}{NEW} AS {table}")
        for view in views(checks):
            client.command(view.create)


def remove(client: Client) -> None:
    """Remove everything that belongs to a replay.

    Raises:
        StoreError: the store failed a statement.
    """
    with store_errors("removing the tables of the replay"):
        # Views first, which would fail without their tables.
        for name, _ in client.query(_LEFT, parameters={"suffixes": list(_SUFFIXES)}).result_rows:
            client.command(f"DROP TABLE IF EXISTS `{name}` SYNC")


def columns(client: Client, table: str) -> list[str]:
    """The columns that an insert into a table can name."""
    query = (
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "AND default_kind NOT IN ('ALIAS', 'MATERIALIZED') ORDER BY position"
    )
    return [str(name) for (name,) in client.query(query, parameters={"table": table}).result_rows]


def partitions(client: Client, table: str, where: str = "true") -> set[str]:
    """Ids of the partitions of a table that have rows which fit a condition."""
    rows = client.query(f"SELECT DISTINCT _partition_id FROM {table} WHERE {where}").result_rows
    return {str(name) for (name,) in rows}


def listed(values: set[str]) -> str:
    """Ids or dates as a list in SQL; also when there are none."""
    return f"({', '.join(repr(value) for value in sorted(values))})" if values else "('')"
