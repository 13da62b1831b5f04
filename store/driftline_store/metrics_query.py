"""Metrics of a time range, by segment and over time, in one statement on the sums per segment."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from driftline_store.client import store_errors
from driftline_store.filters import filtered
from driftline_store.instruments import newest_instrument, newest_instruments
from driftline_store.metrics import Metric, check_dimension, judged_sum, metric_named
from driftline_store.metrics_interval import weighted_mean, wilson
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_store.grouping import Segment

BUCKET: Final = "intDiv(toUnixTimestamp(m.at), {step:UInt32}) * {step:UInt32}"
"""Begin of the step that a row ``m`` lies in, in Unix seconds; steps are counted from 1970-01-01 UTC."""

_MINUTE: Final = 60
_COARSE: Final = (("day", 86400), ("hour", 3600))
"""Resolutions of the sums above a minute, with their seconds."""

# (sum w²s² - 2m sum w²s + m² sum w²) / (sum w)², with m the weighted mean.
_MEAN: Final = f"({judged_sum('judged_ws')} / {judged_sum('judged_w')})"
_VARIANCE: Final = (
    f"({judged_sum('judged_w2s2')} - 2 * {_MEAN} * {judged_sum('judged_w2s')}"
    f" + {_MEAN} * {_MEAN} * {judged_sum('judged_w2')})"
    f" / ({judged_sum('judged_w')} * {judged_sum('judged_w')})"
)
_EFFECTIVE: Final = f"{judged_sum('judged_w')} * {judged_sum('judged_w')} / {judged_sum('judged_w2')}"


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
    metrics = [metric_named(name) for name in dict.fromkeys(names)]
    dimensions = [check_dimension(name) for name in dict.fromkeys(by)]
    of_segment, bound = filtered(where, "m")
    first, end = whole_seconds(since), whole_seconds(until)
    if since >= until:
        raise ValueError(f"since ({since}) must lie before until ({until})")
    keys = {name: f"m.{name}" for name in dimensions}
    during, parameters = within(first, end, None if step is None else whole_minutes(step))
    parameters |= bound
    if step is not None:
        parameters["step"] = whole_minutes(step)
        keys["bucket"] = BUCKET
    conditions = [during, *of_segment]
    lines = [
        f"SELECT {', '.join([*(f'{sql} AS {name}' for name, sql in keys.items()), *selected(metrics)])}",
        f"FROM llm_rollups AS m WHERE {' AND '.join(conditions)}",
    ]
    if keys:
        lines += [f"{verb} BY {', '.join(keys.values())}" for verb in ("GROUP", "ORDER")]
    with store_errors("reading metrics"):
        if any(metric.is_judged for metric in metrics):
            chosen = newest_instrument(client, first, end, where or {}) if instrument is None else instrument
            parameters["instrument"] = chosen
        statement = "\n".join(lines)
        columns = ask(client, statement, parameters)
    frame = _frame(metrics, dimensions, columns, with_bucket=step is not None)
    frame.attrs[STATEMENT] = runnable(statement, parameters)
    return frame


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


def whole_seconds(moment: datetime) -> int:
    """A time as the first whole second not before it; minutes are compared with it."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; pass an aware datetime")
    return math.ceil(moment.timestamp())


def whole_minutes(step: timedelta) -> int:
    """A step in seconds.

    Raises:
        ValueError: it is no whole number of minutes.
    """
    minutes, rest = divmod(step, timedelta(minutes=1))
    if minutes < 1 or rest:
        raise ValueError(f"step must be a whole number of minutes, not {step}")
    return minutes * _MINUTE


def cover(first: int, end: int, step: int | None) -> list[tuple[str, int, int]]:
    """The coarsest sums that make up a time range, so that a long one is read from few rows.

    Args:
        first: start of the range in Unix seconds, inclusive.
        end: of it, exclusive.
        step: width of the buckets in seconds that no piece may straddle; None for one bucket.

    Returns:
        Pieces without overlap or gap: resolution, first second, end. Whole days, at their ends whole hours, at
        their ends minutes.
    """
    for resolution, seconds in _COARSE:
        begin, stop = -(-first // seconds) * seconds, end // seconds * seconds
        if begin < stop and (step is None or step % seconds == 0):
            before = cover(first, begin, step) if first < begin else []
            after = cover(stop, end, step) if stop < end else []
            return [*before, (resolution, begin, stop), *after]
    return [("minute", first, end)]


def within(first: int, end: int, step: int | None = None) -> tuple[str, dict[str, int | str]]:
    """SQL for the rows that make up a time range, and its parameters; the arguments are those of ``cover``."""
    parameters: dict[str, int | str] = {}
    pieces = []
    for number, (resolution, begin, stop) in enumerate(cover(first, end, step)):
        parameters |= {f"first_{number}": begin, f"end_{number}": stop}
        pieces.append(
            f"(m.resolution = '{resolution}' AND m.at >= toDateTime({{first_{number}:UInt32}}, 'UTC') "
            f"AND m.at < toDateTime({{end_{number}:UInt32}}, 'UTC'))"
        )
    return f"({' OR '.join(pieces)})", parameters


def selected(metrics: Sequence[Metric]) -> list[str]:
    """SQL for what ``measured`` needs of each metric."""
    columns = []
    for metric in metrics:
        columns.append(f"if({metric.n} = 0, NULL, toFloat64({metric.value})) AS {metric.name}")
        columns.append(f"toInt64({metric.n}) AS {metric.name}__n")
        if metric.interval == "weighted_mean":
            columns.append(f"{_VARIANCE} AS {metric.name}__variance")
            columns.append(f"{_EFFECTIVE} AS {metric.name}__effective")
    return columns


def ask(client: Client, statement: str, parameters: Mapping[str, int | str]) -> Mapping[str, Sequence[Any]]:
    """The columns of an answer by name; empty where it has no rows."""
    result = client.query(statement, parameters=dict(parameters), column_oriented=True)
    return defaultdict(list, zip(result.column_names, result.result_columns, strict=True))


def buckets(columns: Mapping[str, Sequence[Any]]) -> pd.Series[Any]:
    """The column ``bucket`` of an answer, of ``BUCKET``, as times in UTC."""
    return pd.to_datetime(pd.Series(columns["bucket"], dtype="int64"), unit="s", utc=True)


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
        variance = np.asarray(columns[f"{metric.name}__variance"], dtype=np.float64)
        effective = np.asarray(columns[f"{metric.name}__effective"], dtype=np.float64)
        return weighted_mean(value, variance, effective)
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
