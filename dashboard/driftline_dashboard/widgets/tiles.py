"""The numbers at the top: value, basis, interval, change and shape of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.data import COVERAGE, period, small_step_of
from driftline_dashboard.text import escape
from driftline_dashboard.widgets.change import Change, change
from driftline_dashboard.widgets.next_steps import NEXT_STEPS
from driftline_dashboard.widgets.sparkline import sparkline
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.metrics_format import format_interval, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_dashboard.data import Glance
    from driftline_dashboard.view import View
    from driftline_store.metrics_query import Reading

NO_DATA: Final = "no data yet"
_TITLES: Final = {"quality": "Judged quality", "latency_p95": "Latency p95"}
_VERDICTS: Final = {
    "better": ("dl-good", " better"),
    "worse": ("dl-bad", " worse"),
    "noise": ("dl-plain", ""),
    "plain": ("dl-plain", ""),
}


def show(view: View, as_of: datetime, glance: Glance, more: Sequence[str] = ()) -> None:
    """Draw the tiles as one element, so that a refresh replaces them at once.

    Args:
        view: what is looked at.
        as_of: the moment.
        glance: the numbers, a tile each.
        more: HTML of tiles that stand after the first one.
    """
    first, *rest = (_tile(view, as_of, glance, name) for name in glance.series)
    st.html(f'<div class="dl-tiles">{"".join((first, *more, *rest))}</div>')


def _tile(view: View, as_of: datetime, glance: Glance, name: str) -> str:
    now, before = glance.now[name], glance.before.get(name)
    title = _TITLES.get(name, now.metric.title)
    if now.value is None:
        value = f'<strong class="dl-none">{NO_DATA}</strong>'
        rest = _muted(NEXT_STEPS[name]) if name in NEXT_STEPS else ""
    else:
        value = f"<strong>{escape(format_value(now.metric, now.value))}</strong>"
        value += _picture(view, as_of, glance, now)
        rest = _change(change(now, before), glance.past) if before else _muted(f"compared with {glance.past}")
    return (
        f'<section class="dl-tile" data-metric="{name}" title="{escape(now.metric.doc)}">'
        f'<h3>{escape(title)}</h3><div class="dl-value">{value}</div>{rest}'
        f'<div class="dl-basis">{_basis(now, glance)}</div></section>'
    )


def _picture(view: View, as_of: datetime, glance: Glance, reading: Reading) -> str:
    name = reading.metric.name
    values = on_grid(glance.series[name], name, period(view, as_of), small_step_of(view, name))[name]
    url = sparkline(values.tolist(), from_zero=reading.metric.better != "higher")
    if not url:
        return ""
    ends = " to ".join(format_value(reading.metric, end) for end in (values.min(), values.max()))
    return f'<img src="{url}" alt="last {view.window.label}, from {escape(ends)}">'


def _change(found: Change | None, past: str) -> str:
    if found is None:
        return _muted(f"nothing in {past} to compare with")
    style, word = _VERDICTS[found.verdict]
    arrow = ("▲ " if found.rises else "▼ ") if word else ""
    note = ", within noise" if found.verdict == "noise" and found.text[0] != "±" else ""
    return (
        f'<div class="dl-change"><b class="{style}">{arrow}{escape(found.text)}{word}</b> '
        f"<span>from {escape(found.before)}{note}</span></div>"
    )


def _muted(text: str) -> str:
    return f'<div class="dl-change"><span>{escape(text)}</span></div>'


def _basis(reading: Reading, glance: Glance) -> str:
    known = f"95 % interval {interval(reading)}" if reading.low is not None else ""
    basis = f"n = {reading.n:,} {reading.metric.n_label}"
    if note := _coverage(reading.metric.name, glance):
        basis += f" · {note}"
    return "".join(f"<div>{escape(line)}</div>" for line in (known, basis) if line)


def interval(reading: Reading) -> str:
    """Both ends of its interval."""
    return format_interval(reading.metric, reading.low, reading.high)


def _coverage(name: str, glance: Glance) -> str:
    part = COVERAGE.get(name)
    if part is None:
        return ""
    found = glance.now[part]
    share = format_value(found.metric, found.value)
    if part == "unpriced_calls":
        return f"{share} of calls unpriced" if found.value else ""
    return "" if found.value is None else f"{share} of requests"
