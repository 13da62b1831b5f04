"""What several pages ask for. Numbers about a time range come from the metrics layer and from nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.store import LIMITS, reading
from driftline_store.distributions import query_counts
from driftline_store.metrics import DIMENSIONS, METRICS
from driftline_store.metrics_query import Reading, current_instrument, query_steps, readings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from driftline_dashboard.view import View, Window

REFRESH_SECONDS: Final = 5
_TTL: Final = timedelta(seconds=60)
WEEK: Final = timedelta(days=7)
HALF_MINUTE: Final = timedelta(seconds=30)
_UNSEEN: Final = 0.02
"""Share of a time that may lie before anything was stored: its totals are too low by about as much."""

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


LABELS: Final = 50
"""Labels that are asked for: some more than the least of which anything is said, as not all are worth one."""


@dataclass(frozen=True)
class Period:
    """The range of time that a view covers at one moment; its end is excluded."""

    since: datetime
    until: datetime

    def earlier(self, by: timedelta) -> Period:
        """The range of equal length so much earlier."""
        return Period(self.since - by, self.until - by)


@dataclass(frozen=True)
class Known:
    """What is stored, whatever the filters.

    Attributes:
        segments: dimension -> its values that occur in the window, or in the hour in which it begins.
        began: the minute of the first thing that was ever recorded, or its hour where minutes are not kept any more;
            None where nothing was.
    """

    segments: dict[str, tuple[str, ...]]
    began: datetime | None


@dataclass(frozen=True)
class Glance:
    """The tiles' numbers.

    Attributes:
        now: metric -> its reading, of the tiles and of what says what they cover.
        before: the same in the past that it is compared with; empty where the whole of that is not stored.
        past: which past that is, in words; of an empty one why it is.
        series: metric -> a frame with its course in steps of ``small_step_of``, of the tiles.
    """

    now: dict[str, Reading]
    before: dict[str, Reading]
    past: str
    series: dict[str, pd.DataFrame]


def moment() -> datetime:
    """Now, to the refresh interval: visitors who look at the same time share one set of queries."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(seconds=now.second % REFRESH_SECONDS)


def as_of(view: View) -> datetime:
    """The moment that the view is as of: the one that it names, or now."""
    return view.until or moment()


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


def small_step_of(view: View, name: str) -> timedelta:
    """The same in the picture of a tile."""
    return view.window.coarse if name in SPARSE else view.window.small


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def glance(view: View, as_of: datetime, names: tuple[str, ...] = TILES) -> Glance:
    """The numbers of tiles: now, before, and over time.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    wanted: dict[timedelta | None, list[str]] = {None: [*with_coverage(names)]}
    for name in names:
        wanted.setdefault(small_step_of(view, name), []).append(name)
    frames = _query(view, span, wanted, as_of)
    now = _readings(frames[None], with_coverage(names), span)
    past, before = _before(view, span, with_coverage(names), as_of)
    return Glance(now, before, past, {name: frames[small_step_of(view, name)] for name in names})


def _before(view: View, span: Period, names: Sequence[str], as_of: datetime) -> tuple[str, dict[str, Reading]]:
    """What the numbers are compared with, in words and numbers.

    The same time a week ago, as hours and weekdays differ; where the whole of it is not there, the time just before;
    where that is not there as a whole either, nothing: of half a time there are half as many requests.
    """
    length, week, before = view.window.length, span.earlier(WEEK), span.earlier(view.window.length)
    first = known(view, as_of).began or as_of
    if length < WEEK and _is_whole(week, first):
        found = _totals(view, week, names, as_of)
        if any(one.n for one in found.values()):
            return "the same time a week ago", found
    if _is_whole(before, first):
        return f"the {view.window.label} before", _totals(view, before, names, as_of)
    return f"nothing yet: stored for {_age(as_of - first)} only", {}


def _is_whole(span: Period, first: datetime) -> bool:
    return first <= span.since + _UNSEEN * (span.until - span.since)


def _age(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


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
def course(view: View, as_of: datetime, names: tuple[str, ...]) -> pd.DataFrame:
    """Metrics over time, in steps of ``step_of``; all of them have the same.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    (step,) = {step_of(view, name) for name in names}
    return _query(view, period(view, as_of), {step: names}, as_of)[step]


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def split(
    view: View, as_of: datetime, by: tuple[str, ...], names: tuple[str, ...], charted: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metrics of each segment.

    Args:
        view: what is looked at.
        as_of: the moment.
        by: dimensions.
        names: of metrics.
        charted: the metric that is wanted over time.

    Returns:
        Requests and ``names`` of the whole period, a row per segment, the busiest first; and ``charted``, a row per
        segment and bucket of ``step_of``.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    step = step_of(view, charted)
    frames = _query(view, period(view, as_of), {None: ("requests", *names), step: (charted,)}, as_of, by)
    return _busiest(frames[None]), frames[step]


@st.cache_data(ttl=_TTL, max_entries=200, show_spinner=False)
def busiest(view: View, as_of: datetime, by: tuple[str, ...]) -> pd.DataFrame:
    """The segments that have requests, with how many, the busiest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _busiest(_query(view, period(view, as_of), {None: ("requests",)}, as_of, by)[None])


def _busiest(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["requests__n"] > 0].sort_values("requests__n", ascending=False, ignore_index=True)


def known(view: View, as_of: datetime) -> Known:
    """What is stored, as of half a minute ago at most.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    step = half_minute(as_of)
    found = _known(view.window, step)
    if not any(found.segments.values()):
        _known.clear(view.window, step)  # whoever waits for the first one sees it at once
    return found


@st.cache_data(ttl=_TTL, max_entries=10, show_spinner=False)
def _known(window: Window, step: datetime) -> Known:
    parameters = {"since": int((step - window.length).timestamp()), "until": int((step + HALF_MINUTE).timestamp())}
    with reading("the segments") as client:
        ((began, *values),) = client.query(_KNOWN, parameters=parameters, settings=LIMITS).result_rows
    return Known({name: tuple(found) for name, found in zip(DIMENSIONS, values, strict=True)}, began)


_KNOWN: Final = f"""\
WITH (SELECT at FROM llm_rollups WHERE resolution = 'hour' ORDER BY at LIMIT 1) AS hour,
    (
        SELECT at FROM llm_rollups
        WHERE resolution = 'minute' AND at >= hour AND at < hour + INTERVAL 1 HOUR ORDER BY at LIMIT 1
    ) AS minute
SELECT ifNull(minute, hour) AS began,
    {", ".join(f"arraySort(groupUniqArray(m.{name}))" for name in DIMENSIONS)}
FROM llm_rollups AS m
WHERE m.resolution = 'hour' AND m.at > toDateTime({{since:UInt32}}, 'UTC') - INTERVAL 1 HOUR
    AND m.at < toDateTime({{until:UInt32}}, 'UTC')"""


def _query(
    view: View,
    span: Period,
    wanted: Mapping[timedelta | None, Sequence[str]],
    as_of: datetime,
    by: Sequence[str] = (),
) -> dict[timedelta | None, pd.DataFrame]:
    # The period before is read by the same judge: another one's scores say nothing about a change.
    is_judged = any(METRICS[name].is_judged for names in wanted.values() for name in names)
    judge = instrument(view, as_of) if is_judged else None
    with reading("the metrics") as client:
        return query_steps(
            client, wanted, since=span.since, until=span.until, by=by, where=view.where, instrument=judge
        )


def _totals(view: View, span: Period, names: Sequence[str], as_of: datetime) -> dict[str, Reading]:
    return _readings(_query(view, span, {None: names}, as_of)[None], names, span)


def _readings(frame: pd.DataFrame, names: Sequence[str], span: Period) -> dict[str, Reading]:
    return {name: readings(frame, name, since=span.since, until=span.until)[0] for name in names}
