"""Every query of the dashboard. Numbers about a time range come from the metrics layer and from nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_alerts.detail import Detail
from driftline_dashboard.store import LIMITS, reading
from driftline_store.metrics import DIMENSIONS
from driftline_store.metrics_query import Reading, query_metrics, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from driftline_dashboard.view import View, Window

REFRESH_SECONDS: Final = 5
_TTL: Final = timedelta(seconds=60)
HALF_MINUTE: Final = timedelta(seconds=30)

TILES: Final = (
    "requests",
    "error_rate",
    "latency_p95",
    "cost_per_request",
    "satisfaction",
    "fallback_rate",
    "quality",
    "spend",
)
COVERAGE: Final = ("unpriced_calls", "judged_share")
ERROR_SHARES: Final = ("error_rate", "timeout_rate", "rate_limit_rate", "content_block_rate")
SPARSE: Final = ("quality", "satisfaction")
"""Metrics that only part of the requests has; shorter steps would show noise."""


@dataclass(frozen=True)
class Period:
    """The range of time that a view covers at one moment; its end is excluded."""

    since: datetime
    until: datetime

    @property
    def before(self) -> Period:
        """The range of equal length that ends where this one begins."""
        return Period(self.since - (self.until - self.since), self.since)


@dataclass(frozen=True)
class Glance:
    """The tiles' numbers: now, in the equal period before, and over time in fine and in coarse steps."""

    now: dict[str, Reading]
    before: dict[str, Reading]
    series: pd.DataFrame
    sparse_series: pd.DataFrame


@dataclass(frozen=True)
class Alert:
    """An alert that is open."""

    rule: str
    segment: dict[str, str]
    metric: str
    value: float
    threshold: float
    n: int
    started: datetime
    detail: Detail


def moment() -> datetime:
    """Now, to the refresh interval: visitors who look at the same time share one set of queries."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(seconds=now.second % REFRESH_SECONDS)


def half_minute(as_of: datetime) -> datetime:
    """A moment to half a minute: key of what is not worth asking for at each refresh."""
    return as_of.replace(second=as_of.second // 30 * 30, microsecond=0)


def period(view: View, as_of: datetime) -> Period:
    """The range of time that the view covers at a moment."""
    return Period(as_of - view.window.length, as_of)


def step_of(view: View, name: str) -> timedelta:
    """The time between two points of a metric's line."""
    return view.window.coarse if name in SPARSE else view.window.step


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def glance(view: View, as_of: datetime) -> Glance:
    """The tiles' numbers, and those about errors, over time.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    with reading("the metrics"):
        names = (*TILES, *COVERAGE)
        return Glance(
            _totals(view, span, names),
            _totals(view, span.before, names),
            _query(view, span, (*TILES, *ERROR_SHARES), step=view.window.step),
            _query(view, span, tuple(SPARSE), step=view.window.coarse),
        )


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def split_totals(view: View, as_of: datetime, by: tuple[str, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Metrics of the whole period, a row per segment, the busiest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    frame = _query(view, period(view, as_of), ("requests", *names), by=by)
    return frame[frame["requests__n"] > 0].sort_values("requests__n", ascending=False, ignore_index=True)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def split_series(view: View, as_of: datetime, by: tuple[str, ...], name: str) -> pd.DataFrame:
    """One metric over time, a row per segment and bucket.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _query(view, period(view, as_of), (name,), by=by, step=step_of(view, name))


def segments(view: View, as_of: datetime) -> dict[str, tuple[str, ...]]:
    """The values of each dimension that occur in the window, whatever the filters; as of half a minute ago at most.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    step = half_minute(as_of)
    found = _segments(view.window, step)
    if not any(found.values()):
        _segments.clear(view.window, step)  # whoever waits for the first one sees it at once
    return found


@st.cache_data(ttl=_TTL, max_entries=10, show_spinner=False)
def _segments(window: Window, step: datetime) -> dict[str, tuple[str, ...]]:
    span = Period(step - window.length, step + HALF_MINUTE)
    with reading("the segments") as client:
        frame = query_metrics(client, ["requests"], since=span.since, until=span.until, by=DIMENSIONS)
    return {name: tuple(sorted(frame[name].unique())) for name in DIMENSIONS}


@st.cache_data(ttl=REFRESH_SECONDS, max_entries=2, show_spinner=False)
def is_empty() -> bool:
    """Whether nothing was ever recorded.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("the sums") as client:
        return not client.query("SELECT 1 FROM llm_rollups LIMIT 1", settings=LIMITS).result_rows


_OPEN_ALERTS: Final = """\
SELECT rule, segment, metric, value, threshold, n, started, detail
FROM (
    SELECT * FROM alert_transitions ORDER BY at DESC, id DESC LIMIT 1 BY rule, toString(mapSort(segment))
)
WHERE state IN ('firing', 'acknowledged', 'recovering')
ORDER BY started DESC, rule"""


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def open_alerts(as_of: datetime) -> list[Alert]:
    """The alerts that fire, the newest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    del as_of  # only the key of the cache
    with reading("the alerts") as client:
        rows: Sequence[Sequence[Any]] = client.query(_OPEN_ALERTS, settings=LIMITS).result_rows
    return [
        Alert(str(rule), dict(segment), str(metric), value, threshold, n, started, Detail.parse(detail))
        for rule, segment, metric, value, threshold, n, started, detail in rows
    ]


def _query(
    view: View,
    span: Period,
    names: Sequence[str],
    by: Sequence[str] = (),
    step: timedelta | None = None,
) -> pd.DataFrame:
    with reading("the metrics") as client:
        return query_metrics(client, names, since=span.since, until=span.until, by=by, where=view.where, step=step)


def _totals(view: View, span: Period, names: Sequence[str]) -> dict[str, Reading]:
    frame = _query(view, span, names)
    return {name: readings(frame, name, since=span.since, until=span.until)[0] for name in names}
