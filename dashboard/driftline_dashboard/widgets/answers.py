"""The newest answers as a list; one can be opened to read question, answer and verdicts.

Everything in it was written by users and models, so all of it is shown as escaped text: no markup, no
pictures, no links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import bounded, clock, day_and_time, escape, one_line, segment_name
from driftline_dashboard.widgets import answers_data
from driftline_store.feedback import DOWN, REPORT, UP
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from driftline_dashboard.view import View
    from driftline_dashboard.widgets.answers_data import Answer

MAX_TEXT: Final = 6_000
_MAX_EXPLANATION: Final = 1_000
_MAX_NAME: Final = 80
_OPEN: Final = "open_answer"
_HELD: Final = "held_answers"
_ONLY_BAD: Final = "only_bad"
_LOW: Final = f"scores below {answers_data.LOW_SCORE:g}"
HEAD: Final = (
    '<div class="dl-row dl-head"><span>Question</span><span>Feature</span><span class="dl-extra">Model</span>'
    '<span class="dl-extra">Version</span><span class="dl-num">Latency</span><span class="dl-num">Cost</span>'
    '<span class="dl-num">Quality</span><span>Outcome</span></div>'
)
"""Of a list of requests; each line has ``cells``."""
_NOTABLE: Final = 0.05
"""Share by which a reported cost may differ from ours without being remarked on."""

_BAD_THUMBS: Final = frozenset({*DOWN, REPORT})


def show(view: View, as_of: datetime) -> None:
    """Draw the section."""
    bar = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    # Known before the toggle is drawn; a placeholder filled afterwards would blink at each refresh.
    found, is_held = _list(view, as_of, only_bad=bool(st.session_state.get(_ONLY_BAD)))
    note = "the list stands still while an answer is open" if is_held else f"the newest {answers_data.MOST}"
    bar.html(f'<div class="dl-h">Recent answers<small>{note}</small></div>', width="content")
    bar.toggle("Only bad ones", key=_ONLY_BAD, help=f"Errors, fallbacks, thumbs down or reports, and {_LOW}.")
    if not found:
        st.html('<p class="dl-muted">None in this window.</p>')
        return
    with st.container(key="answers", gap=None):
        st.html(HEAD)
        for answer in found:
            _row(view, answer)


def _list(view: View, as_of: datetime, *, only_bad: bool) -> tuple[list[Answer], bool]:
    """The answers to show; as long as one is open, those among which it was opened, so that it stays put."""
    asked = (view, only_bad)
    held = st.session_state.get(_HELD)
    if st.session_state.get(_OPEN) and held and held[0] == asked:
        return held[1], True
    st.session_state.pop(_OPEN, None)
    found = answers_data.recent(view, as_of, only_bad=only_bad)
    st.session_state[_HELD] = (asked, found)
    return found, False


def _toggle(identity: tuple[str, str]) -> None:
    st.session_state[_OPEN] = None if st.session_state.get(_OPEN) == identity else identity


def _row(view: View, answer: Answer) -> None:
    identity = (answer.trace_id, answer.span_id)
    is_open = st.session_state.get(_OPEN) == identity
    key = f"answer-{answer.trace_id}-{answer.span_id}"
    with st.container(key=key, gap=None):
        line = st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small")
        line.button(
            clock(answer.start),
            key=f"open-{key}",
            type="tertiary",
            icon=":material/expand_more:" if is_open else ":material/chevron_right:",
            on_click=_toggle,
            args=(identity,),
        )
        line.html(cells(answer))
        if is_open:
            st.html(_details(answer))
            link(st.container(key=f"links-{key}"), TRACES, "Open the trace", view, trace=answer.trace_id)


def links(view: View, found: Iterable[Answer], *, of_steps: bool = False, **parameters: str) -> None:
    """Draw a list of requests or steps whose times lead to their traces.

    Args:
        view: what is looked at.
        found: in their order.
        of_steps: whether the link chooses the step within its trace.
        parameters: more of the URL's query, such as the search that found them, to which the way back leads.
    """
    with st.container(key="traces", gap=None):
        st.html(HEAD)
        for one in found:
            line = st.container(
                key=f"answer-{one.trace_id}-{one.span_id}",
                horizontal=True,
                wrap=False,
                vertical_alignment="center",
                gap="small",
            )
            step = {"span": one.span_id} if of_steps else {}
            link(line, TRACES, day_and_time(one.start), view, **parameters, trace=one.trace_id, **step)
            line.html(cells(one))


def cells(answer: Answer) -> str:
    """What is said of a request in a line of a list, below ``HEAD``."""
    preview = one_line(answer.question or answer.answered, 160)
    return (
        f'<div class="dl-row"><span>{escape(preview)}</span><span>{escape(segment_name(answer.feature))}</span>'
        f'<span class="dl-extra">{escape(answer.model)}</span>'
        f'<span class="dl-extra">{escape(segment_name(answer.prompt_version))}</span>'
        f'<span class="dl-num">{format_value(METRICS["latency_p95"], answer.seconds)}</span>'
        f'<span class="dl-num">{_cost(answer)}</span><span class="dl-num">{_score(answer)}</span>'
        f"<span>{_outcome(answer)}</span></div>"
    )


def _cost(answer: Answer) -> str:
    if answer.cost is None:
        return '<span class="dl-muted">unknown</span>'
    return _dollars(float(answer.cost))


def _dollars(amount: float) -> str:
    return format_value(METRICS["spend"], amount)


def _score(answer: Answer) -> str:
    judged = answer.judgement
    if judged is None or judged.score is None:
        return f'<span class="dl-muted">{"judge failed" if judged else "not judged"}</span>'
    score = format_value(METRICS["quality"], judged.score)
    if judged.other:
        by = f"by {bounded(judged.other, _MAX_NAME)}, not by the judge of this page's numbers"
        return f'<span class="dl-muted" title="{escape(by)}">{score} {escape(by)}</span>'
    return f'<span class="{"dl-bad" if judged.score < answers_data.LOW_SCORE else ""}">{score}</span>'


def _outcome(answer: Answer) -> str:
    bad = [answer.error_class or "error"] if answer.is_error else []
    bad += [f"fallback: {answer.fallback_reason}"] if answer.fallback_reason else []
    bad += [_words(label) for label in answer.thumbs if label in _BAD_THUMBS]
    good = [_words(label) for label in answer.thumbs if label in UP]
    words = [f'<span class="dl-bad">{escape(word)}</span>' for word in bad]
    words += [f'<span class="dl-good">{escape(word)}</span>' for word in good]
    return ", ".join(words) or '<span class="dl-muted">ok</span>'


def _words(label: str) -> str:
    """What a user said or did, as people read it."""
    return "reported" if label == REPORT else label.replace("_", " ")


def _details(answer: Answer) -> str:
    asked, answered = answers_data.content(answer)
    facts = [
        f"{day_and_time(answer.start)}, trace {answer.trace_id}",
        f"model {answer.model or 'unknown'}, prompt version {segment_name(answer.prompt_version)}",
        *_cost_facts(answer),
    ]
    blocks = f"<div>{_text('Question', asked)}</div><div>{_text('Answer', answered)}</div>"
    if answer.error_message:
        blocks += f'<div class="dl-wide">{_text("Error", answer.error_message)}</div>'
    if judged := answer.judgement:
        title = f"Judge{judged.other and f' {bounded(judged.other, _MAX_NAME)}'}: {judged.label or 'no label'}"
        blocks += f'<div class="dl-wide">{_text(title, judged.explanation or judged.error, _MAX_EXPLANATION)}</div>'
    if answer.thumbs:
        said = ", ".join(f"{_words(label)} ({count})" for label, count in answer.thumbs.items())
        blocks += f'<p class="dl-wide">Users: {escape(said)}</p>'
    return f'<div class="dl-answer">{blocks}<p class="dl-wide dl-muted">{escape(" · ".join(facts))}</p></div>'


def _cost_facts(answer: Answer) -> list[str]:
    """Where the cost comes from, and what the application says it was."""
    facts = []
    if answer.cost is not None and answer.price_version:
        facts.append(f"cost {_dollars(float(answer.cost))} by {answer.price_version}")
    if answer.reported_cost is not None:
        facts.append(f"reported cost {_dollars(answer.reported_cost)}{_difference(answer)}")
    return facts


def _difference(answer: Answer) -> str:
    if answer.cost is None or answer.reported_cost is None:
        return ""
    ours, reported = float(answer.cost), answer.reported_cost
    if abs(reported - ours) <= _NOTABLE * ours:
        return ""
    word = "more" if reported > ours else "less"
    return f", {abs(reported - ours) / ours:.0%} {word} than ours" if ours else ", ours is none"


def _text(title: str, text: str, most: int = MAX_TEXT) -> str:
    shown = escape(bounded(text, most)) if text else '<span class="dl-muted">not recorded</span>'
    return f'<h4>{escape(title)}</h4><pre class="dl-text">{shown}</pre>'
