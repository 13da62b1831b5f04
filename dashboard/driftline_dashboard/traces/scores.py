"""What judges, people and rules said about a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import bounded, day_and_time, escape
from driftline_dashboard.widgets.table import grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from driftline_dashboard.traces.trace_data import Score, Trace

_MOST: Final = 2_000
"""Characters of a cell that are shown."""
_WHO: Final = {"judge": "Judge", "human": "Person", "rule": "Check"}


def show(trace: Trace) -> None:
    """Draw the scores; where there are none, say so."""
    st.html('<div class="dl-h">Scores and feedback</div>')
    if not trace.scores:
        st.html('<p class="dl-muted">Nobody has judged or rated it.</p>')
        return
    names = {step.span_id: step.name for step in trace.steps}
    rows = (_row(score, names.get(score.span_id, score.span_id)) for score in trace.scores)
    st.html(grid(("When", "Who", "What", "Score", "Said", "About", "Why"), rows, style="dl-words"))


def _row(score: Score, step: str) -> str:
    who = _WHO.get(score.source, score.source)
    by = " · ".join(part for part in (who, score.evaluator, score.run and f"for {score.run}") if part)
    value = "" if score.score is None else format_value(METRICS["quality"], score.score)
    why = f"failed: {score.error}" if score.error else score.explanation
    said = score.label.replace("_", " ")
    short = (day_and_time(score.at), by, score.name, value, said, step or "the whole")
    cells = "".join(f'<td dir="auto">{escape(bounded(cell, _MOST))}</td>' for cell in short)
    return f'{cells}<td class="dl-long" dir="auto">{escape(bounded(why, _MOST))}</td>'
