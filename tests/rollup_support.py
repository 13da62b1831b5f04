"""Sums written by hand, as the views write them: once at each resolution of event time."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from driftline_store.client import Client


def levels(at: datetime) -> dict[str, datetime]:
    """Resolution and begin of its interval that holds a moment in UTC."""
    minute = at.replace(second=0, microsecond=0)
    return {"minute": minute, "hour": minute.replace(minute=0), "day": minute.replace(hour=0, minute=0)}


def put_sums(client: Client, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows of one set of columns, each with its ``at``, as one part."""
    spread = [
        {**row, "resolution": resolution, "at": begin}
        for row in rows
        for resolution, begin in levels(row["at"]).items()
    ]
    names = list(spread[0])
    token = {"insert_deduplication_token": uuid.uuid4().hex}  # equal rows are meant
    client.insert("llm_rollups", [[row[name] for name in names] for row in spread], column_names=names, settings=token)
