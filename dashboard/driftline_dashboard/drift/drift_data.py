"""What drift detection is at: its monitors, their evidence over time, what it found, and what changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import streamlit as st

from driftline_alerts.drift.events import events as stored_events
from driftline_alerts.drift.segments import LEAF
from driftline_alerts.reporting import PART
from driftline_dashboard.data import half_minute, period
from driftline_dashboard.store import LIMITS, reading
from driftline_processors.reports import ALIVE_SECONDS
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.standing import State
    from driftline_alerts.evaluate import Segment
    from driftline_dashboard.view import View, Window

MOST: Final = 25
"""Monitors that are listed."""
_MOST_EVENTS: Final = 40
_MOST_POINTS: Final = 5_000
_TTL: Final = timedelta(seconds=60)
_HALF_MINUTE: Final = timedelta(seconds=30)
_BEAT: Final = timedelta(hours=7)
"""Each monitor is written at least every six hours."""
LATE: Final = timedelta(minutes=8)
"""After so long without anything stored, and the pause between two rounds, nothing looks any more: what is known is
stored every five minutes, what moved each minute, and a round that learns anew takes a minute or two."""
ALARMS: Final = ("episode", "recovering")
_HEAT: Final = ("has_feature", "feature", "metric", "evidence", "state", "stream", "monitors")
_COUNTED: Final = ("learning", "suspicious", "small", "alarms")

_BEFORE: Final = "at <= toDateTime64({until:Float64}, 3, 'UTC')"
# Of what is there, the latest row of each stream.
_LATEST: Final = f"""\
(
    SELECT * FROM drift_monitors
    WHERE {_BEFORE}
        AND at >= (SELECT max(at) FROM drift_monitors WHERE {_BEFORE}) - INTERVAL {int(_BEAT.total_seconds())} SECOND
    ORDER BY at DESC LIMIT 1 BY stream
)"""

_BOARD: Final = f"""\
SELECT {", ".join(f"board.{name}" for name in (*_HEAT, *_COUNTED, "seen"))}, once.looked, once.runs, once.found
FROM (
    SELECT (
        SELECT max(at) FROM (
            SELECT maxOrNull(at) AS at FROM drift_snapshots
            UNION ALL SELECT maxOrNull(at) AS at FROM drift_monitors
        )
    ) AS looked,
    (
        SELECT count() > 0 FROM part_reports
        WHERE part = '{PART}' AND at > now64(3) - INTERVAL {ALIVE_SECONDS:.0f} SECOND
    ) AS runs,
    (
        SELECT uniqExact(incident) FROM alert_transitions
        WHERE state = 'firing' AND at >= toDateTime64({{since:Float64}}, 3, 'UTC') AND {_BEFORE}
    ) AS found
) AS once
LEFT JOIN (
    SELECT mapContains(m.segment, 'feature') AS has_feature, m.segment['feature'] AS feature, m.metric AS metric,
        max(m.evidence) AS evidence, argMax(m.state, (m.is_alarm, m.evidence, m.n)) AS state,
        argMax(m.stream, (m.is_alarm, m.evidence, m.n)) AS stream,
        count() AS monitors, countIf(m.state = 'learning') AS learning, countIf(m.state = 'suspicious') AS suspicious,
        countIf(m.state = 'small') AS small, countIf(m.is_alarm) AS alarms, sum(m.n) AS seen
    FROM (SELECT *, state IN {{alarms:Array(String)}} AS is_alarm FROM {_LATEST}) AS m
    GROUP BY has_feature, feature, metric
) AS board ON true
ORDER BY evidence DESC, seen DESC, feature, metric LIMIT 5000"""

_COLUMNS: Final = """\
stream, metric, evaluator, segment, falls, state, n, per_day, level, evidence, false_a_month, started"""
_MONITORS: Final = f"""\
SELECT {_COLUMNS}, p.stream != '' AS is_promised, p.size AS size, p.days AS days, p.smallest AS smallest
FROM {_LATEST} AS m LEFT JOIN (SELECT stream, size, days, smallest FROM drift_promises FINAL) AS p USING (stream)
WHERE %s
ORDER BY stream = {{first:String}} DESC, evidence DESC, per_day DESC, stream LIMIT {MOST + 1}"""

_COURSE: Final = f"""\
SELECT at, evidence, state FROM drift_monitors
WHERE stream = {{stream:String}} AND at >= toDateTime64({{since:Float64}}, 3, 'UTC') AND {_BEFORE}
ORDER BY at DESC LIMIT {_MOST_POINTS}"""


@dataclass(frozen=True)
class Watch:
    """Drift detection at a glance.

    Attributes:
        looked: when it stored last what it knows; None where it never has.
        runs: whether an alert worker says that it does.
        found: incidents that began to be told of in the window, of rules too.
        heat: ``feature``, ``metric``, the largest ``evidence`` of its monitors, how many ``monitors`` there are, how
            many of them are ``learning``, see a ``small`` change or are in ``alarms``, and ``state`` and ``stream`` of
            the one with most evidence, of those in an alarm if there are any; the largest evidence first.
    """

    monitors: int
    features: int
    learning: int
    suspicious: int
    small: int
    alarms: int
    looked: datetime | None
    runs: bool
    found: int
    heat: pd.DataFrame


@dataclass(frozen=True)
class Promise:
    """What a monitor finds.

    Attributes:
        size: of a typical change; of a score absolute, of all else as a share of itself.
        days: until it is found, in half the cases; None: not within 60.
        smallest: that is found within a week; None: none is.
    """

    size: float
    days: float | None
    smallest: float | None


@dataclass(frozen=True)
class Seen:
    """A monitor as it was written last.

    Attributes:
        evidence: share of what raises an alarm.
        false_a_month: false alarms in 30 days that it may raise.
        started: since when, where something is going on.
        promise: None as long as it is not worked out.
    """

    stream: str
    metric: str
    evaluator: str
    segment: Segment
    falls: bool
    state: State
    n: float
    per_day: float
    level: float | None
    evidence: float
    false_a_month: float
    started: datetime | None
    promise: Promise | None


def watch(window: Window, as_of: datetime) -> Watch:
    """How many monitors there are and what they are at; they are written once a minute, and read twice.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _watch(window, half_minute(as_of))


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def _watch(window: Window, as_of: datetime) -> Watch:
    parameters = {"alarms": list(ALARMS), "since": (as_of - window.length).timestamp(), **_until(as_of)}
    with reading("what drift detection is at") as client:
        rows = client.query(_BOARD, parameters=parameters, settings=LIMITS).result_rows
    frame = pd.DataFrame(rows, columns=[*_HEAT, *_COUNTED, "seen", "looked", "runs", "found"])
    heat = frame[frame["has_feature"].astype(bool)].reset_index(drop=True)
    heat.attrs[STATEMENT] = runnable(_BOARD, parameters)
    counts = {name: int(frame[name].sum()) for name in ("monitors", *_COUNTED)}
    looked, runs, told = rows[0][-3:]
    return Watch(**counts, features=heat["feature"].nunique(), looked=looked, runs=bool(runs), found=told, heat=heat)


@st.cache_data(ttl=_TTL, max_entries=50, show_spinner=False)
def monitors(view: View, as_of: datetime, metric: str, first: str) -> list[Seen]:
    """Those of the view with most evidence, at most ``MOST`` and one more where there are more.

    Args:
        view: with the filters.
        as_of: the moment.
        metric: only of this one; '' for all.
        first: id of the one that stands first, if it is among them.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    where, parameters = _where(view, metric)
    parameters |= {"first": first, **_until(as_of)}
    with reading("the monitors") as client:
        rows = client.query(_MONITORS % where, parameters=parameters, settings=LIMITS).result_rows
    return [_seen(row) for row in rows]


@st.cache_data(ttl=_TTL, max_entries=50, show_spinner=False)
def course(view: View, as_of: datetime, stream: str) -> pd.DataFrame:
    """The evidence of a monitor over time: ``at``, ``evidence``, ``state``, oldest first, to the moment.

    It stays what it was until the next row, so the row before the window begins it.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    parameters = {"stream": stream, "since": (span.since - _BEAT).timestamp(), **_until(as_of)}
    with reading("the course of a monitor") as client:
        rows = client.query(_COURSE, parameters=parameters, settings=LIMITS).result_rows[::-1]
    frame = pd.DataFrame(rows, columns=["at", "evidence", "state"])
    frame["at"] = pd.to_datetime(frame["at"], utc=True)
    begun = frame["at"] >= span.since
    before = frame[~begun].tail(1).assign(at=pd.Timestamp(span.since))
    last = frame.tail(1).assign(at=pd.Timestamp(as_of))
    kept = pd.concat([part for part in (before, frame[begun], last) if len(part)] or [frame], ignore_index=True)
    kept.attrs[STATEMENT] = runnable(_COURSE, parameters)
    return kept


def events(view: View, as_of: datetime) -> list[Event]:
    """What changed in the window and may concern what the filters let through, oldest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    found = _events(view.window, half_minute(as_of))
    return [one for one in found if one.concerns(view.filters)][-_MOST_EVENTS:]


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def _events(window: Window, as_of: datetime) -> list[Event]:
    with reading("the events") as client:
        return stored_events(client, as_of - window.length, as_of + _HALF_MINUTE)


def _until(as_of: datetime) -> dict[str, float]:
    """With what was written in the half minute that a moment is the begin of."""
    return {"until": (as_of + _HALF_MINUTE).timestamp()}


def _where(view: View, metric: str) -> tuple[str, dict[str, Any]]:
    """SQL for what lies within the filters, as far as drift detection tells it apart."""
    filters = {name: value for name, value in view.where.items() if name in LEAF}
    conditions = [f"mapContains(segment, '{name}') AND segment['{name}'] = {{where_{name}:String}}" for name in filters]
    parameters = {f"where_{name}": value for name, value in filters.items()}
    if metric:
        conditions.append("metric = {metric:String}")
        parameters["metric"] = metric
    return " AND ".join(conditions) or "true", parameters


def _seen(row: Sequence[Any]) -> Seen:
    stream, metric, evaluator, values, *known, started, is_promised, size, days, smallest = row
    begun = started.replace(tzinfo=UTC) if started else None
    promise = Promise(size, days, smallest) if is_promised else None
    return Seen(*[stream, metric, evaluator, _segment(values), *known, begun, promise])


def _segment(values: Mapping[str, str]) -> Segment:
    """In the order of dimensions; maps of the store keep none."""
    return tuple(sorted(values.items(), key=lambda pair: LEAF.index(pair[0]) if pair[0] in LEAF else len(LEAF)))
