"""One message that could not be stored: where it breaks, its bytes there, and what can be read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.places import SYSTEM, link
from driftline_dashboard.system import system_data
from driftline_dashboard.system.system_tables import size
from driftline_dashboard.text import bounded, clock, day_and_time, escape
from driftline_dashboard.widgets.facts import facts
from driftline_processors.dead_letters import DeadLetterError, walk
from driftline_processors.wire import hex_dump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_dashboard.view import View
    from driftline_processors.dead_letters import Letter
    from driftline_processors.wire import Fault

_ROWS: Final = 24
"""Of 16 bytes each."""
_FAULTS: Final = 10
_LINES: Final = 400
_MAX_ERROR: Final = 2_000


def show(view: View, place: str) -> None:
    """Draw it, or say that there is none.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    link(st.container(key="back"), SYSTEM, "← System", view)
    try:
        found, value = system_data.letter(place)
    except DeadLetterError as error:
        st.html(f'<div class="dl-h">Dead letter</div><p class="dl-muted">{escape(str(error))}</p>')
        return
    reading = walk(found, value)
    _head(found)
    _faults(found, reading.faults, is_cut=len(value) < found.size)
    st.html('<div class="dl-h">Bytes<small>16 in a row, where it breaks first</small></div>')
    _pre(hex_dump(value, reading.faults[0].at if reading.faults else 0, rows=_ROWS), "Bytes")
    st.html('<div class="dl-h">What can be read<small>field by field</small></div>')
    more = [f"… and {len(reading.lines) - _LINES:,} more lines"] if len(reading.lines) > _LINES else []
    _pre([*reading.lines[:_LINES], *more] or ["nothing"], "What can be read")


def _head(found: Letter) -> None:
    told = {
        "State": found.state,
        "Came": f"{day_and_time(found.at)}, {clock(found.at)}",
        "Size": f"{size(found.size)}, {found.size:,} bytes",
        "Log": found.bus_id,
    }
    st.html(
        f'<div class="dl-h">Dead letter <bdi>{escape(found.place)}</bdi></div>{facts(told)}'
        f'<div class="dl-failed">The store said:<pre class="dl-text">{escape(bounded(found.error, _MAX_ERROR))}</pre>'
        "</div>"
        '<p class="dl-muted">Mend its sender first. Then: driftline dead-letters resend (or discard) '
        f"{escape(found.place)}</p>"
    )
    st.download_button(
        "Save its bytes",
        lambda: system_data.whole(found),
        file_name="dead-letter.bin",
        mime="application/octet-stream",
        key="save-letter",
        on_click="ignore",
    )


def _faults(found: Letter, faults: Sequence[Fault], *, is_cut: bool) -> None:
    lines = [str(fault) for fault in faults[:_FAULTS]]
    if len(faults) > _FAULTS:
        lines.append(f"and {len(faults) - _FAULTS:,} more")
    if not faults:
        lines.append("No fault was found by walking the fields; what the engine refuses may be a value.")
    if is_cut:
        most = size(system_data.MOST_BYTES)
        lines.append(f"Of its {size(found.size)} the first {most} are read, so the last fault may be the cut.")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    st.html(f'<div class="dl-h">Where it breaks</div><ul class="dl-plain-list">{items}</ul>')


def _pre(lines: Sequence[str], label: str) -> None:
    text = escape("\n".join(lines))
    st.html(f'<pre class="dl-text dl-bytes" tabindex="0" role="region" aria-label="{label}">{text}</pre>')
