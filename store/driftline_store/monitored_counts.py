"""Counts behind monitored metrics over a time range: how many at each key, of one segment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors
from driftline_store.filters import filtered
from driftline_store.instruments import newest_instrument
from driftline_store.metrics_time import within
from driftline_store.monitored import FINEST, NO, YES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_store.monitored import Monitored, Source

Counts = dict[int, int]
"""Key -> how many, as ``Monitored.kind`` says what keys are."""

ONLY: Final[dict[Source, str]] = {
    "llm_rollups": "true",
    "judged_rollups": "m.criterion = '' AND m.run = '' AND m.unit != 'anchor' AND m.evaluator = {instrument:String}",
}
"""Which rows of a table are counted."""


def read_counts(
    client: Client,
    metrics: Sequence[Monitored],
    *,
    since: datetime,
    until: datetime,
    where: Mapping[str, str],
    instrument: str | None = None,
) -> dict[str, Counts]:
    """Counts of the minutes, by event time, that begin in ``[since, until)``.

    Flags are counted as the metric has them: ``YES`` is what it is the share of, whether that is harm or not.
    Scores are those of one instrument: of a ``FINEST`` segment the uniform sample, else the base sample, in which no
    part weighs more because its rate was raised.

    Args:
        client: of the store.
        metrics: what to count.
        since: aware.
        until: aware, exclusive.
        where: dimensions that must have exactly this value.
        instrument: fingerprint of the judge; None: the newest that judged enough of this.

    Returns:
        Metric -> its counts; empty where nothing was counted.

    Raises:
        ValueError: an unknown dimension.
        StoreError: the store is away or fails the statement.
    """
    first, end = (math.ceil(moment.timestamp()) for moment in (since, until))
    conditions, parameters = _conditions(first, end, where)
    found: dict[str, Counts] = {}
    with store_errors("reading counts"):
        for source, only in ONLY.items():
            mine = [one for one in metrics if one.source == source]
            if not mine:
                continue
            if source == "judged_rollups":
                chosen = newest_instrument(client, first, end, where) if instrument is None else instrument
                parameters["instrument"] = chosen
            columns = ", ".join(_counted(one, where) for one in mine)
            statement = f"SELECT {columns} FROM {source} AS m WHERE {conditions} AND {only}"
            (row,) = client.query(statement, parameters=parameters).result_rows
            found |= {one.metric: _counts(value) for one, value in zip(mine, row, strict=True)}
    return found


def _conditions(first: int, end: int, where: Mapping[str, str]) -> tuple[str, dict[str, int | str]]:
    """SQL for the rows of a time range (Unix seconds) and segment, and its parameters."""
    during, parameters = within(first, end)
    of_segment, bound = filtered(where, "m")
    return " AND ".join([during, *of_segment]), parameters | bound


def _counted(metric: Monitored, where: Mapping[str, str]) -> str:
    if metric.kind == "flag":
        hits = metric.definition.counted
        return f"map({NO}::Int16, toInt64({metric.n} - {hits}), {YES}::Int16, toInt64({hits}))"
    if metric.kind == "score":
        return f"sumMap(m.{'uniform' if where.keys() >= set(FINEST) else 'base'}_levels)"
    return metric.histogram


def _counts(value: Mapping[int, int]) -> Counts:
    # More hits than requests, as of edits per request, leave a negative rest.
    return {int(key): int(count) for key, count in value.items() if count > 0}
