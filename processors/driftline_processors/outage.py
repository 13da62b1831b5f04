"""Waiting for something that is away: said once, tried again after longer and longer pauses."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import threading

logger = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 10.0


class Outage:
    """Whether one thing that a worker needs is away, such as the store.

    Attributes:
        failures: tries that failed since the start.
        last: the newest failure in words, and when it was (Unix time, in seconds); None before the first.
    """

    def __init__(self, what: str) -> None:
        """Begin without an outage.

        Args:
            what: starts the sentences of the log, such as ``the store (otlp_spans)``.
        """
        self.failures = 0
        self.last: tuple[str, float] | None = None
        self._what = what
        self._since: float | None = None
        self._tries = 0
        self._said: set[str] = set()

    @property
    def seconds(self) -> float:
        """How long it has been away; 0 when it is not."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def failed(self, reason: str, stop: threading.Event) -> None:
        """Note a failed try and wait, with jitter, so that several workers do not come back as one.

        Args:
            reason: a sentence; each is logged once an outage.
            stop: ends the waiting.
        """
        if self._since is None:
            self._since = time.monotonic()
        if reason not in self._said:
            logger.warning("%s: %s; waiting, nothing is lost", self._what, reason)
            self._said.add(reason)
        self.last = (reason, time.time())
        self.failures += 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._tries, 10))
        self._tries += 1
        stop.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311  not for secrets

    def over(self) -> None:
        """Note that it works, and log it if it did not before."""
        if self._since is None:
            return
        logger.info("%s: works again after %.0f s and %d tries", self._what, self.seconds, self._tries)
        self._since, self._tries = None, 0
        self._said.clear()
