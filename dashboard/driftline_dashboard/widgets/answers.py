"""Answers worth reading as a list; one can be opened to read question, answer and verdicts.

Everything in it was written by users and models, so all of it is shown as escaped text: no markup, no
pictures, no links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import choice
from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import bounded, clock, day_and_time, escape, one_line, segment_name
from driftline_dashboard.widgets import answers_data
from driftline_dashboard.widgets.held import held, renew
from driftline_store.feedback import DOWN, REPORT, UP
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.view import View
    from driftline_dashboard.widgets.answers_data import Answer

MAX_TEXT: Final = 6_000
_MAX_EXPLANATION: Final = 1_000
_MAX_NAME: Final = 80
_MAX_PREVIEW: Final = 300
_OPEN: Final = "open_answer"
_KIND: Final = "answers"
"""Query parameter of the kind that is listed, and name of the list."""
_SEED: Final = "answers_seed"
_KINDS: Final = {
    "worst": "Worst judged",
    "negative": "Negative feedback",
    "random": "Random",
    "newest": "Newest",
}
_NOTES: Final = {
    "worst": "the lowest scores first",
    "negative": "the newest with thumbs down, one or two stars, or a report",
    "random": "drawn by chance",
    "newest": "the newest first",
}
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
    bar = st.container(key="recent", horizontal=True, vertical_alignment="center", gap="small")
    default = "worst" if answers_data.picked(view, as_of, "worst") else "newest"
    kind = choice.chosen(_KIND, tuple(_KINDS), default)
    note = f"at most {answers_data.MOST} of the window, {_NOTES[kind]}"
    bar.html(f'<div class="dl-h dl-inline">Recent answers<small>{note}</small></div>', width="content")
    choice.segmented(bar, "Answers", _KIND, _KINDS, default)
    found = _list(bar, view, as_of, kind)
    if not found:
        st.html('<p class="dl-muted">None in this window.</p>')
        return
    with st.container(key="answers", gap=None):
        st.html(HEAD)
        for answer in found:
            _row(view, answer)


def _list(bar: DeltaGenerator, view: View, as_of: datetime, kind: str) -> list[Answer]:
    """The answers of a kind, which stand still, and the button for others."""
    if kind != "random":
        found, new = held(_KIND, (view, kind), answers_data.picked(view, as_of, kind))
        renew(bar, _KIND, new)
        return found
    seed = st.session_state.setdefault(_SEED, 0)
    bar.button("Draw others", key="draw-answers", type="tertiary", on_click=_draw)
    found, _ = held(_KIND, (view, kind, seed), answers_data.picked(view, as_of, kind, seed))
    return found


def _draw() -> None:
    st.session_state[_SEED] += 1


def _toggle(identity: tuple[str, str]) -> None:
    st.session_state[_OPEN] = None if st.session_state.get(_OPEN) == identity else identity


def _row(view: View, answer: Answer) -> None:
    identity = (answer.trace_id, answer.span_id)
    is_open = st.session_state.get(_OPEN) == identity
    key = f"answer-{answer.trace_id}-{answer.span_id}"
    with st.container(key=key, gap=None):
        line = st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small")
        line.button(
            to_the_second(answer.start),
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
            link(line, TRACES, to_the_second(one.start), view, **parameters, trace=one.trace_id, **step)
            line.html(cells(one))


def cells(answer: Answer) -> str:
    """What is said of a request in a line of a list, below ``HEAD``."""
    return (
        f'<div class="dl-row">{_cut(one_line(answer.question or answer.answered, _MAX_PREVIEW))}'
        f"{_cut(segment_name(answer.feature))}"
        f"{_cut(answer.model, 'dl-extra')}{_cut(segment_name(answer.prompt_version), 'dl-extra')}"
        f'<span class="dl-num">{format_value(METRICS["latency_p95"], answer.seconds)}</span>'
        f'<span class="dl-num">{_cost(answer)}</span><span class="dl-num">{_score(answer)}</span>'
        f"{_outcome(answer)}</div>"
    )


def to_the_second(moment: datetime) -> str:
    """A day and time, in the visitor's zone: of one minute there can be many answers."""
    return f"{day_and_time(moment)}{clock(moment)[-3:]}"


def _cut(text: str, style: str = "") -> str:
    """A cell that is cut where it is too long for its column; the whole stands in its title."""
    named = f' class="{style}"' if style else ""
    return f'<span{named} title="{escape(text)}">{escape(text)}</span>'


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
    said = ", ".join(words) or '<span class="dl-muted">ok</span>'
    return f'<span title="{escape(", ".join((*bad, *good)) or "ok")}">{said}</span>'


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
