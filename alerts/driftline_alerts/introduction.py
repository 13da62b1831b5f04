"""Since when a channel is one: what was over before is old news there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client


def introduced(client: Client, channel: str, now: datetime) -> datetime:
    """When a channel was first about to be told something; it is now if it never was before.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    sql = "SELECT since FROM alert_channels WHERE channel = {channel:String} ORDER BY since LIMIT 1"
    with store_errors("looking since when a channel is one"):
        if rows := client.query(sql, parameters={"channel": channel}).result_rows:
            since: datetime = rows[0][0]
            return since
        client.insert("alert_channels", [[channel, now]], column_names=["channel", "since"])
    return now
