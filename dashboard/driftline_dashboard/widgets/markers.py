"""Moments on charts over time: what changed in the application, and since when something is otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt
import pandas as pd

from driftline_alerts.plain import clean, short
from driftline_dashboard.text import DIMENSION_TITLES, day_and_time, escape, same_day
from driftline_dashboard.theme import BAD, MUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from driftline_alerts.drift.events import Event

_MAX_TEXT: Final = 80
_LISTED: Final = 3


def of_events(found: Sequence[Event]) -> list[alt.Chart]:
    """A dotted line for each event that says on hover what it was."""
    if not found:
        return []
    frame = pd.DataFrame(
        {
            "time": [event.at.timestamp() * 1000 for event in found],
            "what": [_told(event) for event in found],
            "where": [_where(event) for event in found],
        }
    )
    tooltip = [
        alt.Tooltip("time:T", title="at", format="%d %b %H:%M"),
        alt.Tooltip("what:N", title="changed"),
        alt.Tooltip("where:N", title="where"),
    ]
    rules = alt.Chart(frame).mark_rule(color=MUTED, strokeDash=[2, 3], strokeWidth=1.5, clip=True)
    return [rules.encode(x="time:T", tooltip=tooltip)]


def of_start(started: datetime | None) -> list[alt.Chart]:
    """A line where a change is thought to have begun."""
    if started is None:
        return []
    frame = pd.DataFrame({"time": [started.timestamp() * 1000], "what": ["estimated start of the change"]})
    rule = alt.Chart(frame).mark_rule(color=BAD, strokeWidth=1.5, clip=True)
    return [rule.encode(x="time:T", tooltip=[alt.Tooltip("time:T", title="about", format="%d %b %H:%M"), "what:N"])]


def of_level(level: float | None, shown: str) -> list[alt.Chart]:
    """A dashed line at the level of a baseline; ``shown`` is the same in words."""
    if level is None:
        return []
    frame = pd.DataFrame({"value": [level], "level": [shown]})
    rule = alt.Chart(frame).mark_rule(color=MUTED, strokeDash=[6, 3], strokeWidth=1.5, clip=True)
    return [rule.encode(y="value:Q", tooltip=[alt.Tooltip("level:N", title="baseline")])]


def listed(found: Sequence[Event]) -> str:
    """The newest events as a line of HTML; '' for none."""
    if not found:
        return ""
    newest = found[: -_LISTED - 1 : -1]
    told = "; ".join(f"{same_day(event.at)} {_told(event)} ({_where(event)})" for event in newest)
    more = len(found) - _LISTED
    rest = f"; and {more:,} more" if more > 0 else ""
    return f'<div class="dl-status dl-line" title="{escape(told)}{rest}">Changed: {escape(told)}{rest}</div>'


def in_words(found: Iterable[Event]) -> str:
    """The events for whoever does not see them as lines."""
    told = "; ".join(f"{_told(event)} at {day_and_time(event.at)}" for event in found)
    return f" Changes meanwhile: {told}." if told else ""


def _told(event: Event) -> str:
    if event.text:
        return short(clean(event.text), _MAX_TEXT)
    kind = DIMENSION_TITLES.get(event.kind, event.kind.replace("_", " ")).lower()
    return short(clean(f"{kind} {event.before or '?'} \u2192 {event.after}"), _MAX_TEXT)


def _where(event: Event) -> str:
    values = dict(event.segment)
    named = values.get("feature") or values.get("environment") or "everything"
    return short(clean(named), _MAX_TEXT)
