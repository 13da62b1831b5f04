"""How long it takes from the end of a call until a query can find it, measured and not estimated."""

from __future__ import annotations

import statistics
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline.handle import decode

if TYPE_CHECKING:
    import threading

    from clickhouse_connect.driver.client import Client

_POLL_SECONDS: Final = 0.1
_EVERY: Final = 3
"""Every third request is followed: enough for a percentile, little load."""

_FIND: Final = """\
SELECT trace_id FROM llm_spans
WHERE is_request AND start > now() - INTERVAL 10 MINUTE AND trace_id IN {wanted:Array(String)}"""


@dataclass
class Freshness:
    """Follows requests until they can be queried.

    Attributes:
        seconds: measured delays.
    """

    seconds: list[float] = field(default_factory=list)
    _seen: int = 0
    _arrived: deque[tuple[str, float]] = field(default_factory=deque)

    def follow(self, token: str, ended: float) -> None:
        """Take note of a request that has just ended; called from the customers' threads."""
        self._seen += 1
        if self._seen % _EVERY == 0:
            self._arrived.append((f"{decode(token).trace_id:032x}", ended))

    def run(self, client: Client, stop: threading.Event) -> None:
        """Ask the store for the requests that are not found yet, ten times a second."""
        waiting: dict[str, float] = {}
        while not stop.wait(_POLL_SECONDS):
            while self._arrived:
                trace_id, ended = self._arrived.popleft()
                waiting[trace_id] = ended
            if not waiting:
                continue
            found = client.query(_FIND, parameters={"wanted": list(waiting)}).result_rows
            now = time.time()
            self.seconds.extend(now - waiting.pop(str(trace_id)) for (trace_id,) in found)

    def percentile(self, q: int) -> float:
        """The ``q``-th percentile of the delays so far, in seconds; NaN below two of them."""
        if len(self.seconds) < 2:
            return float("nan")
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[q - 1]
