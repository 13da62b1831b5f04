"""The worst requests by a metric, of the window or of one point of its curve, with links to their traces."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import choice, data
from driftline_dashboard.data import Period
from driftline_dashboard.text import day_and_time
from driftline_dashboard.widgets import answers, answers_data
from driftline_dashboard.widgets.held import held, renew
from driftline_dashboard.widgets.points import POINT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.view import View

_WHOLE: Final = "all"
_NONE: Final = ""


def bar(title: str) -> DeltaGenerator:
    """Draw the begin of the section: a line with its title, of our own words, which takes what can be chosen."""
    row = st.container(key="examples", horizontal=True, vertical_alignment="center", gap="small")
    note = f"at most {answers_data.MOST}; the time opens the trace"
    row.html(f'<div class="dl-h dl-inline">{title}<small>{note}</small></div>', width="content")
    return row


def show(
    where: DeltaGenerator,
    view: View,
    as_of: datetime,
    metric: str,
    *,
    waits: bool = False,
    only: Mapping[str, str] | None = None,
) -> None:
    """Draw the choice of a point of time, and the list.

    Args:
        where: of ``bar``.
        view: what is looked at.
        as_of: the moment.
        metric: by which they are the worst.
        waits: whether nothing is looked for before somebody has chosen.
        only: error class or fallback reason that they have.
    """
    step = data.step_of(view, metric)
    points = [str(point) for point in reversed(_points(view, as_of, step))]
    first = _NONE if waits else _WHOLE
    options = (*dict.fromkeys((first, _WHOLE)), *points)
    point = choice.select(where, "Point of the curve", POINT, options, first, shown=_label)
    if point == _NONE:
        return
    span = data.period(view, as_of) if point == _WHOLE else _period(int(point), step)
    narrowed = only or {}
    found = answers_data.worst(view, span, metric, data.instrument(view, as_of), **narrowed)
    found, new = held("examples", (view, metric, point, *narrowed.items()), found)
    renew(where, "examples", new)
    if not found:
        st.html('<p class="dl-muted">None.</p>')
        return
    answers.links(view, found)


def _period(point: int, step: timedelta) -> Period:
    begin = datetime.fromtimestamp(point, UTC)
    return Period(begin, begin + step)


def _points(view: View, as_of: datetime, step: timedelta) -> range:
    """Begins of the steps that the window touches, in Unix seconds."""
    span, seconds = data.period(view, as_of), int(step.total_seconds())
    first = int(span.since.timestamp()) // seconds * seconds
    return range(first, int(span.until.timestamp()), seconds)


def _label(point: str) -> str:
    if not point.isdecimal():
        return {_WHOLE: "the whole window", _NONE: "choose a point of the curve"}[point]
    return f"from {day_and_time(datetime.fromtimestamp(int(point), UTC))}"
