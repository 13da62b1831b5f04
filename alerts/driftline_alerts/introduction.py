"""Since when a channel is told of what it is told of now: what was over before is old news there."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client


def introduced(client: Client, channel: str, now: datetime, meant: str = "") -> datetime:
    """When a channel was first about to be told something, by the routes of now; it is now if it never was before.

    Args:
        client: of the store.
        channel: its name.
        now: aware.
        meant: what its routes say of it, as ``routes.meant`` gives it.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    sql = "SELECT meant, since FROM alert_channels WHERE channel = {channel:String} ORDER BY since DESC"
    with store_errors("looking since when a channel is one"):
        rows = client.query(sql, parameters={"channel": channel}).result_rows
        latest: list[datetime] = [since for _, since in takewhile(lambda row: row[0] == meant, rows)]
        if latest:
            return min(latest)
        client.insert("alert_channels", [[channel, meant, now]], column_names=["channel", "meant", "since"])
    return now
