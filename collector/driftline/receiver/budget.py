"""What requests under way may take together, so that a burst is turned away instead of filling the memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftline.receiver.refusals import busy

if TYPE_CHECKING:
    from collections.abc import Iterator


class Budget:
    """Counts requests and bytes under way; safe for use from several threads.

    Attributes:
        requests: under way now.
        bytes: held by them now, as sent and decompressed.
    """

    def __init__(self, *, max_requests: int, max_bytes: int) -> None:
        self.requests = 0
        self.bytes = 0
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    @contextmanager
    def request(self) -> Iterator[Share]:
        """Admit one request for the time of the block; at its end all that it took is free again.

        Raises:
            RefusedError: there are too many already.
        """
        with self._lock:
            if self.requests >= self._max_requests:
                raise busy(f"{self.requests} requests are under way already")
            self.requests += 1
        share = Share(self)
        try:
            yield share
        finally:
            with self._lock:
                self.requests -= 1
                self.bytes -= share.bytes

    def grow(self, share: Share, size: int) -> None:
        """Add to a share; see ``Share.take``."""
        with self._lock:
            if self.bytes + size > self._max_bytes:
                raise busy(f"requests under way hold {self.bytes} bytes already")
            self.bytes += size
            share.bytes += size


class Share:
    """What one request holds of the budget."""

    def __init__(self, budget: Budget) -> None:
        self.bytes = 0
        self._budget = budget

    def take(self, size: int) -> None:
        """Ask for memory before it is used.

        Raises:
            RefusedError: there is none left.
        """
        self._budget.grow(self, size)
