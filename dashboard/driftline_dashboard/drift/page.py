"""The page of drift: what was found, and every monitor with what it promises and what it is at."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_alerts.drift.contract_words import STATES, change_of, found_within, where
from driftline_alerts.drift.standing import NOTABLE
from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.rule import DRIFT as FOUND
from driftline_alerts.system_metrics import title_of
from driftline_dashboard import data
from driftline_dashboard.alerts import incidents_data
from driftline_dashboard.alerts import page as alerts
from driftline_dashboard.drift import drift_charts, drift_data
from driftline_dashboard.places import DRIFT, METRIC, MONITOR, identity, link
from driftline_dashboard.store import false_pages
from driftline_dashboard.text import day_and_time, escape, same_day
from driftline_dashboard.theme import PALETTE
from driftline_dashboard.view import from_url
from driftline_dashboard.widgets import charts, markers
from driftline_dashboard.widgets.facts import facts
from driftline_dashboard.widgets.panel import panel
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.drift.events import Event
    from driftline_dashboard.drift.drift_data import Seen, Watch
    from driftline_dashboard.view import View

_MOST_OVER: Final = 10
_CHOSEN: Final = "drift_metric"
_HEAD: Final = (
    '<div class="dl-monitor dl-head"><span>Where</span><span>State</span><span>Evidence</span><span>Normal level</span>'
    "<span>Finds, half the time</span></div>"
)


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.as_of(view)
    watch = drift_data.watch(view.window, as_of)
    if not watch.monitors:
        _nothing(watch)
        return
    _summary(view, watch)
    _episodes(view, as_of)
    metric, asked = _metric(), identity(st.query_params, MONITOR)
    found = drift_data.monitors(view, as_of, metric, asked)
    chosen = _chosen(found, asked)
    if chosen:
        _pictures(view, chosen, as_of)
    _list(view, found, metric, chosen)


def _chosen(found: list[Seen], asked: str) -> Seen | None:
    """The monitor that the URL names, or the one with most evidence where it names none."""
    if MONITOR not in st.query_params:
        return next(iter(found), None)
    chosen = next((one for one in found if one.stream == asked), None)
    if chosen is None:
        st.html(
            '<p class="dl-warn">The monitor that the address names is not there any more, or not within these filters. '
            "Choose one from the list.</p>"
        )
    return chosen


def _nothing(watch: Watch) -> None:
    runs = "has not looked at anything yet" if watch.looked is None else "has seen no stream yet"
    st.html(
        f'<div class="dl-h">Nothing is watched yet</div><p class="dl-muted">Drift detection {runs}. It is part of '
        "<code>driftline up</code>, or runs as <code>driftline alert</code>, and the setting <code>drift</code> has to "
        "be on. It takes up what it sees by itself; a metric of a segment is watched once it has 300 observations of "
        "an hour or more.</p>"
    )


def _summary(view: View, watch: Watch) -> None:
    parts = [
        ("in an alarm", watch.alarms),
        ("with a change too small to call anybody", watch.small),
        ("suspicious", watch.suspicious),
        ("learning", watch.learning),
    ]
    quiet = watch.monitors - sum(count for _, count in parts)
    told = "".join(f"<span><b>{count:,}</b> {name}</span>" for name, count in [*parts, ("quiet", quiet)] if count)
    looked = f"<span>last looked at {same_day(watch.looked)}</span>" if watch.looked and view.until is None else ""
    st.html(
        f'<div class="dl-h">{watch.monitors:,} monitors<small>all of them together: false alarms in 30 days at '
        f'most {false_pages():g}</small></div><div class="dl-status">{told}{looked}</div>'
    )


def _episodes(view: View, as_of: datetime) -> None:
    board = incidents_data.board(view.window, as_of)
    mine = [one for one in board.incidents if one.lead.rule.startswith(FOUND) and one.concerns(view)]
    for one in sorted((one for one in mine if one.open), key=lambda one: one.rank, reverse=True):
        alerts.card(view, board, one, as_of)
    over = [one for one in mine if not one.open]
    if over:
        st.html(f'<div class="dl-h">Over<small>found in the last {view.window.label}</small></div>')
    for one in over[:_MOST_OVER]:
        alerts.past(view, one, as_of)


def _metric() -> str:
    """The metric that the URL asks for; '' for all."""
    name = str(st.query_params.get(METRIC, ""))
    return name if name in MONITORED else ""


def _pictures(view: View, one: Seen, as_of: datetime) -> None:
    metric, span = METRICS[one.metric], data.period(view, as_of)
    changed = [event for event in drift_data.events(view, as_of) if event.concerns(one.segment)]
    marks = [*markers.of_events(changed), *markers.of_start(one.started)]
    st.html(
        f'<div class="dl-h">{escape(metric.title)}{_direction(one)}<small>{escape(where(one.segment))}</small></div>'
        f"{_facts(one)}"
    )
    left, right = st.container(key="pair").columns(2, gap="medium")
    with left:
        course = drift_data.course(view, as_of, one.stream)
        panel(
            "evidence-over-time",
            "Evidence",
            drift_charts.evidence(course, span, marks),
            course,
            says=f"Evidence of drift over the last {view.window.label}, now {_share(one.evidence)} of an alarm."
            + markers.in_words(changed),
            note="share of what raises an alarm",
        )
    with right:
        _course(view, one, as_of, changed)


def _course(view: View, one: Seen, as_of: datetime, changed: Sequence[Event]) -> None:
    """The metric itself, with the level of the baseline and the begin of the change."""
    if one.segment == ANCHORS:
        st.html('<p class="dl-muted">Anchors are judged again and again, and are in no metric of production.</p>')
        return
    metric, span = METRICS[one.metric], data.period(view, as_of)
    there = replace(view, filters=from_url(dict(one.segment)).filters)
    series = data.course(there, as_of, (one.metric,))
    line = charts.Line("", PALETTE[0], on_grid(series, one.metric, span, data.step_of(there, one.metric)))
    level = _level(one)
    marks = [*markers.of_events(changed), *markers.of_start(one.started), *markers.of_level(one.level, level)]
    [chart] = charts.small_multiples(metric, [line], span, marks)
    panel(
        "course-of-metric",
        metric.title,
        chart,
        series,
        says=charts.words(metric, line, span)
        + (f" Its normal level is {level}." if level else "")
        + markers.in_words(changed),
        note=f"dashed: normal level {level}" if level else "",
    )


def _facts(one: Seen) -> str:
    kind = MONITORED[one.metric].kind
    promise, months = one.promise, 1 / one.false_a_month if one.false_a_month else math.inf
    smallest = "none" if promise and promise.smallest is None else ""
    if promise and promise.smallest is not None:
        smallest = change_of(kind, promise.smallest)
    return facts(
        {
            "State": STATES[one.state],
            "Evidence": "" if one.state == "learning" else f"{_share(one.evidence)} of an alarm",
            "Begun about": day_and_time(one.started) if one.started else "",
            "Normal level": _level(one),
            "Learned from": f"{one.n:,.0f} {METRICS[one.metric].n_label}",
            "Comes a day": f"{one.per_day:,.0f}",
            "Finds, half the time": _promise(one),
            "Smallest found in a week": smallest,
            "Wrong at most": f"once in {months:,.0f} months" if math.isfinite(months) else "",
            "Judge": one.evaluator,
        }
    )


def _list(view: View, found: list[Seen], metric: str, chosen: Seen | None) -> None:
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    bar.html('<div class="dl-h dl-inline">Monitors</div>', width="content")
    st.session_state[_CHOSEN] = metric or None
    bar.selectbox(
        "Metric", tuple(MONITORED), index=None, placeholder="All metrics", format_func=title_of, key=_CHOSEN, width=240,
        label_visibility="collapsed", on_change=_metric_chosen,
    )  # fmt: skip
    if not found:
        st.html('<p class="dl-muted">None of what is watched lies within these filters.</p>')
        return
    shown = sorted(found[: drift_data.MOST], key=lambda one: (-one.evidence, -one.per_day, one.stream))
    with st.container(key="monitors", gap=None):
        st.html(_HEAD)
        for one in shown:
            here = "here-" if one is chosen else ""
            line = st.container(
                key=f"monitor-{here}{one.stream}", horizontal=True, wrap=False, vertical_alignment="center", gap="small"
            )
            kept = {METRIC: metric} if metric else {}
            link(line, DRIFT, f"{title_of(one.metric)}{_direction(one)}", view, **kept, monitor=one.stream)
            line.html(_cells(one))
    if len(found) > drift_data.MOST:
        st.html('<p class="dl-muted">and more with less evidence; choose filters or a metric to see them.</p>')


def _metric_chosen() -> None:
    chosen = st.session_state[_CHOSEN]
    st.query_params.pop(MONITOR, None)
    if chosen:
        st.query_params[METRIC] = chosen
    else:
        st.query_params.pop(METRIC, None)


def _cells(one: Seen) -> str:
    style = "dl-bad" if one.state in drift_data.ALARMS else ""
    return (
        f'<div class="dl-monitor"><span>{escape(where(one.segment))}</span>'
        f'<span class="{style}">{STATES[one.state]}</span><span>{_meter(one)}</span><span>{escape(_level(one))}</span>'
        f"<span>{escape(_promise(one))}</span></div>"
    )


def _meter(one: Seen) -> str:
    """Evidence as a bar in powers of ten, full at an alarm, with its text; '' where nothing is measured yet."""
    if one.state == "learning":
        return ""
    decades = math.log10(max(min(one.evidence, 1.0), drift_charts.FLOOR) / drift_charts.FLOOR)
    width = 100 * decades / math.log10(1 / drift_charts.FLOOR)
    style = "dl-full" if one.evidence >= 1 else ""
    return (
        f'<span class="dl-meter"><i class="{style}" style="width:{width:.0f}%"></i></span>'
        f"<small>{_share(one.evidence)}</small>"
    )


def _share(evidence: float) -> str:
    if evidence < NOTABLE:
        return "below 1 %"
    return f"{evidence * 100:,.0f} %" if evidence < drift_charts.CEILING else f"over {drift_charts.CEILING:,.0f} times"


def _level(one: Seen) -> str:
    return "" if one.level is None else format_value(METRICS[one.metric], one.level)


def _promise(one: Seen) -> str:
    if one.promise is None:
        return "" if one.state == "learning" else "not worked out yet"
    kind = MONITORED[one.metric].kind
    return found_within(kind, one.promise.size, one.promise.days, falls=one.falls)


def _direction(one: Seen) -> str:
    return " (falling)" if one.falls and MONITORED[one.metric].both_ways else ""
