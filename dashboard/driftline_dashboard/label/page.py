"""The page for labels: one answer at a time, blind, by one key or two; below it how far the judge agrees."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import choice, data
from driftline_dashboard.access import SOMEBODY, may_act, who
from driftline_dashboard.label import label_agreement, label_data
from driftline_dashboard.label.label_data import MOST, QUEUES, WHY
from driftline_dashboard.label.label_work import Work, keys, undo
from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import bounded, escape, segment_name
from driftline_dashboard.traces import conversation, trace_data
from driftline_dashboard.view import is_sane
from driftline_store.labels import PASS
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_dashboard.label.label_data import Waiting
    from driftline_dashboard.traces.trace_data import Score, Trace
    from driftline_dashboard.view import View

BY: Final = "by"
"""Query parameter with the name of who labels."""
QUEUE: Final = "queue"
EVALUATION: Final = "evaluation"
_WORK: Final = "label_work"
_BY_KEY: Final = "label_name"
_MAX_WHY: Final = 600


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    names = label_data.evaluations(view, data.as_of(view))
    if not names:
        _nothing_judged(view)
        return
    name, queue, by = _choices(list(names))
    work = _work((view, name, queue))
    _progress(work, names[name])
    with st.container(key="labelling", gap="small"):
        if work.current is None:
            _done(work)
        else:
            _answer(work.current)
            if may_act():
                keys(work, work.current, by)
            else:
                st.html('<p class="dl-muted">You may look at this dashboard and not label: ask who runs it.</p>')
    _last(view, work)
    label_agreement.show(view, name)


def _choices(names: Sequence[str]) -> tuple[str, str, str]:
    """Evaluation, queue and name; all but a login's name stand in the URL."""
    row = st.container(key="label-choices", horizontal=True, vertical_alignment="bottom", gap="medium")
    queue = choice.segmented(row, "Queue", QUEUE, QUEUES, next(iter(QUEUES)))
    name = choice.select(row, "Evaluation", EVALUATION, names, names[0], shown=str) if len(names) > 1 else names[0]
    by = who()
    if by == SOMEBODY:
        by = _said_name()
        row.text_input(
            "Your name",
            by,
            max_chars=100,
            key=_BY_KEY,
            placeholder="stands with your labels",
            on_change=_name_said,
            width=220,
        )
    st.html(
        '<p class="dl-muted">Only answers drawn by chance speak for all: the corrected quality counts them alone once '
        "there are some.</p>"
    )
    return name, queue, by


def _said_name() -> str:
    name = st.query_params.get(BY, "").strip()
    return name if is_sane(name) else ""


def _name_said() -> None:
    st.query_params[BY] = str(st.session_state[_BY_KEY])


def _work(asked: tuple[View, str, str]) -> Work:
    """What the visitor is at; the queue stays as it is until it is done, or something else is asked for."""
    work: Work | None = st.session_state.get(_WORK)
    if work is None or work.asked != asked:
        view, name, queue = asked
        work = st.session_state[_WORK] = Work(asked, label_data.waiting(view, data.as_of(view), name, queue))
    return work


def _nothing_judged(view: View) -> None:
    st.html(
        f'<div class="dl-h">Nothing to label</div><p class="dl-muted">No answer of the last {view.window.label} that '
        "the filters keep has a score of a judge. Choose a longer window, or switch a judge on: its labels are checked "
        "against its scores (<code>driftline judge</code>; see the settings <code>judge_…</code>).</p>"
    )


def _progress(work: Work, judged: int) -> None:
    waiting = len(work.queue) - work.at
    more = "at least " if waiting >= MOST else ""
    said = f"{len(work.given)} labelled in this visit, {more}{waiting} waiting, of {judged:,} judged in the window"
    st.html(f'<div class="dl-h">Is this answer good?<small>{escape(said)}</small></div>')
    st.progress(work.at / len(work.queue) if work.queue else 1.0)


def _done(work: Work) -> None:
    st.html(
        '<p class="dl-muted">Nothing waits any more: all that was judged in this window and that the filters keep is '
        "labelled or was skipped.</p>"
    )
    row = st.container(horizontal=True, gap="small")
    if work.queue:
        row.button("Look for more", key="label-more", on_click=partial(st.session_state.pop, _WORK, None))
    if work.given:
        row.button("Undo the last", key="label-undo", shortcut="U", type="tertiary", on_click=partial(undo, work, ""))


def _answer(one: Waiting) -> None:
    """The conversation and nothing that tells who answered or what anybody thought of it."""
    found = trace_data.trace(one.trace_id)
    with st.container(key="label-answer", border=True):
        if not found.steps:
            st.html('<p class="dl-muted">Its texts are not stored any more. Skip it.</p>')
            return
        step = found.step(one.span_id)
        step = step if step.has_texts else found.step("")
        st.html(f'<div class="dl-status">Feature {escape(segment_name(step.feature))}</div>')
        said = trace_data.conversation(one.trace_id, step)
        conversation.show(said, step.span_id, "No texts of this answer are stored. Skip it.")


def _last(view: View, work: Work) -> None:
    """What the judge and users said of the answer before, now that it is labelled."""
    if not work.given:
        return
    at, label = work.given[-1]
    one = work.queue[at]
    found = trace_data.trace(one.trace_id)
    said = "good" if label.label == PASS else f"bad: {label.note}"
    row = st.container(key="label-last", horizontal=True, vertical_alignment="center", gap="small")
    row.html(
        f"<div><b>The one before:</b> you said {escape(said)}. {_others(found)} "
        f'<span class="dl-muted">It was here because {WHY[one.why]}.</span></div>'
    )
    link(row, TRACES, "Open its trace", view, trace=one.trace_id)


def _others(found: Trace) -> str:
    told = [_told(score) for score in found.scores if not score.evaluator or score.source != "human"]
    return " ".join(told) or "Nobody else said anything."


def _told(score: Score) -> str:
    who = {"judge": "The judge", "human": "A user", "rule": "A check"}.get(score.source, "Somebody")
    value = (
        "" if score.score is None or score.source == "human" else f" {format_value(METRICS['quality'], score.score)}"
    )
    words = " ".join(part for part in (score.label.replace("_", " "), score.explanation) if part)
    return f"{who} said{value} {escape(bounded(words, _MAX_WHY))}.".replace("..", ".")
