"""What to try in a channel that fails, and when: it is left alone for longer and longer, and nothing starves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.outbox import Incident

_PAUSE: Final = 15.0
_LONGEST: Final = 300.0
_LONGEST_URGENT: Final = 60.0
"""While something critical waits."""


@dataclass(frozen=True)
class Round:
    """What came of telling a channel what was due.

    Attributes:
        has_told: whether it took anything.
        failed: what it did not take, and may later.
        pause: seconds that it asks for.
    """

    has_told: bool = False
    failed: Sequence[Incident] = ()
    pause: float = 0.0


@dataclass
class Patience:
    """Of one channel; times are monotonic seconds."""

    _not_before: float = -math.inf
    _failures: int = 0
    _failed_at: float = -math.inf
    _tried: dict[tuple[str, int], float] = field(default_factory=dict)

    def is_asked(self, now: float) -> bool:
        """Whether the channel has asked for a pause that goes on."""
        return now < self._not_before

    def due(self, incidents: Sequence[Incident], now: float) -> list[Incident]:
        """What to try now: first what was not tried in vain, then what was longest ago.

        As long as the channel is left alone, only what has not been tried yet, as it may be one incident that fails.
        """
        tried = [one for one in incidents if _key(one) in self._tried]
        self._tried = {_key(one): self._tried[_key(one)] for one in tried}
        if now - self._failed_at < self._pause(tried):
            incidents = [one for one in incidents if _key(one) not in self._tried]
        return sorted(incidents, key=lambda one: self._tried.get(_key(one), -math.inf))

    def note(self, came: Round, now: float) -> None:
        """Learn from what came of it."""
        self._not_before = now + came.pause
        keys = {_key(one) for one in came.failed}
        if came.has_told:
            self._failures = 0
        elif keys and (not self._failures or keys & self._tried.keys()):
            self._failures += 1
            self._failed_at = now
        self._tried |= dict.fromkeys(keys, now)

    def _pause(self, tried: Sequence[Incident]) -> float:
        if not self._failures:
            return 0.0
        longest = _LONGEST_URGENT if any(one.is_urgent for one in tried) else _LONGEST
        return min(_PAUSE * 2.0 ** min(self._failures - 1, 10), longest)


def _key(incident: Incident) -> tuple[str, int]:
    """What has grown is tried anew."""
    return incident.id, len(incident.steps)
