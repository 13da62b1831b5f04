"""How far the judge agrees with people, and what that does to the quality: a table, an instrument a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.label import label_data
from driftline_dashboard.text import clock, escape
from driftline_dashboard.widgets.table import grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_interval, format_value

if TYPE_CHECKING:
    from driftline_dashboard.view import View
    from driftline_store.estimates.figure import Figure
    from driftline_store.metrics import Metric
    from driftline_store.quality import Quality

_MOST: Final = 10
_MEASURES: Final = {
    "agreement": ("Agreement", "Share of answers on which judge and people give the same verdict"),
    "kappa": ("Cohen’s kappa", "Agreement beyond chance: 0 is chance, 1 is always"),
    "sensitivity": ("Good seen", "Of what people pass, the judge passes this share"),
    "specificity": ("Bad seen", "Of what people fail, the judge fails this share"),
}
_SHARES: Final = frozenset({"agreement", "sensitivity", "specificity"})
_SCORE: Final = METRICS["quality"]
_SHARE: Final = METRICS["error_rate"]
"""Metrics whose numbers are written alike."""


def show(view: View, name: str) -> None:
    """Draw the section.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.minute(data.as_of(view))
    found = label_data.agreement(view, as_of, name)
    note = f"answers of the last {view.window.label}, as of {clock(as_of)}"
    st.html(f'<div class="dl-h">Judge and people<small>{escape(note)}</small></div>')
    if not any(one.both for one in found):
        st.html(
            '<p class="dl-muted">No answer of this window has both a label and a score yet. '
            f"Label {data.LABELS} answers to correct the quality.</p>"
        )
        return
    heads: list[str | tuple[str, str]] = ["Judge", "Judged", "Labelled", "As the judge sees it", "Corrected by labels"]
    heads += _MEASURES.values()
    st.html(f'<p class="dl-effect">{escape(effect(found[0]))}</p>{grid(heads, map(_row, found[:_MOST]))}')


def effect(one: Quality) -> str:
    """What labels do to the quality, in one sentence."""
    raw, corrected = one.raw, one.corrected
    if corrected.value is None or raw.value is None:
        return f"No corrected quality yet: {corrected.reason or raw.reason}."
    by = corrected.value - raw.value
    fits = corrected.low is not None and corrected.high is not None and corrected.low <= raw.value <= corrected.high
    how = "which the labels do not contradict" if fits else f"so the judge is {'too strict' if by > 0 else 'too kind'}"
    return (
        f"The judge sees a quality of {format_value(_SCORE, raw.value)}; people would see "
        f"{format_value(_SCORE, corrected.value)} ({format_interval(_SCORE, corrected.low, corrected.high)}), {how}."
    )


def _row(one: Quality) -> str:
    measures = "".join(
        _cell(one.agreement[name], one.both, _SHARE if name in _SHARES else _SCORE) for name in _MEASURES
    )
    return (
        f"<td>{escape(one.evaluator or '(no name)')}</td><td>{one.judged:,}</td><td>{one.both:,}</td>"
        f"{_cell(one.raw, one.judged)}{_cell(one.corrected, one.both)}{measures}"
    )


def _cell(figure: Figure, n: int, metric: Metric = _SCORE) -> str:
    if figure.value is None:
        return f'<td class="dl-muted" title="{escape(figure.reason)}">n/a<small>{escape(figure.reason)}</small></td>'
    ends = format_interval(metric, figure.low, figure.high)
    title = f"n = {n:,} answers, 95 % interval {ends}"
    return f'<td title="{title}">{format_value(metric, figure.value)}<small>{ends}</small></td>'
