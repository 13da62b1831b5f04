"""What was said in a step, one message below the other.

Users, models and tools wrote all of it, so all of it is shown as escaped text: no markup, no pictures, no links.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.text import bounded, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driftline_store.content import ChatMessage

_FIRST_TEXT: Final = 6_000
"""Characters of a text that are shown before somebody wants to see the rest."""
_MORE_TEXT: Final = 100_000
"""Characters that are shown then: of many more a browser makes lines for half a minute. The whole is a file."""
_FIRST_MESSAGES: Final = 40
"""Messages that are shown of a long conversation, its last ones, before somebody wants to see the rest."""
_MAX_NAME: Final = 80
_ROLES: Final = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool", "developer": "Developer"}
_WHOLE: Final = "whole_texts"


def show(messages: Sequence[ChatMessage], key: str, why_none: str) -> None:
    """Draw the messages.

    Args:
        messages: in their order.
        key: of the step, so that what is unfolded in one is not in the next.
        why_none: what to say where there are none.
    """
    if not messages:
        st.html(f'<p class="dl-muted">{escape(why_none)}</p>')
        return
    unfolded: set[str] = st.session_state.setdefault(_WHOLE, set())
    earlier = f"{key}-earlier"
    first = 0 if earlier in unfolded else max(len(messages) - _FIRST_MESSAGES, 0)
    with st.container(key="conversation", gap="small"):
        if first:
            st.button(f"Show {first:,} earlier messages", type="tertiary", on_click=partial(unfolded.add, earlier))
        for number, message in enumerate(messages[first:], first):
            _message(message, f"{key}-{number}", unfolded)


def _message(message: ChatMessage, key: str, unfolded: set[str]) -> None:
    most = _MORE_TEXT if key in unfolded else _FIRST_TEXT
    parts = list(_parts(message))
    blocks = "".join(_block(title, text, most) for title, text in parts)
    style = message.role if message.role in _ROLES else "other"
    who = _ROLES.get(message.role) or bounded(message.role, _MAX_NAME).capitalize() or "Text"
    st.html(f'<section class="dl-said dl-{style}"><h4>{escape(who)}</h4>{blocks}</section>')
    if any(len(text) > most for _, text in parts):
        _rest(key, [text for _, text in parts], unfolded)


def _rest(key: str, texts: Sequence[str], unfolded: set[str]) -> None:
    row = st.container(horizontal=True, gap="medium")
    if key not in unfolded:
        row.button("Show more", key=f"more-{key}", type="tertiary", on_click=partial(unfolded.add, key))
    row.download_button(
        f"Save all {sum(map(len, texts)):,} characters",
        lambda: "\n\n".join(texts).encode(),
        file_name=f"{key}.txt",
        mime="text/plain",
        key=f"save-{key}",
        type="tertiary",
        on_click="ignore",
    )


def _parts(message: ChatMessage) -> Iterator[tuple[str, str]]:
    """Titles and texts of a message; the text that is said itself has no title."""
    if message.reasoning:
        yield "Reasoning", message.reasoning
    if message.text:
        yield "", message.text
    for attachment in message.attachments:
        yield "Attachment", attachment
    for call in message.tool_calls:
        yield f"Calls {bounded(call.name, _MAX_NAME) or 'a tool'}", call.arguments
    for result in message.tool_results:
        yield "Tool result", result.result


def _block(title: str, text: str, most: int) -> str:
    shown = escape(bounded(text, most)) if text else '<span class="dl-muted">nothing</span>'
    head = f"<h5><bdi>{escape(title)}</bdi></h5>" if title else ""
    return f'{head}<pre class="dl-text" dir="auto" tabindex="0">{shown}</pre>'
