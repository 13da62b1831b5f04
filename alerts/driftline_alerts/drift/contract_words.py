"""What a monitor promises, and what it is at, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.stream import ANCHORS
from driftline_alerts.plain import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.standing import State
    from driftline_alerts.evaluate import Segment
    from driftline_store.monitored import Kind

STATES: Final[Mapping[State, str]] = {
    "learning": "learns",
    "watching": "watches",
    "inherited": "watches, measured by its predecessor",
    "suspicious": "suspicious",
    "small": "small change",
    "episode": "alarm",
    "recovering": "alarm, recovering",
}

NOT_PAGED: Final = "reported, not paged"
"""Of a monitor that calls nobody by itself: what it finds is shown, and counts in the segments above."""


def change_of(kind: Kind, size: float) -> str:
    """A size of a change: of a score absolute, of all else as a share of itself."""
    return f"{size:.3g}" if kind == "score" else f"{size:+.0%}"


def delay(days: float | None) -> str:
    """How long it takes until something is found."""
    if days is None:
        return "never"
    if days < 1 / 24:
        return f"{days * 1440:.0f} min"
    return f"{days * 24:.0f} h" if days < 2 else f"{days:.0f} days"


def found_within(kind: Kind, size: float, days: float | None, *, falls: bool) -> str:
    """What is found how soon, in half the cases."""
    word = "less" if falls else "more"
    change = {"score": f"a drop of {size:.3g}", "flag": f"{size:.0%} more of the bad ones", "log": f"{size:.0%} {word}"}
    return f"{change[kind]}: not in 60 days" if days is None else f"{change[kind]} in about {delay(days)}"


def where(segment: Segment) -> str:
    """Where a monitor looks."""
    return "the judge's anchors" if segment == ANCHORS else place(segment)
