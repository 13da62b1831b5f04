"""What a receiver has done since it started."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


class Counts:
    """Counters, safe for use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._responses: Counter[int] = Counter()

    def stored(self, name: str, accepted: int, rejected: int) -> None:
        """Count records that were put on the bus, and those of the same request that could not be."""
        with self._lock:
            self._accepted[name] += accepted
            self._rejected[name] += rejected

    def answered(self, status: int) -> None:
        """Count an answer to a sender."""
        with self._lock:
            self._responses[status] += 1

    def as_dict(self) -> dict[str, Any]:
        """For ``/health``."""
        with self._lock:
            return {
                "accepted": dict(self._accepted),
                "rejected": dict(self._rejected),
                "responses": {str(status): number for status, number in sorted(self._responses.items())},
            }
