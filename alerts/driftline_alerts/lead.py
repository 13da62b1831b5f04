"""Whether this worker leads, for threads that may not ask the bus themselves."""

from __future__ import annotations

import time
from typing import Final

_VALID: Final = 4.0
"""Seconds for which an answer of the bus is believed: leases last some ten."""


class Lead:
    """The last answer of the bus, as long as it is fresh."""

    def __init__(self) -> None:
        self._until = 0.0

    def note(self, *, held: bool) -> bool:
        """Take down what the bus says, and give it back."""
        self._until = time.monotonic() + _VALID if held else 0.0
        return held

    def is_held(self) -> bool:
        """Whether we led a moment ago."""
        return time.monotonic() < self._until

    def was_held(self) -> bool:
        """Whether the last answer was that we lead, however long ago: within a long round nobody asks."""
        return self._until > 0
