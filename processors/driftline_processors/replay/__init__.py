"""Derives tables again from messages on the bus, beside the live ones, and swaps them (docs/decisions/0012)."""

from __future__ import annotations

from driftline_processors.replay.run import Outcome, replay
from driftline_processors.replay.swap import unfinished

__all__ = ["Outcome", "replay", "unfinished"]
