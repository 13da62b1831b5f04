"""What is special about the page of quality: corrected by labels, by criterion, the judge itself, and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.places import LABEL
from driftline_dashboard.text import bounded, escape
from driftline_dashboard.theme import PALETTE
from driftline_dashboard.topics import examples, quality_data
from driftline_dashboard.topics.limits import limits
from driftline_dashboard.widgets import charts as courses
from driftline_dashboard.widgets import charts_counts
from driftline_dashboard.widgets.change import change
from driftline_dashboard.widgets.charts_counts import Over
from driftline_dashboard.widgets.panel import heading, panel
from driftline_dashboard.widgets.points import linked
from driftline_dashboard.widgets.segments import cell
from driftline_dashboard.widgets.table import grid
from driftline_dashboard.widgets.timeline import on_grid
from driftline_store.judgements import means
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_interval, format_value
from driftline_store.metrics_query import readings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from driftline_dashboard.data import Glance, Period
    from driftline_dashboard.view import View
    from driftline_store.metrics_query import Reading

TILES: Final = ("quality", "satisfaction", "failed_check_rate")
_MAX_NAME: Final = 80
_QUALITY: Final = METRICS["quality"]


def more(view: View, as_of: datetime) -> Sequence[str]:
    """The tile of the quality that people would have given."""
    found = quality_data.corrected(view, as_of)
    if found is None or found.corrected.value is None:
        value, basis = "raw only", [_wanted(view, found.both if found else 0)]
    else:
        value = format_value(_QUALITY, found.corrected.value)
        basis = [
            f"95 % interval {format_interval(_QUALITY, found.corrected.low, found.corrected.high)}",
            f"n = {found.both:,} labels, of {found.judged:,} judged answers",
        ]
    style = "" if value[0].isdecimal() else ' class="dl-none"'
    said = "what people would have said, by labels and scores" if not style else "the judge errs, too"
    lines = "".join(f"<div>{line}</div>" for line in basis)
    tile = (
        f'<section class="dl-tile" data-metric="corrected"><h3>Corrected by labels</h3><div class="dl-value">'
        f'<strong{style}>{value}</strong></div><div class="dl-change"><span>{said}</span></div>'
        f'<div class="dl-basis">{lines}</div></section>'
    )
    return [tile]


def _wanted(view: View, labels: int) -> str:
    so_far = f", {labels:,} so far" if labels else ""
    words = f"label {data.LABELS} answers to correct it{so_far}"
    return f'<a href="{LABEL.path}?{escape(urlencode(view.to_url()))}" target="_self">{words}</a>'


def charts(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw the scores over time, and beside them the criteria and the anchors."""
    left, right = st.container(key="pair-quality").columns([3, 2], gap="medium")
    with left:
        _scores(view, as_of, glance)
    sums = quality_data.judgements(view, as_of)
    with right:
        _criteria(sums[~sums["is_anchor"]], data.period(view, as_of))
        _anchors(sums[sums["is_anchor"] & (sums["criterion"] == "")], view, as_of)


def details(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw the answers with the lowest scores."""
    del glance
    examples.show(examples.bar("Lowest scores"), view, as_of, "quality", waits=True)


def _scores(view: View, as_of: datetime, glance: Glance) -> None:
    counts, span, step = data.counts(view, as_of, ("quality",)), data.period(view, as_of), view.window.coarse
    title = "Scores over time"
    if counts.empty:
        heading("scores", title, counts)
        st.html('<p class="dl-muted">No answer of this window has been judged.</p>')
        return
    found = limits(view, "quality")
    course = on_grid(glance.series["quality"], "quality", span, step).rename(columns={"quality": "value"})
    cells = linked(charts_counts.scores(counts, step), "quality", view)
    chart = charts_counts.heat_map(
        cells, span, Over({"mean": course}, [limit for limit, _ in found]),
        title="Score (0 to 1)", unit="score", log=False,
    )  # fmt: skip
    now = glance.now["quality"]
    says = (
        f"How the judge scored answers over the last {view.window.label}, as a heat map; "
        f"on average {format_value(_QUALITY, now.value)} of {now.n:,} answers."
    )
    note = ", ".join(("the fuller, the more of them", *(f"dashed: {name}" for _, name in found)))
    panel("scores", title, chart, counts, says=says, note=note)


def _criteria(sums: pd.DataFrame, span: Period) -> None:
    found = means(sums, ("name", "criterion", "evaluator"))
    heading("criteria", "By criterion", found, note="of each evaluator")
    if found.empty:
        st.html('<p class="dl-muted">No scores in this window.</p>')
        return
    scores = readings(found, "quality", since=span.since, until=span.until)
    judges = len(set(found["evaluator"])) > len(set(found["name"]))
    rows = (
        f"<td>{_named(name, criterion)}</td>{f'<td>{_text(judge)}</td>' if judges else ''}{cell(score)}"
        for name, criterion, judge, score in zip(
            found["name"], found["criterion"], found["evaluator"], scores, strict=True
        )
    )
    heads = ("Evaluator, criterion", *(("Instrument",) if judges else ()), "Score")
    st.html(grid(heads, rows, name="criteria"))


def _named(name: str, criterion: str) -> str:
    return f"{_text(name)} · {_text(criterion)}" if criterion else f"<b>{_text(name)}</b>"


def _text(name: str) -> str:
    return escape(bounded(name, _MAX_NAME))


def _anchors(sums: pd.DataFrame, view: View, as_of: datetime) -> None:
    """Answers that stay the same: when their scores move, it is the judge that moved."""
    judge = data.instrument(view, as_of)
    mine, span, step = sums[sums["evaluator"] == judge], data.period(view, as_of), view.window.coarse
    title, note = "Anchors", "answers that stay the same, judged again and again"
    if mine.empty:
        heading("anchors", title, mine, note=note)
        st.html(
            '<p class="dl-muted">None was judged in this window, so a change of the judge itself would not be seen '
            "here. Make some: <code>driftline anchors add</code>.</p>"
        )
        return
    scores = means(mine, ("bucket",))
    points = on_grid(scores, "quality", span, step)
    [chart] = courses.small_multiples(_QUALITY, [courses.Line("Anchors", PALETTE[3], points)], span)
    said = _moved(mine, span)
    panel(
        "anchors", title, chart, scores, says=f"Scores of anchors over the last {view.window.label}. {said}", note=note
    )
    st.html(f'<p class="dl-muted">{escape(said)}</p>')


def _moved(sums: pd.DataFrame, span: Period) -> str:
    """Whether the judge scores the same answers otherwise in the second half of the time than in the first."""
    half = span.since + (span.until - span.since) / 2
    found = means(sums.assign(is_late=np.where(sums["bucket"] >= half, 1, 0)), ("is_late",))
    if len(found) < 2:
        return "Anchors were judged in one half of the window only: too few to say whether the judge moved."
    before, now = readings(found, "quality", since=span.since, until=span.until)
    moved = change(now, before)
    if moved is None or moved.verdict == "noise":
        return f"The judge scores them as before: {_shown(before)}, then {_shown(now)}, within noise."
    return f"The judge itself moved by {moved.text}: {_shown(before)}, then {_shown(now)}."


def _shown(score: Reading) -> str:
    return f"{format_value(_QUALITY, score.value)} (n = {score.n:,})"
