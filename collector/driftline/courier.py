"""Brings messages to the bus, again and again if need be."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftline.exporter import Outbox, Outgoing

_log = logging.getLogger("driftline")

_PAUSE = (0.1, 5.0)
_RECONNECT_AFTER = 3
_WARN_EVERY = 60.0


class Complaints:
    """Says at most once a minute that something is being lost or is late."""

    def __init__(self) -> None:
        self._last = -_WARN_EVERY

    def warn(self, why: str, dropped: int) -> None:
        """Log a warning unless one was logged a moment ago."""
        now = time.monotonic()
        if now - self._last >= _WARN_EVERY:
            self._last = now
            _log.warning("driftline: records are waiting or being dropped: %s (dropped so far: %d)", why, dropped)


class Courier:
    """Sends one message after the other.

    Attributes:
        hurry: set to end a pause before the next attempt.
        until: when set, the time (monotonic, in seconds) after which no attempt is repeated.
    """

    def __init__(self, outbox: Outbox, complaints: Complaints, *, give_up: float) -> None:
        self.hurry = threading.Event()
        self.until: float | None = None
        self._outbox = outbox
        self._complaints = complaints
        self._give_up = give_up

    def deliver(self, message: Outgoing, dropped: int) -> bool:
        """Send a message, repeating with growing pauses for ``give_up`` seconds.

        Args:
            message: what to send.
            dropped: how many records were lost so far, for the warning.

        Returns:
            Whether the bus has it.
        """
        begun, pause, attempts = time.monotonic(), _PAUSE[0], 0
        while True:
            try:
                self._outbox.send(message)
            except Exception as error:  # noqa: BLE001 - a client library's bug must not end the thread
                attempts += 1
                self._complaints.warn(f"the bus does not take them: {error}", dropped)
            else:
                return True
            if attempts % _RECONNECT_AFTER == 0:
                self._outbox.reconnect()
            now = time.monotonic()
            if now - begun >= self._give_up or (self.until is not None and now >= self.until):
                return False
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
            self.hurry.wait(wait if self.until is None else min(wait, self.until - now))
            self.hurry.clear()
            pause = min(pause * 2, _PAUSE[1])
