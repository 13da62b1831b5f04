"""How often each size, score or kind occurred over time: counts by key, in one statement on the sums per segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from driftline_store.client import store_errors
from driftline_store.filters import filtered
from driftline_store.metrics import INSTRUMENT, METRICS
from driftline_store.metrics_query import ask
from driftline_store.metrics_time import bucket_of, buckets, whole_minutes, whole_seconds, within
from driftline_store.monitored_counts import ONLY
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from clickhouse_connect.driver.client import Client

    from driftline_store.monitored import Source

_MOST_KEYS: Final = 1_000
"""Keys of a bucket that are read; sizes have some 700 at most, names of kinds are whatever an application says."""


@dataclass(frozen=True)
class Distribution:
    """What is counted by key.

    Attributes:
        counts: SQL aggregate over rows ``m``: a map of keys (bins of ``driftline_store.histogram``, twentieths of a
            score, or names) and counts.
        source: table of the sums.
    """

    counts: str
    source: Source = "llm_rollups"


DISTRIBUTIONS: Final = {
    "latency": Distribution(METRICS["latency_p95"].histogram),
    "quality": Distribution("sumMap(m.uniform_levels)", "judged_rollups"),
    "error_class": Distribution("sumMap(m.request_error_classes)"),
    "fallback_reason": Distribution("sumMap(m.fallback_reasons)"),
    "requests": Distribution("map('', sum(m.requests))"),
}
"""By name; requests are one kind, of which the others are shares;
the quality is that of the uniform sample of one instrument, unweighted."""


def query_counts(
    client: Client,
    names: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
    where: Mapping[str, str] | None = None,
    instrument: str = "",
) -> pd.DataFrame:
    """Counts by key of the minutes that begin in ``[since, until)``.

    Args:
        client: a connection to the store.
        names: of ``DISTRIBUTIONS``, of one table.
        since: aware.
        until: aware, exclusive.
        step: whole minutes; buckets are counted from 1970-01-01 UTC.
        where: dimensions that must have exactly this value.
        instrument: fingerprint of the judge whose scores are counted.

    Returns:
        A row per bucket, name and key that occurs, in this order: ``bucket`` (its start, UTC), ``name``, ``key`` (a
        number or a name, as text) and ``count``. The frame's ``attrs`` have the statement.

    Raises:
        ValueError: an unknown dimension, a naive time or a broken step.
        StoreError: the store is away or fails the statement.
    """
    chosen = {name: DISTRIBUTIONS[name] for name in names}
    (source,) = {one.source for one in chosen.values()}
    of_segment, bound = filtered(where, "m")
    width = whole_minutes(step)
    during, parameters = within(whole_seconds(since), whole_seconds(until), width)
    parameters |= bound | {"step": width}
    only = ONLY[source]
    if INSTRUMENT in only:
        parameters["instrument"] = instrument
    conditions = " AND ".join([during, only, *of_segment])
    listed = ", ".join(
        f"arrayMap((k, c) -> ('{name}', toString(k), toInt64(c)), mapKeys({name}), mapValues({name}))"
        for name in chosen
    )
    statement = (
        "SELECT bucket, each.1 AS name, each.2 AS key, each.3 AS count FROM (\n"
        f"    SELECT {bucket_of()} AS bucket, {', '.join(f'{one.counts} AS {name}' for name, one in chosen.items())}\n"
        f"    FROM {source} AS m WHERE {conditions} GROUP BY bucket\n"
        f") ARRAY JOIN arrayConcat({listed}) AS each\n"
        f"WHERE count > 0 ORDER BY bucket, name, key LIMIT {_MOST_KEYS} BY bucket, name"
    )
    with store_errors("reading distributions"):
        columns = ask(client, statement, parameters)
    frame = pd.DataFrame(
        {
            "bucket": buckets(columns),
            "name": pd.Series(columns["name"], dtype="str"),
            "key": pd.Series(columns["key"], dtype="str"),
            "count": pd.Series(columns["count"], dtype="int64"),
        }
    )
    frame.attrs[STATEMENT] = runnable(statement, parameters)
    return frame
