"""The page of comparisons: which of two versions, models, variants or periods is better, or when that will be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_alerts.drift.compare_sides import ALPHA
from driftline_alerts.drift.compare_words import change_of, effect, interval, is_exact, verdict
from driftline_dashboard import data
from driftline_dashboard.compare import compare_chart, compare_data
from driftline_dashboard.compare.sides import (
    BEFORE,
    BEGINS,
    BY,
    FROM,
    KINDS,
    PERIOD,
    TOGETHER,
    WINDOW,
    A,
    B,
    choose,
    kind,
)
from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import bounded, day_and_time, escape, segment_name
from driftline_dashboard.widgets.panel import heading, panel
from driftline_dashboard.widgets.segments import natural
from driftline_dashboard.widgets.table import grid
from driftline_store.metrics_format import NO_DATA, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.drift.compare_sides import Compared
    from driftline_dashboard.compare.compare_data import Found, Pair, Said
    from driftline_dashboard.compare.sides import Choice
    from driftline_dashboard.view import View

_MAX_NAME: Final = 60
_MAX_TEXT: Final = 700
_ORDER: Final = ("worse", "better", "different", "keep going", "equivalent")
"""Verdicts, what one has to know first."""
_AGAINST: Final = {"worse": "than", "better": "than", "different": "from", "equivalent": "to"}
_PAIRED: Final = {
    "same": "Answers to the same question",
    "similar": "Answers to similar questions",
    "worst": "No questions are alike: the worst answer of each",
}


def show(view: View) -> None:
    """Draw the page below the controls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = data.as_of(view)
    by = kind(st.query_params)
    values = [] if by == PERIOD else _values(view, by, as_of)
    choice = choose(by, st.query_params, values)
    _controls(view, by, values, choice)
    if choice is None:
        _too_few(by, values)
        return
    found = compare_data.compared(view, choice, as_of)
    known = sorted((one for one in found.metrics if one.result.change is not None and not _is_nothing(one)), key=_rank)
    names = _names(view, choice)
    if not known:
        st.html(
            f'<p class="dl-muted">Nothing is stored of {escape(names[0])} and of {escape(names[1])} both in this time '
            "and within these filters; choose others, or a longer window.</p>"
        )
        return
    st.html(f'<h2 class="dl-verdict">{escape(summary(known, names))}.</h2>{_note(view, choice, found)}')
    _forest(known, names, found.statement)
    st.html(_table(known, names))
    _pairs(view, choice, names, as_of)


def summary(found: Sequence[Compared], names: tuple[str, str]) -> str:
    """What B is against A, in plain words; what matters first."""
    a, b = names
    said: list[str] = []
    for word, against in _AGAINST.items():
        told = [_title(one) if word == "equivalent" else _values_of(one) for one in found if one.result.verdict == word]
        if told:
            said.append(f"{word} on {', '.join(told)}" if said else f"{word} {against} {a} on {', '.join(told)}")
    open_ones = [one for one in found if one.result.verdict == "keep going"]
    if not said:
        return f"Whether {b} differs from {a} is not known yet on any of {len(open_ones):,} metrics"
    rest = f"; not known yet on {len(open_ones):,} more" if open_ones else ""
    return f"{b} is {'; '.join(said)}{rest}"


def _title(one: Compared) -> str:
    title = one.metric.definition.title
    return title[:1].lower() + title[1:]


def _values_of(one: Compared) -> str:
    a, b = (format_value(one.metric.definition, value) for value in (one.result.a, one.result.b))
    return f"{_title(one)} ({a} → {b})"


def _rank(one: Compared) -> tuple[int, bool, float]:
    result = one.result
    return _ORDER.index(result.verdict), result.low is None, -abs(result.change or 0.0) / result.least


def _is_nothing(one: Compared) -> bool:
    """Whether it is about what never happened."""
    return one.metric.kind == "flag" and one.result.a == 0 and one.result.b == 0


def _names(view: View, choice: Choice) -> tuple[str, str]:
    a, b = (bounded(name, _MAX_NAME) for name in choice.names(view))
    return a, b


def _note(view: View, choice: Choice, found: Found) -> str:
    """What one has to know to read it."""
    sure = f"{100 * (1 - ALPHA):.0f} %"
    if choice.is_anchored:
        lines = [
            f"From {day_and_time(found.since)} on, whatever the window.",
            f"With a probability of {sure} all intervals hold at once, however often you look.",
        ]
    else:
        lines = [
            f"With a probability of {sure} all intervals hold at once, for one look.",
            "A window that moves with the clock is a new comparison each day.",
        ]
        if choice.by != PERIOD:
            lines.append(f"To look until there is a winner, choose “{BEGINS[TOGETHER]}”: that begin stays.")
    if choice.by == PERIOD:
        lines.append("Of periods a verdict says only that something changed, not why.")
    elif "feature" not in view.where:
        lines.append("Choose a feature above, so that the same work is compared.")
    if missing := [_title(one) for one in found.metrics if one.result.change is None]:
        lines.append(f"Without data of both: {', '.join(missing)}.")
    if never := [_title(one) for one in found.metrics if _is_nothing(one)]:
        lines.append(f"Never on either side: {', '.join(never)}.")
    return f'<p class="dl-muted">{escape(" ".join(lines))}</p>'


def _values(view: View, by: str, as_of: datetime) -> list[str]:
    """Of a dimension within the other filters, the busiest first."""
    return list(data.busiest(view.with_filter(by, None), as_of, (by,))[by])


def _controls(view: View, by: str, values: list[str], choice: Choice | None) -> None:
    bar = st.container(key="sides", horizontal=True, vertical_alignment="bottom", gap="small")
    st.session_state["compare_by"] = by
    bar.segmented_control(
        "Compare", tuple(KINDS), format_func=KINDS.__getitem__, required=True, key="compare_by", on_change=_by_chosen,
        label_visibility="collapsed",
    )  # fmt: skip
    if by == PERIOD:
        names = {key: name.format(label=view.window.label) for key, name in BEFORE.items()}
        st.session_state["compare_a"] = choice.a if choice else None
        bar.selectbox(f"A, against the last {view.window.label}", tuple(names), format_func=names.__getitem__,
                      key="compare_a", on_change=_side_chosen, args=(A,))  # fmt: skip
        return
    sides = {A: choice.a, B: choice.b} if choice else {}
    options = sorted({*values, *sides.values()}, key=natural)
    for name in (A, B):
        st.session_state[f"compare_{name}"] = sides.get(name)
        bar.selectbox(name.upper(), options, index=None, format_func=segment_name, key=f"compare_{name}",
                      on_change=_side_chosen, args=(name,))  # fmt: skip
    st.session_state["compare_from"] = TOGETHER if choice and choice.is_anchored else WINDOW
    bar.segmented_control(
        "From", tuple(BEGINS), format_func=BEGINS.__getitem__, required=True, key="compare_from",
        on_change=_begin_chosen, label_visibility="collapsed",
    )  # fmt: skip


def _begin_chosen() -> None:
    st.query_params[FROM] = st.session_state["compare_from"]


def _by_chosen() -> None:
    st.query_params[BY] = st.session_state["compare_by"]
    for name in (A, B):
        st.query_params.pop(name, None)


def _side_chosen(name: str) -> None:
    chosen = st.session_state[f"compare_{name}"]
    if chosen is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = chosen


def _too_few(by: str, values: Sequence[str]) -> None:
    there = f"only {segment_name(values[0])}" if values else "none"
    st.html(
        f'<div class="dl-h">Nothing to compare yet</div><p class="dl-muted">{escape(KINDS[by])} of this time and these '
        f"filters: {escape(bounded(there, _MAX_NAME))}. Choose two different ones, a longer window, or periods. A new "
        'prompt version is what <code>@observe(prompt_version="v2")</code> says; an experiment is split by '
        "<code>experiment()</code> or <code>assign()</code>.</p>"
    )


def _forest(known: Sequence[Compared], names: tuple[str, str], statement: str) -> None:
    shown = [one for one in known if one.result.low is not None or is_exact(one.result)]
    numbers, title = compare_chart.numbers(known, statement), "Differences"
    if not shown:
        heading("differences", title, numbers)
        st.html('<p class="dl-muted">There is too little data for an interval of any difference.</p>')
        return
    panel(
        "differences",
        title,
        compare_chart.forest(shown),
        numbers,
        says=f"Differences of {len(shown)} metrics with their intervals. {summary(known, names)}.",
        note="B against A, a bar is an interval; in grey what is too small to matter",
    )


def _table(known: Sequence[Compared], names: tuple[str, str]) -> str:
    return grid(("", f"A: {names[0]}", f"B: {names[1]}", *_HEADS.items()), map(_row, known))


_HEADS: Final = {
    "B against A": "B minus A; of a percentile in percent of A",
    "Interval": "Where the difference lies. Without one there is too little data for it; an exact test may prove a "
    "difference before, and its e-value is the odds against there being none",
    "Effect": "d is Cohen's: the difference in standard deviations, some 0.2 is small and 0.8 large. P is the chance "
    "that one observation of B is above one of A: 0.5 where nothing differs",
    "B is": "What is proven of B, or how much more data it takes to say",
}
"""Columns, and what they mean."""


def _row(one: Compared) -> str:
    metric, result = one.metric, one.result
    cells = [
        f"<td>{escape(metric.definition.title)}</td>",
        *(
            f"<td>{escape(format_value(metric.definition, value))}<small>n = {n:,}</small></td>"
            for value, n in ((result.a, result.n_a), (result.b, result.n_b))
        ),
        f"<td>{NO_DATA if result.change is None else change_of(metric, result.change)}</td>",
        f'<td title="smallest change that matters: {change_of(metric, result.least)}">{interval(one)}</td>',
        f"<td>{effect(result)}</td>",
        f'<td class="{_STYLES.get(result.verdict, "")}">{verdict(one)}</td>',
    ]
    return "".join(cells)


_STYLES: Final = {"worse": "dl-bad", "better": "dl-good", "keep going": "dl-muted"}


def _pairs(view: View, choice: Choice, names: tuple[str, str], as_of: datetime) -> None:
    found = compare_data.pairs(view, choice, as_of)
    note = "of the newest answers of each, those whose scores are furthest apart first"
    st.html(f'<div class="dl-h">Beside each other<small>{note}</small></div>')
    if not found:
        st.html('<p class="dl-muted">No texts of both sides are stored.</p>')
    for number, pair in enumerate(found):
        with st.container(key=f"answer-pair-{number}", gap="small"):
            st.html(_pair(pair, names))
            row = st.container(key=f"links-pair-{number}", horizontal=True, gap="small")
            for letter, said in (("A", pair.a), ("B", pair.b)):
                link(row, TRACES, f"Open the trace of {letter}", view, trace=said.trace_id, span=said.span_id)


def _pair(pair: Pair, names: tuple[str, str]) -> str:
    asked = "" if pair.kind == "worst" else f'<pre class="dl-text">{_text(pair.a.asked)}</pre>'
    return (
        f'<div class="dl-answer"><div class="dl-wide"><h4>{_PAIRED[pair.kind]}</h4>{asked}</div>'
        f"{_side(f'A: {names[0]}', pair, pair.a)}{_side(f'B: {names[1]}', pair, pair.b)}</div>"
    )


def _side(title: str, pair: Pair, said: Said) -> str:
    score = "not judged" if said.score is None else f"scored {said.score:.2f}"
    is_own = pair.kind == "worst" or (pair.kind == "similar" and said is pair.b)
    asked = f'<p class="dl-muted">asked: {_text(said.asked)}</p>' if is_own else ""
    return (
        f"<div><h4>{escape(title)} · {score} · {day_and_time(said.start)}</h4>{asked}"
        f'<pre class="dl-text">{_text(said.answered) or "nothing"}</pre></div>'
    )


def _text(text: str) -> str:
    return escape(bounded(text, _MAX_TEXT))
