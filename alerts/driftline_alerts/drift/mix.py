"""What else moved: values of other dimensions that are new in a segment, or whose share of its calls changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_store.metrics_query import query_metrics

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.evaluate import Segment

_DIMENSIONS: Final = ("service", "feature", "model", "prompt_version", "variant")

_LEAST: Final = 0.05
"""Change of a share that is worth telling; a value that is new is always."""

_ERRORS: Final = 4.0
"""Standard errors of the difference of two shares that it must exceed, so that chance is not told."""


@dataclass(frozen=True)
class Shift:
    """A value whose share of the calls changed.

    Attributes:
        value: of the dimension; '' where it is not stated.
        before: share of the calls before, 0 to 1; 0 where it is new.
        after: share of them since.
    """

    dimension: str
    value: str
    before: float
    after: float


def shifts(
    client: Client, segment: Segment, before: tuple[datetime, datetime], after: tuple[datetime, datetime]
) -> list[Shift]:
    """What moved in a segment between two times, the largest change first.

    Args:
        client: of the store.
        segment: dimensions that it names are the same at both times.
        before: start and end, exclusive.
        after: start and end, exclusive.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    where = dict(segment)
    free = [name for name in _DIMENSIONS if name not in where]
    then, now = (
        query_metrics(client, ["calls"], since=since, until=until, by=free, where=where)
        for since, until in (before, after)
    )
    calls_then, calls_now = int(then["calls__n"].sum()), int(now["calls__n"].sum())
    if not calls_then or not calls_now:
        return []
    found = []
    for name in free:
        of_then, of_now = (frame.groupby(name)["calls__n"].sum().to_dict() for frame in (then, now))
        for value in of_then.keys() | of_now.keys():
            shift = Shift(name, str(value), of_then.get(value, 0) / calls_then, of_now.get(value, 0) / calls_now)
            if _is_told(shift, calls_then, calls_now):
                found.append(shift)
    return sorted(found, key=lambda shift: (-abs(shift.after - shift.before), shift.dimension, shift.value))


def _is_told(shift: Shift, calls_before: int, calls_after: int) -> bool:
    before, after = shift.before, shift.after
    pooled = (before * calls_before + after * calls_after) / (calls_before + calls_after)
    error = math.sqrt(pooled * (1 - pooled) * (1 / calls_before + 1 / calls_after))
    change = abs(after - before)
    return change > _ERRORS * error and (before == 0 or change >= _LEAST)
