"""Metrics of a time range, by segment and over time, in one statement on the sums per segment."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from driftline_store.client import store_errors
from driftline_store.estimates.prediction_powered import SUMS, Judged, raw_mean
from driftline_store.filters import filtered
from driftline_store.instruments import newest_instrument, newest_instruments
from driftline_store.metrics import Metric, check_dimension, judged_sum, metric_named
from driftline_store.metrics_interval import wilson
from driftline_store.metrics_time import Steps, buckets, needs_minutes, whole_minutes, whole_seconds, within
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from clickhouse_connect.driver.client import Client

    from driftline_store.grouping import Segment


@dataclass(frozen=True)
class Reading:
    """One metric of one segment over one window.

    Attributes:
        value: in the metric's unit; None when there is no data.
        n: what it is based on; see ``metric.n_label``.
        low: lower end of the 95 % interval, None where there is none.
        high: upper end of it.
        window: start (inclusive) and end (exclusive).
    """

    metric: Metric
    value: float | None
    n: int
    low: float | None
    high: float | None
    window: tuple[datetime, datetime]


def query_metrics(
    client: Client,
    names: Iterable[str],
    *,
    since: datetime,
    until: datetime,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    step: timedelta | None = None,
    instrument: str | None = None,
) -> pd.DataFrame:
    """Metrics of the minutes that begin in ``[since, until)``.

    Args:
        client: a connection to the store.
        names: of metrics.
        since: aware; a minute already begun at this moment is left out.
        until: aware, exclusive.
        by: dimensions to split by.
        where: dimensions that must have exactly this value.
        step: whole minutes, to split by time; buckets are counted from 1970-01-01 UTC.
        instrument: fingerprint of the judge whose scores count; None: the newest of the range that judged enough.

    Returns:
        One row per segment and bucket that has rows, in their order; without ``by`` and ``step`` always one.
        Columns: the dimensions, ``bucket`` (its start, UTC) if there is a step, and for each metric ``name``,
        ``name__n``, ``name__low`` and ``name__high``, NaN where there is no data, so never a made-up 0. The frame's
        ``attrs`` have the statement, for whoever wants to run it.

    Raises:
        ValueError: an unknown metric or dimension, a naive time, an empty range or a broken step.
        StoreError: the store is away or fails the statement.
    """
    found = query_steps(client, {step: names}, since=since, until=until, by=by, where=where, instrument=instrument)
    return found[step]


def query_steps(
    client: Client,
    wanted: Mapping[timedelta | None, Iterable[str]],
    *,
    since: datetime,
    until: datetime,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    instrument: str | None = None,
) -> dict[timedelta | None, pd.DataFrame]:
    """``query_metrics`` with several steps at once.

    It takes one statement, or a second one for steps that need the sums of minutes where others do with hours.

    Args:
        client: a connection to the store.
        wanted: step -> names of metrics; None: not split by time.
        since: this and all else, what is raised too, as of ``query_metrics``.
        until: the end.
        by: dimensions.
        where: dimensions and values.
        instrument: of the judge.

    Returns:
        For each step what ``query_metrics`` returns.
    """
    widths = {step: None if step is None else whole_minutes(step) for step in wanted}
    metrics = {widths[step]: [metric_named(one) for one in dict.fromkeys(names)] for step, names in wanted.items()}
    first, end = whole_seconds(since), whole_seconds(until)
    if since >= until:
        raise ValueError(f"since ({since}) must lie before until ({until})")
    asked = _Asked([check_dimension(name) for name in dict.fromkeys(by)], first, end, *filtered(where, "m"))
    fine = {width: needs_minutes(first, end, width) for width in metrics}
    found: dict[int | None, pd.DataFrame] = {}
    with store_errors("reading metrics"):
        if any(metric.is_judged for some in metrics.values() for metric in some):
            chosen = newest_instrument(client, first, end, where or {}) if instrument is None else instrument
            asked.parameters["instrument"] = chosen
        for is_fine in sorted(set(fine.values())):
            found |= _read(client, {width: some for width, some in metrics.items() if fine[width] == is_fine}, asked)
    return {step: found[width] for step, width in widths.items()}


@dataclass(frozen=True)
class _Asked:
    """What is asked for beside metrics and steps: dimensions, seconds, and what rows must meet, with its parameters."""

    dimensions: Sequence[str]
    first: int
    end: int
    conditions: Sequence[str]
    parameters: dict[str, Any]


def _read(
    client: Client, metrics: Mapping[int | None, Sequence[Metric]], asked: _Asked
) -> dict[int | None, pd.DataFrame]:
    """The answers of one statement, by the seconds of the steps."""
    steps = Steps(asked.dimensions, list(metrics))
    during, parameters = within(asked.first, asked.end, steps.width)
    parameters |= asked.parameters | steps.parameters
    every = list(dict.fromkeys(one for some in metrics.values() for one in some))
    lines = [
        f"SELECT {', '.join([*steps.columns, *selected(every)])}",
        f"FROM llm_rollups AS m WHERE {' AND '.join([during, *asked.conditions])}",
        *steps.clauses,
    ]
    statement = "\n".join(lines)
    found = {}
    for (width, some), rows in zip(metrics.items(), steps.split(ask(client, statement, parameters)), strict=True):
        found[width] = _frame(some, asked.dimensions, rows, with_bucket=width is not None)
        found[width].attrs[STATEMENT] = runnable(statement, parameters)
    return found


def current_instrument(
    client: Client, *, since: datetime, until: datetime, where: Mapping[str, str] | None = None
) -> str:
    """Fingerprint of the judge whose scores ``query_metrics`` takes; '' where nobody has judged.

    Raises:
        ValueError, StoreError: as ``query_metrics``.
    """
    with store_errors("reading who judged"):
        return newest_instrument(client, whole_seconds(since), whole_seconds(until), where or {})


def current_instruments(
    client: Client, wheres: Iterable[Segment], *, since: datetime, until: datetime
) -> dict[Segment, str]:
    """``current_instrument`` of many segments, in one statement.

    Raises:
        ValueError, StoreError: as ``query_metrics``.
    """
    with store_errors("reading who judged"):
        return newest_instruments(client, whole_seconds(since), whole_seconds(until), wheres)


def selected(metrics: Sequence[Metric]) -> list[str]:
    """SQL for what ``measured`` needs of each metric."""
    columns = []
    for metric in metrics:
        columns.append(f"if({metric.n} = 0, NULL, toFloat64({metric.value})) AS {metric.name}")
        columns.append(f"toInt64({metric.n}) AS {metric.name}__n")
        if metric.interval == "weighted_mean":
            columns += [f"{judged_sum(f'judged_{name}')} AS {metric.name}__{name}" for name in SUMS]
    return columns


def ask(client: Client, statement: str, parameters: Mapping[str, int | str]) -> Mapping[str, Sequence[Any]]:
    """The columns of an answer by name; empty where it has no rows."""
    result = client.query(statement, parameters=dict(parameters), column_oriented=True)
    return defaultdict(list, zip(result.column_names, result.result_columns, strict=True))


def _frame(
    metrics: Sequence[Metric],
    dimensions: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    *,
    with_bucket: bool,
) -> pd.DataFrame:
    found: dict[str, Any] = {name: pd.Series(columns[name], dtype="str") for name in dimensions}
    if with_bucket:
        found["bucket"] = buckets(columns)
    for metric in metrics:
        value, n, low, high = measured(metric, columns)
        found[metric.name], found[f"{metric.name}__n"] = value, n
        found[f"{metric.name}__low"], found[f"{metric.name}__high"] = low, high
    return pd.DataFrame(found)


def measured(
    metric: Metric, columns: Mapping[str, Sequence[Any]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, n and the ends of the interval of each row, from the columns that ``selected`` names; NaN for none."""
    value = np.asarray(columns[metric.name], dtype=np.float64)
    n = np.asarray(columns[f"{metric.name}__n"], dtype=np.int64)
    return (value, n, *_interval(metric, value, n, columns))


def _interval(
    metric: Metric, value: np.ndarray, n: np.ndarray, columns: Mapping[str, Sequence[Any]]
) -> tuple[np.ndarray, np.ndarray]:
    if metric.interval == "wilson":
        return wilson(value, n.astype(np.float64))
    if metric.interval == "weighted_mean":
        sums = (np.asarray(columns[f"{metric.name}__{each}"], dtype=np.float64) for each in SUMS)
        return raw_mean(Judged(*sums))[1:]
    return np.full(len(value), np.nan), np.full(len(value), np.nan)


def readings(frame: pd.DataFrame, name: str, *, since: datetime, until: datetime) -> list[Reading]:
    """One metric of a result of ``query_metrics`` without a step, a reading per row, in the rows' order."""
    metric = metric_named(name)
    ends = zip(frame[name], frame[f"{name}__n"], frame[f"{name}__low"], frame[f"{name}__high"], strict=True)
    return [
        Reading(metric, _known(value), int(n), _known(low), _known(high), (since, until))
        for value, n, low, high in ends
    ]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def read_one(
    client: Client, name: str, *, since: datetime, until: datetime, where: Mapping[str, str] | None = None
) -> Reading:
    """One metric of everything, or of the segment that ``where`` names.

    Raises:
        ValueError, StoreError: as ``query_metrics``.
    """
    frame = query_metrics(client, [name], since=since, until=until, where=where)
    return readings(frame, name, since=since, until=until)[0]
