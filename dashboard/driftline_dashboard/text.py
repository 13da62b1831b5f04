"""Text of others on our pages: escaped, bounded, never interpreted."""

from __future__ import annotations

import html
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

DIMENSION_TITLES: Final = {
    "service": "Service",
    "environment": "Environment",
    "feature": "Feature",
    "model": "Model",
    "prompt_name": "Prompt",
    "prompt_version": "Prompt version",
    "variant": "Experiment",
}
NONE: Final = "(none)"
"""How the empty name of a segment is shown."""


_KEPT: Final = "\n\t\u200c\u200d"
"""Line ends, and the joiners of which families of emoji and words of Persian are made."""


def escape(text: str) -> str:
    """Text for HTML: markup shows as characters; control characters, those of direction too, are left out."""
    kept = "".join(c for c in text if c.isprintable() or c in _KEPT)
    return html.escape(kept, quote=True)


def bounded(text: str, most: int) -> str:
    """At most ``most`` characters, and how many are left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def one_line(text: str, most: int) -> str:
    """The beginning of a text, on one line."""
    return " ".join(text[: most * 2].split())[:most]


def segment_name(value: str) -> str:
    """A segment as people read it."""
    return value or NONE


def visitor_zone() -> tzinfo:
    """The time zone of the visitor's browser; UTC where it names none that we know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def clock(moment: datetime) -> str:
    """A time of day to the second, in the visitor's zone."""
    return moment.astimezone(visitor_zone()).strftime("%H:%M:%S")


def day_and_time(moment: datetime) -> str:
    """A day and time to the minute, in the visitor's zone."""
    local = moment.astimezone(visitor_zone())
    return f"{local.day} {local.strftime('%b %H:%M')}"


def same_day(moment: datetime) -> str:
    """A time to the minute in the visitor's zone, with the day unless it is today."""
    zone = visitor_zone()
    is_today = moment.astimezone(zone).date() == datetime.now(zone).date()
    return f"{moment.astimezone(zone):%H:%M}" if is_today else day_and_time(moment)
