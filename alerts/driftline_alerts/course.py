"""How a metric went, to be drawn."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_store.metrics_query import query_metrics

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.evaluate import Segment

Points = tuple[tuple[datetime, float | None], ...]
"""Begin of each bucket, aware, oldest first, and its value in the metric's unit; None where there was none."""

_MINUTE: Final = timedelta(minutes=1)


def course(client: Client, metric: str, segment: Segment, time: tuple[datetime, datetime], *, most: int) -> Points:
    """A metric of a segment over a time, in at most some one more than ``most`` buckets, none of them left out.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    since, until = time
    step = max(math.ceil((until - since) / most / _MINUTE), 1) * _MINUTE
    frame = query_metrics(client, [metric], since=since, until=until, where=dict(segment), step=step)
    values = {
        at.to_pydatetime(): None if math.isnan(value) else float(value)
        for at, value in zip(frame["bucket"], frame[metric], strict=True)
    }
    seconds = int(step.total_seconds())
    first = int(since.timestamp()) // seconds * seconds
    times = (datetime.fromtimestamp(at, UTC) for at in range(first, math.ceil(until.timestamp()), seconds))
    return tuple((at, values.get(at)) for at in times)
