"""The page about Driftline itself: what is wrong and what to do, and the figures behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.places import letter_place
from driftline_dashboard.system import dead_letter, findings, system_data, system_tables
from driftline_dashboard.text import bounded, clock, escape
from driftline_dashboard.widgets.facts import money
from driftline_dashboard.widgets.tiles import NO_DATA
from driftline_processors.judge.ledger import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_dashboard.system.findings import About, Finding
    from driftline_dashboard.system.system_data import Standing
    from driftline_dashboard.view import View
    from driftline_processors.reports import Instance

_MOST: Final = 12
_MAX_TEXT: Final = 500
_WORDS: Final = {"bad": "Wrong", "warn": "Look"}


def show(view: View) -> None:
    """Draw the page below the controls: all of Driftline, whatever the filters.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    if place := letter_place(st.query_params):
        dead_letter.show(view, place)
        return
    as_of = data.moment()
    running = system_data.running(as_of)
    now = system_data.standing(data.half_minute(as_of))
    found = findings.findings(running, now)
    st.html(
        f'<div class="dl-status"><span>as of <b>{clock(as_of)}</b></span>'
        "<span>all of Driftline, now, whatever the filters</span>"
        f"<span>what runs: every {data.REFRESH_SECONDS} s, the rest: every 30 s</span></div>"
    )
    _tiles(running, now, found)
    _findings(found)
    system_tables.parts(running)
    system_tables.sent(now)
    system_tables.letters(view, now)
    left, right = st.container(key="pair").columns([1, 1], gap="medium")
    with left:
        system_tables.judges(now)
        system_tables.unpriced(now)
        system_tables.left_out(now)
    with right:
        system_tables.stored(now)


def _findings(found: Sequence[Finding]) -> None:
    if not found:
        st.html('<p class="dl-asked">Nothing is wrong, and nothing waits for you.</p>')
        return
    rows = "".join(
        f'<li><b class="dl-{one.level}">{_WORDS[one.level]}</b><div><b>{escape(bounded(one.what, _MAX_TEXT))}</b>'
        f'<div class="dl-muted">{escape(one.do)}</div></div></li>'
        for one in found[:_MOST]
    )
    more = f'<li class="dl-muted">and {len(found) - _MOST:,} more</li>' if len(found) > _MOST else ""
    st.html(f'<ul class="dl-findings">{rows}{more}</ul>')


def _tiles(running: Sequence[Instance], now: Standing, found: Sequence[Finding]) -> None:
    levels = {one.about: one.level for one in reversed(found)}
    cells = "".join(
        f'<section class="dl-tile" data-metric="{about}"><h3>{title}</h3>'
        f'<div class="dl-value">{_value(value, levels.get(about, "plain"))}</div>'
        f'<div class="dl-basis">{escape(basis)}</div></section>'
        for about, title, value, basis in _numbers(running, now)
    )
    st.html(f'<div class="dl-tiles dl-small">{cells}</div>')


def _value(value: str, level: str) -> str:
    if not value:
        return f'<strong class="dl-none">{NO_DATA}</strong>'
    return f'<strong class="dl-{level}">{escape(value)}</strong>'


def _numbers(running: Sequence[Instance], now: Standing) -> list[tuple[About, str, str, str]]:
    """What a number is about, its title, the number, and what it is based on."""
    lags = [lag for partitions in findings.waiting(running).values() for lag in partitions.values()]
    emitted, stored = sum(one.emitted for one in now.sent), sum(one.stored for one in now.sent)
    sampled, judged = sum(one.sampled for one in now.judged), sum(one.judged for one in now.judged)
    spent, store = together(now.spent), now.store
    room = f"{system_tables.size(store.free)} of the disk are free, " if store.space else ""
    return [
        ("lag", "Waiting on the bus", f"{sum(lags):,.0f}" if lags else "",
         f"messages in {len(lags):,} partitions" if lags else "no ingest says"),
        ("coverage", "Stored of what was sent", system_tables.percent(stored, emitted),
         f"n = {emitted:,} spans, last hour"),
        ("dropped", "Dropped by applications", f"{sum(one.dropped for one in now.sent):,}",
         f"spans and events of {sum(one.instances for one in now.sent):,} processes, last hour"),
        ("letters", "Dead letters", f"{sum(group.count for group in now.reasons):,}", "open, by the newest reasons"),
        ("judged", "Judged of what was chosen", system_tables.percent(judged, sampled),
         f"n = {sampled:,} requests, last 24 h"),
        ("budget", "Spent by judges", money(spent.day), f"today (UTC), {money(spent.month)} this month"),
        ("unpriced", "Calls without a price", f"{sum(one.calls for one in now.unpriced):,}",
         f"of {len(now.unpriced):,} models, last {system_data.UNPRICED_DAYS} days"),
        ("store", "Stored", system_tables.size(store.size), f"{room}schema {store.schema}"),
    ]  # fmt: skip
