"""Where it differs: a metric over time, a picture a segment, and all metrics in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import choice, data
from driftline_dashboard.drift import drift_data
from driftline_dashboard.places import METRIC
from driftline_dashboard.text import escape, segment_name
from driftline_dashboard.theme import MUTED, PALETTE
from driftline_dashboard.widgets import charts, markers
from driftline_dashboard.widgets.next_steps import NEXT_STEPS
from driftline_dashboard.widgets.panel import heading, menu
from driftline_dashboard.widgets.points import linked
from driftline_dashboard.widgets.table import grid
from driftline_dashboard.widgets.tiles import NO_DATA, interval
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.metrics import DIMENSIONS, METRICS
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import readings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import pandas as pd

    from driftline_dashboard.view import View
    from driftline_store.metrics_query import Reading

SPLITS: Final = {"prompt_version": "Prompt version", "feature": "Feature", "model": "Model"}
_CHARTS: Final = len(PALETTE)
_ROWS: Final = 12
_NAMES: Final = "segment"


def show(
    view: View,
    as_of: datetime,
    columns: tuple[str, ...],
    *,
    default: str = "",
    split: str = "prompt_version",
    beside: Callable[[], None] | None = None,
) -> None:
    """Draw the section with its two selectors.

    Args:
        view: what is looked at.
        as_of: the moment.
        columns: metrics of the table; each of them, and requests, can be charted.
        default: which one is charted first; '' for the first column.
        split: by which dimension it is split first.
        beside: draws what stands beside the table.
    """
    bar = st.container(key="over-time", horizontal=True, vertical_alignment="center", gap="small")
    bar.html('<div class="dl-h dl-inline">Over time</div>', width="content")
    split = choice.segmented(bar, "Split by", choice.SPLIT, SPLITS, split)
    charted = (*columns, "requests")
    name = choice.select(bar, "Metric", METRIC, charted, default or columns[0], shown=lambda each: METRICS[each].title)
    by = _dimensions(split, view, as_of)
    found, series = data.split(view, as_of, by, columns, name)
    menu(bar, "course", series)
    totals = _named(found, by)
    colours = {each: PALETTE[rank] for rank, each in enumerate(sorted(totals[_NAMES].head(_CHARTS), key=natural))}
    with st.container(key="charts"):
        _small_multiples(view, as_of, _named(series, by), name, colours)
    table, *rest = st.container(key="pair").columns([3, 2] if beside else 1, gap="medium")
    with table:
        note = f"the {_ROWS} with most requests" if len(totals) > _ROWS else ""
        heading("segments", f"By {SPLITS[split].lower()}", totals, note=note)
        st.html(_table(totals.head(_ROWS), columns, colours, data.period(view, as_of)))
    if beside:
        with rest[0]:
            beside()


def _dimensions(split: str, view: View, as_of: datetime) -> tuple[str, ...]:
    # "v1" of two prompts is two things.
    prompts = data.known(view, as_of).segments["prompt_name"]
    return ("prompt_name", split) if split == "prompt_version" and len(prompts) > 1 else (split,)


def _named(frame: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    names = frame[list(by)].map(segment_name).agg(" · ".join, axis=1) if len(frame) else frame[by[0]]
    return frame.assign(**{_NAMES: names})


def natural(name: str) -> list[tuple[int, str]]:
    """Key that puts ``v2`` before ``v10``."""
    words = "".join(c if c.isdigit() else f"\0{c}\0" for c in name).split("\0")
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words if word]


def _small_multiples(view: View, as_of: datetime, series: pd.DataFrame, name: str, colours: Mapping[str, str]) -> None:
    metric, span = METRICS[name], data.period(view, as_of)
    step = data.step_of(view, name)
    lines = [
        charts.Line(each, colour, on_grid(mine, name, span, step), _lead(mine, name, view))
        for each, colour in colours.items()
        for mine in [series[series[_NAMES] == each]]
    ]
    if not any(line.points[name].notna().any() for line in lines):
        said = NEXT_STEPS.get(name, NO_DATA)
        st.html(f'<p class="dl-muted">{escape(f"{metric.title}: {said}")}.</p>')
        return
    across = min(len(lines), 3)
    changed = drift_data.events(view, as_of)
    pictures = charts.small_multiples(metric, lines, span, markers.of_events(changed))
    for start in range(0, len(lines), across):
        row = st.columns(across, gap="medium")
        for column, line, picture in zip(row, lines[start:], pictures[start:], strict=False):
            with column:
                st.html(f'<div class="dl-h">{_key(line.colour)}{escape(line.name)}{_note(metric.title)}</div>')
                st.altair_chart(
                    picture, width="stretch", alt=charts.words(metric, line, span) + markers.in_words(changed)
                )


def _lead(series: pd.DataFrame, name: str, view: View) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """What makes the points of a segment's curve lead to its worst requests."""
    segment = {each: str(value) for each in DIMENSIONS if each in series for value in series[each].head(1)}
    return lambda frame: linked(frame, name, view, **segment)


def _note(text: str) -> str:
    return f"<small>{escape(text)}</small>"


def _key(colour: str) -> str:
    return f'<span class="dl-key" style="background:{colour}"></span>'


def _table(totals: pd.DataFrame, columns: tuple[str, ...], colours: Mapping[str, str], span: data.Period) -> str:
    if totals.empty:
        return f'<p class="dl-muted">{NO_DATA}</p>'
    heads = ("", *(METRICS[name].title for name in ("requests", *columns)))
    found = {name: readings(totals, name, since=span.since, until=span.until) for name in columns}
    rows = (
        f"<td>{_key(colours.get(name, MUTED))}{escape(name)}</td><td>{requests:,}</td>"
        + "".join(cell(found[column][at]) for column in columns)
        for at, (name, requests) in enumerate(zip(totals[_NAMES], totals["requests__n"], strict=True))
    )
    return grid(heads, rows)


def cell(reading: Reading) -> str:
    """A metric in a table, with its basis."""
    if reading.value is None:
        return f'<td class="dl-muted">{NO_DATA}</td>'
    basis = f"n = {reading.n:,}"
    title = f"{basis} {reading.metric.n_label}"
    if reading.low is not None:
        title += f", 95 % interval {interval(reading)}"
    value = format_value(reading.metric, reading.value)
    return f'<td title="{escape(title)}">{escape(value)}<small>{basis}</small></td>'
