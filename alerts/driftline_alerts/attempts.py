"""What came of telling somebody something, appended to ``alert_deliveries``."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

_COLUMNS: Final = ("transition_id", "channel", "delivered", "error", "message", "reference")


def record(
    client: Client,
    ids: Iterable[str],
    channel: str,
    *,
    message: str,
    delivered: bool = False,
    error: str = "",
    reference: str = "",
) -> None:
    """Append a row for each of the steps that one attempt tells.

    Args:
        client: of the store.
        ids: of the steps; none: there is nothing to append.
        channel: its name.
        message: what they were told in.
        delivered: whether they were.
        error: why not; '' with neither: the attempt is begun.
        reference: what the channel calls the message.

    Raises:
        StoreError: the store is away or fails the insert.
    """
    rows = [[one, channel, delivered, error, message, reference] for one in ids]
    if not rows:
        return
    # Attempts may look alike, and all of them count.
    settings = {"insert_deduplication_token": uuid.uuid4().hex, "async_insert": 0}
    with store_errors("recording a delivery"):
        client.insert("alert_deliveries", rows, column_names=_COLUMNS, settings=settings)
