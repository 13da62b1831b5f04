"""A message's first words, the same in every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts import plain
from driftline_alerts.plain import clean

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.message import Message, Phase, Quote

REPEAT: Final = "This message may have been sent before: Driftline was interrupted while it told you."

WHERE: Final = "Where"

_PHASES: Final[dict[Phase, str]] = {
    "update": "Update",
    "acknowledged": "Acknowledged",
    "resolved": "Resolved",
    "sample": "Sample",
}


def title(message: Message) -> str:
    """What has happened, in one line: of what is new the severity, else the phase, then the headline."""
    return f"{_PHASES.get(message.phase, message.severity.capitalize())}: {clean(message.headline)}"


def segment(message: Message) -> list[tuple[str, str]]:
    """The segment's dimensions and values, but for those that it leaves open."""
    return [(clean(name), kept) for name, value in message.segment if (kept := clean(value))]


def place(message: Message) -> str:
    """The segment in one line."""
    return plain.place(message.segment)


def shows_segment(message: Message) -> bool:
    """Whether the segment says where: not of Driftline itself, and not where a fact does, as of several segments."""
    return not message.is_system and all(one.label != WHERE for one in message.facts)


def clock(moment: datetime) -> str:
    """A moment for those whose time zone is not known."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def shown(value: str | datetime) -> str:
    """A fact's value in one line."""
    return clean(value) if isinstance(value, str) else clock(value)


def said(quote: Quote) -> list[tuple[str, str]]:
    """What an example holds, line by line: what leads it, to be set off, and what follows; the unknown is left out."""
    lines = [
        (clean(quote.value), clean(quote.why)),
        ("Asked:", clean(quote.asked)),
        ("Answered:", clean(quote.answered)),
    ]
    (value, why), *exchange = lines
    return [*([(value, why)] if value or why else []), *((label, text) for label, text in exchange if text)]
