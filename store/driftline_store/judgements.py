"""Mean scores by evaluator, instrument and criterion over time, in production and of anchors, from the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from driftline_store.client import store_errors
from driftline_store.estimates.prediction_powered import SUMS, Judged, raw_mean
from driftline_store.filters import filtered
from driftline_store.metrics_query import ask
from driftline_store.metrics_time import bucket_of, buckets, whole_minutes, whole_seconds, within
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from clickhouse_connect.driver.client import Client

_KEYS: Final = ("name", "evaluator", "criterion")
_MOST: Final = 20_000
"""Rows that are read: some 20 evaluators with 10 criteria over 100 steps."""


def query_judgements(
    client: Client, *, since: datetime, until: datetime, step: timedelta, where: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Sums of scores about requests that began in ``[since, until)``, for ``means``.

    Args:
        client: a connection to the store.
        since: aware.
        until: aware, exclusive.
        step: whole minutes; buckets are counted from 1970-01-01 UTC.
        where: dimensions that must have exactly this value.

    Returns:
        A row per evaluator (``name``), instrument (``evaluator``, a fingerprint), ``criterion`` ('' is the score as a
        whole), ``is_anchor`` and ``bucket`` with scores, in this order. ``attrs`` have the statement.

    Raises:
        ValueError: an unknown dimension, a naive time or a broken step.
        StoreError: the store is away or fails the statement.
    """
    of_segment, bound = filtered(where, "m")
    width = whole_minutes(step)
    during, parameters = within(whole_seconds(since), whole_seconds(until), width)
    parameters |= bound | {"step": width}
    conditions = " AND ".join([during, "m.run = ''", *of_segment])
    keys = {name: f"m.{name}" for name in _KEYS} | {"is_anchor": "m.unit = 'anchor'", "bucket": bucket_of()}
    statement = (
        f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in keys.items())}, sum(m.judged) AS n, "
        f"{', '.join(f'sum(m.{name}) AS sum_{name}' for name in SUMS)}\n"
        f"FROM judged_rollups AS m WHERE {conditions}\n"
        f"GROUP BY {', '.join(keys.values())} HAVING n > 0 ORDER BY {', '.join(keys.values())} LIMIT {_MOST}"
    )
    with store_errors("reading scores"):
        columns = ask(client, statement, parameters)
    found = {name: pd.Series(columns[name], dtype="str") for name in _KEYS}
    found["is_anchor"] = pd.Series(columns["is_anchor"], dtype="bool")
    found["bucket"] = buckets(columns)
    found["n"] = pd.Series(columns["n"], dtype="int64")
    sums = {name: pd.Series(columns[f"sum_{name}"], dtype="float64") for name in SUMS}
    frame = pd.DataFrame(found | sums)
    frame.attrs[STATEMENT] = runnable(statement, parameters)
    return frame


def means(sums: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Weighted mean scores with their 95 % intervals.

    Args:
        sums: of ``query_judgements``, or some of its rows.
        by: columns of it; scores that differ in no other are taken together.

    Returns:
        A row per group, in their order: ``by``, ``quality``, ``quality__n``, ``quality__low`` and ``quality__high``;
        ``attrs`` as those of the sums.
    """
    grouped = sums.groupby(list(by), as_index=False)[["n", *SUMS]].sum()
    mean, low, high = raw_mean(Judged(*(grouped[name].to_numpy() for name in SUMS)))
    found = grouped[list(by)].assign(quality=mean, quality__n=grouped["n"], quality__low=low, quality__high=high)
    found.attrs = dict(sums.attrs)
    return found
