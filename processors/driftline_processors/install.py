"""Puts the stream processing into the store: dictionaries, raw tables, views and default rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.errors import StoreError
from driftline_processors import checks
from driftline_processors.dictionaries import DICTIONARIES
from driftline_processors.otlp import RAW_TABLES
from driftline_processors.views import VIEWS
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_INSTALLED = (
    "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
)


def install(client: Client, *, replace: bool = False) -> list[str]:
    """Create what is missing; run after ``migrate``.

    Args:
        client: of the store.
        replace: whether to change views whose query is another one. No ingest may run meanwhile: a row
            that passes while a view is exchanged could be counted twice or not at all.

    Returns:
        names of the views that were created or changed.

    Raises:
        StoreError: the store failed a statement, or has other views and they may not be replaced.
    """
    with store_errors("installing views"):
        for dictionary in DICTIONARIES:
            client.command(dictionary.create.replace("{database}", str(client.database or "default")))
        checks.preload(client)
        for statement in RAW_TABLES:
            client.command(statement)
        installed = {str(name): str(comment) for name, comment in client.query(_INSTALLED).result_rows}
        changed = [view for view in VIEWS if installed.get(view.name) != view.fingerprint]
        other = [view.name for view in changed if view.name in installed]
        if other and not replace:
            raise StoreError(
                f"the views {', '.join(other)} of the store were made by another version of Driftline; "
                "stop ingest everywhere, run driftline migrate, and start it again"
            )
        for view in changed:
            client.command(view.replace if view.name in installed else view.create)
    return [view.name for view in changed]
