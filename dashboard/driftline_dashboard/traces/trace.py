"""One trace: what its request was, its steps over time, and what was said in the one that is chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.places import SPAN, TRACES, identity, link
from driftline_dashboard.store import kept_days
from driftline_dashboard.text import bounded, clock, day_and_time, escape, one_line, segment_name
from driftline_dashboard.traces import conversation, scores, stored, trace_data
from driftline_dashboard.traces.search_terms import from_url
from driftline_dashboard.traces.waterfall import bars
from driftline_dashboard.widgets.facts import facts, money, seconds, tokens

if TYPE_CHECKING:
    from driftline_dashboard.traces.trace_data import Step, Trace
    from driftline_dashboard.traces.waterfall import Bar
    from driftline_dashboard.view import View

_DRAWN: Final = 100
"""Steps that are drawn at first, and with each wish for more: a row is a button and takes time."""
_DEEPEST: Final = 12
"""Steps that are within more than this are not moved further to the right."""
_MAX_NAME: Final = 120
_NAMELESS: Final = "(no name)"
_MAX_ERROR: Final = 2_000
_MORE: Final = "steps_drawn_"
_ICONS: Final = {"call": ":material/forum:", "tool": ":material/build:", "step": ":material/adjust:"}


def show(view: View, trace_id: str) -> None:
    """Draw the trace, or say why there is none.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    link(st.container(key="back"), TRACES, "← All traces", view, **from_url(st.query_params).to_url())
    found = trace_data.trace(trace_id)
    if not found.steps:
        _unknown(found)
        return
    chosen = found.step(identity(st.query_params, SPAN))
    _head(found)
    _steps(found, chosen)
    _chosen(found, chosen)
    scores.show(found)


def _unknown(found: Trace) -> None:
    days = kept_days("spans")
    gone = f"; steps are kept for {days} days (keep_spans_days)" if days else ""
    st.html(
        f'<div class="dl-h">Trace {escape(found.trace_id)}</div>'
        '<p class="dl-muted">No step of it is stored. Either the id is wrong, or the trace is on its way and appears '
        f"here by itself, or it was deleted{gone}.</p>"
    )
    scores.show(found)


def _head(found: Trace) -> None:
    request = found.request
    calls = [step for step in found.steps if step.is_call]
    models = list(dict.fromkeys(step.model for step in calls if step.model)) or [request.model]
    failed = sum(step.is_error for step in found.steps)
    told = {
        "Feature": segment_name(request.feature),
        "Model": ", ".join(models),
        "Prompt version": " ".join(part for part in (request.prompt_name, request.prompt_version) if part),
        "Took": seconds(request.duration),
        "Cost": money(found.cost),
        "Tokens": tokens(sum(step.input_tokens or 0 for step in calls), sum(step.output_tokens or 0 for step in calls)),
        "Steps": f"{found.there_are:,}" + (f", {failed:,} failed" if failed else ""),
        "Fallback": request.fallback_reason,
        "Session": request.session_id,
        "Began": f"{day_and_time(request.start)}, {clock(request.start)}",
    }
    name = f"<bdi>{escape(one_line(request.name, _MAX_NAME) or _NAMELESS)}</bdi>"
    st.html(
        f'<div class="dl-h">{name}<small>trace {escape(found.trace_id)}</small></div>{facts(told)}{_error(request)}'
    )


def _error(step: Step) -> str:
    if not step.is_error:
        return ""
    kind = step.error_class or step.error_type or "error"
    message = step.error_message or "no message is stored"
    return (
        f'<div class="dl-failed"><b>Failed: {escape(kind)}</b>'
        f'<pre class="dl-text" dir="auto">{escape(bounded(message, _MAX_ERROR))}</pre></div>'
    )


def _steps(found: Trace, chosen: Step) -> None:
    drawn = _drawn(found.trace_id)
    rows = bars(found.steps)
    left_out = found.there_are - len(rows)
    note = f"the first {len(rows)} of {found.there_are:,}" if left_out else "choose one to read it"
    st.html(f'<div class="dl-h">Steps<small>{note}</small></div>')
    with st.container(key="steps", gap=None):
        for bar in rows[:drawn]:
            _row(bar, is_chosen=bar.step.span_id == chosen.span_id)
        if len(rows) > drawn:
            st.button(
                f"Show more ({len(rows) - drawn:,} left)", type="tertiary", on_click=partial(_draw_more, found.trace_id)
            )


def _drawn(trace_id: str) -> int:
    return int(st.session_state.get(_MORE + trace_id, _DRAWN))


def _draw_more(trace_id: str) -> None:
    st.session_state[_MORE + trace_id] = _drawn(trace_id) + _DRAWN


def _row(bar: Bar, *, is_chosen: bool) -> None:
    step = bar.step
    key = f"step-{'here-' if is_chosen else ''}{step.span_id}"
    line = st.container(key=key, horizontal=True, wrap=False, vertical_alignment="center", gap="small")
    line.button(
        f"+{seconds(bar.offset)}",
        key=f"choose-{step.span_id}",
        type="tertiary",
        icon=":material/error:" if step.is_error else _ICONS[_kind(step)],
        on_click=_choose,
        args=(step.span_id,),
    )
    line.html(_cells(bar))


def _choose(span_id: str) -> None:
    st.query_params[SPAN] = span_id


def _kind(step: Step) -> str:
    if step.is_call:
        return "call"
    return "tool" if step.tool_name or step.operation == "execute_tool" else "step"


def _cells(bar: Bar) -> str:
    step = bar.step
    name = one_line(step.tool_name or step.name, _MAX_NAME) or _NAMELESS
    said = f' <span class="dl-bad">failed: {escape(step.error_class or "error")}</span>' if step.is_error else ""
    about = f' <span class="dl-muted">{escape(step.model)}</span>' if step.is_call and step.model else ""
    style = "dl-bar dl-failing" if step.is_error else f"dl-bar dl-{_kind(step)}"
    return (
        f'<div class="dl-step"><span style="padding-left:{min(bar.depth, _DEEPEST) * 0.9:.1f}rem">'
        f'<bdi>{escape(name)}</bdi>{about}{said}</span><span class="dl-num">{seconds(step.duration)}</span>'
        f'<span class="dl-lane"><span class="{style}" style="margin-left:{bar.left:.2f}%;width:{bar.width:.2f}%">'
        "</span></span></div>"
    )


def _chosen(found: Trace, step: Step) -> None:
    told = {
        "Kind": {"call": "call of a model", "tool": "tool", "step": "step"}[_kind(step)],
        "Model": step.model,
        "Took": seconds(step.duration),
        "First token after": "" if step.time_to_first_token is None else seconds(step.time_to_first_token),
        "Tokens": tokens(step.input_tokens, step.output_tokens),
        "Cost": money(step.cost) if step.is_call else "",
        "Ended with": step.finish_reason,
    }
    name = one_line(step.name, _MAX_NAME) or _NAMELESS
    is_request = step.span_id == found.request.span_id
    st.html(
        f'<div class="dl-h"><bdi>{escape(name)}</bdi><small>step {escape(step.span_id)}</small></div>{facts(told)}'
        + ("" if is_request else _error(step))
    )
    conversation.show(trace_data.conversation(found.trace_id, step), step.span_id, _why_none(step))
    stored.show(found.trace_id, step)


def _why_none(step: Step) -> str:
    days = kept_days("content")
    if days and datetime.now(UTC) - step.start > timedelta(days=days):
        return f"The texts of this step are deleted: they are kept for {days} days (keep_content_days)."
    return "No texts of this step are stored: they were not recorded, or were deleted."
