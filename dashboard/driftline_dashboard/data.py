"""Every query of the dashboard. Numbers about a time range come from the metrics layer and from nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_dashboard.store import LIMITS, reading
from driftline_store.distributions import query_counts
from driftline_store.metrics import DIMENSIONS, METRICS
from driftline_store.metrics_query import Reading, current_instrument, query_metrics, readings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from driftline_dashboard.view import View, Window

REFRESH_SECONDS: Final = 5
_TTL: Final = timedelta(seconds=60)
WEEK: Final = timedelta(days=7)
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
"""Of the first page."""
COVERAGE: Final = {
    "quality": "judged_share",
    **dict.fromkeys(("spend", "cost_per_request", "cost_per_session", "cost_per_call_p95"), "unpriced_calls"),
}
"""Metrics that are of a part only, and the metric that says of how much, or how much is missing."""
SPARSE: Final = ("quality", "satisfaction", "judged_share", "failed_check_rate")
"""Metrics that only part of the requests has; shorter steps would show noise."""


@dataclass(frozen=True)
class Period:
    """The range of time that a view covers at one moment; its end is excluded."""

    since: datetime
    until: datetime

    def earlier(self, by: timedelta) -> Period:
        """The range of equal length so much earlier."""
        return Period(self.since - by, self.until - by)


@dataclass(frozen=True)
class Glance:
    """The tiles' numbers.

    Attributes:
        now: metric -> its reading, of the tiles and of what says what they cover.
        before: the same in the past that it is compared with; ``past`` says which one that is.
        series: metric -> a frame with its course in steps of ``step_of``, of the tiles.
    """

    now: dict[str, Reading]
    before: dict[str, Reading]
    past: str
    series: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Alert:
    """An alert that is open.

    Attributes:
        finding: what drift detection told last of the incident; None of rules.
    """

    rule: str
    segment: dict[str, str]
    metric: str
    value: float
    threshold: float
    n: int
    started: datetime
    detail: Detail
    incident: str
    finding: Finding | None


def moment() -> datetime:
    """Now, to the refresh interval: visitors who look at the same time share one set of queries."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(seconds=now.second % REFRESH_SECONDS)


def half_minute(as_of: datetime) -> datetime:
    """A moment to half a minute: key of what is not worth asking for at each refresh."""
    return as_of.replace(second=as_of.second // 30 * 30, microsecond=0)


def minute(as_of: datetime) -> datetime:
    """The same to the minute, of what is dear."""
    return as_of.replace(second=0, microsecond=0)


def period(view: View, as_of: datetime) -> Period:
    """The range of time that the view covers at a moment."""
    return Period(as_of - view.window.length, as_of)


def with_coverage(names: Sequence[str]) -> tuple[str, ...]:
    """Metrics, and those that say how much of everything they are about."""
    return tuple(dict.fromkeys((*names, *(COVERAGE[name] for name in names if name in COVERAGE))))


def step_of(view: View, name: str) -> timedelta:
    """The time between two points of a metric's line."""
    return view.window.coarse if name in SPARSE else view.window.step


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def glance(view: View, as_of: datetime, names: tuple[str, ...] = TILES) -> Glance:
    """The numbers of tiles: now, before, and over time.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    now = _totals(view, span, with_coverage(names), as_of)
    past, before = _before(view, span, with_coverage(names), as_of)
    by_step: dict[timedelta, list[str]] = {}
    for name in names:
        by_step.setdefault(step_of(view, name), []).append(name)
    courses = {step: _query(view, span, some, as_of, step=step) for step, some in by_step.items()}
    return Glance(now, before, past, {name: courses[step_of(view, name)] for name in names})


def _before(view: View, span: Period, names: Sequence[str], as_of: datetime) -> tuple[str, dict[str, Reading]]:
    """What the numbers are compared with, in words and numbers.

    The same time a week ago, as hours and weekdays differ; where the whole of it is not there, the time just before.
    """
    length, week = view.window.length, span.earlier(WEEK)
    first = began()
    if length < WEEK and first is not None and first <= week.since:
        found = _totals(view, week, names, as_of)
        if any(one.n for one in found.values()):
            return "the same time a week ago", found
    return f"the {view.window.label} before", _totals(view, span.earlier(length), names, as_of)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def instrument(view: View, as_of: datetime) -> str:
    """Fingerprint of the judge whose scores the view's numbers are made of; '' where nobody has judged.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    with reading("who judged") as client:
        return current_instrument(client, since=span.since, until=span.until, where=view.where)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def counts(view: View, as_of: datetime, names: tuple[str, ...]) -> pd.DataFrame:
    """How often each size, score or kind occurred over time: distributions of the store, of one step and table.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span, judge = period(view, as_of), instrument(view, as_of) if "quality" in names else ""
    step = step_of(view, names[0])
    with reading("the distributions") as client:
        return query_counts(
            client, names, since=span.since, until=span.until, step=step, where=view.where, instrument=judge
        )


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def split_totals(view: View, as_of: datetime, by: tuple[str, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Metrics of the whole period, a row per segment, the busiest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    frame = _query(view, period(view, as_of), ("requests", *names), as_of, by=by)
    return frame[frame["requests__n"] > 0].sort_values("requests__n", ascending=False, ignore_index=True)


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def split_series(view: View, as_of: datetime, by: tuple[str, ...], name: str) -> pd.DataFrame:
    """One metric over time, a row per segment and bucket.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _query(view, period(view, as_of), (name,), as_of, by=by, step=step_of(view, name))


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


def is_empty(view: View, as_of: datetime) -> bool:
    """Whether nothing was ever recorded; asked only where nothing is in the window.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return not any(segments(view, as_of).values()) and began() is None


def began() -> datetime | None:
    """The hour of the first thing that was ever recorded; None where nothing was.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    first = _began()
    if first is None:
        _began.clear()  # whoever waits for it sees it at once
    return first


@st.cache_data(ttl=_TTL, max_entries=2, show_spinner=False)
def _began() -> datetime | None:
    with reading("the sums") as client:
        rows = client.query(_FIRST_HOUR, settings=LIMITS).result_rows
    return rows[0][0] if rows else None


_FIRST_HOUR: Final = "SELECT at FROM llm_rollups WHERE resolution = 'hour' ORDER BY at LIMIT 1"

_LAST_STEPS: Final = """\
SELECT * FROM (
    SELECT * FROM alert_transitions ORDER BY at DESC, id DESC LIMIT 1 BY rule, toString(mapSort(segment))
)
WHERE state IN ('firing', 'acknowledged', 'recovering')"""

_OPEN_ALERTS: Final = f"""\
WITH open AS ({_LAST_STEPS})
SELECT rule, segment, metric, value, threshold, n, started, detail, incident, body
FROM open LEFT JOIN (
    SELECT incident, argMax(body, at) AS body FROM drift_findings
    WHERE incident IN (SELECT incident FROM open) GROUP BY incident
) AS found USING (incident)
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
    return [_alert(*row) for row in rows]


def _alert(rule: str, segment: Mapping[str, str], *row: Any) -> Alert:
    *known, detail, incident, body = row
    finding = Finding.model_validate_json(body) if body else None
    return Alert(*[str(rule), dict(segment), *known, Detail.parse(detail), incident, finding])


def _query(
    view: View,
    span: Period,
    names: Sequence[str],
    as_of: datetime,
    *,
    by: Sequence[str] = (),
    step: timedelta | None = None,
) -> pd.DataFrame:
    # The period before is read by the same judge: another one's scores say nothing about a change.
    judge = instrument(view, as_of) if any(METRICS[name].is_judged for name in names) else None
    with reading("the metrics") as client:
        return query_metrics(
            client, names, since=span.since, until=span.until, by=by, where=view.where, step=step, instrument=judge
        )


def _totals(view: View, span: Period, names: Sequence[str], as_of: datetime) -> dict[str, Reading]:
    frame = _query(view, span, names, as_of)
    return {name: readings(frame, name, since=span.since, until=span.until)[0] for name in names}
