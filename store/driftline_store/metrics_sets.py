"""Metrics of one time range, split by many sets of dimensions at once, in one statement."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from driftline_store.client import store_errors
from driftline_store.grouping import Grouping
from driftline_store.metrics import metric_named
from driftline_store.metrics_query import Reading, ask, measured, selected
from driftline_store.metrics_time import whole_seconds, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    from clickhouse_connect.driver.client import Client

    from driftline_store.grouping import Dimensions, Segment


class Answer:
    """What one statement found; readings are made when they are asked for, and once."""

    def __init__(
        self, window: tuple[datetime, datetime], grouping: Grouping, columns: Mapping[str, Sequence[Any]]
    ) -> None:
        self._window = window
        self._columns = columns
        self._rows = grouping.segments(columns)
        self._known: dict[str, list[Reading]] = {}

    def readings(self, name: str, by: Dimensions) -> dict[Segment, Reading]:
        """A metric of every segment of a set that has rows."""
        if name not in self._known:
            self._known[name] = self._readings(name)
        known = self._known[name]
        return {segment: known[row] for segment, row in self._rows[by].items()}

    def _readings(self, name: str) -> list[Reading]:
        metric = metric_named(name)
        value, n, low, high = measured(metric, self._columns)
        ends = zip(*(_or_none(one) for one in (value, low, high)), n.tolist(), strict=True)
        return [Reading(metric, value, n, low, high, self._window) for value, low, high, n in ends]


def query_sets(
    client: Client,
    names: Iterable[str],
    *,
    since: datetime,
    until: datetime,
    sets: Iterable[Dimensions],
    instrument: str = "",
) -> Answer:
    """Metrics of the minutes that begin in ``[since, until)``, for each segment of each set of dimensions.

    Args:
        client: a connection to the store.
        names: of metrics.
        since: aware; a minute already begun at this moment is left out.
        until: aware, exclusive.
        sets: dimensions to split by, each in the order of ``DIMENSIONS``.
        instrument: fingerprint of the judge whose scores count.

    Raises:
        ValueError: an unknown metric or dimension, or a naive time.
        StoreError: the store is away or fails the statement.
    """
    metrics = [metric_named(name) for name in dict.fromkeys(names)]
    grouping = Grouping(sets)
    during, parameters = within(whole_seconds(since), whole_seconds(until))
    statement = (
        f"SELECT {', '.join([*grouping.columns, *selected(metrics)])}\n"
        f"FROM llm_rollups AS m WHERE {during}\n{grouping.group_by}"
    )
    with store_errors("reading metrics"):
        columns = ask(client, statement, parameters | {"instrument": instrument})
    return Answer((since, until), grouping, columns)


def _or_none(values: np.ndarray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
