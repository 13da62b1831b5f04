"""What a monitor is at, as people are told of it, and when that has changed by so much that they should be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts.digest import digest
from driftline_alerts.drift.recovery import PROVEN

if TYPE_CHECKING:
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.drift.stream import StreamKey

State = Literal["learning", "watching", "inherited", "suspicious", "small", "episode", "recovering"]
"""``inherited``: watching by the baseline of its predecessor; ``small``: a change that is proven, and too small to call
somebody for."""

SUSPICIOUS: Final = 0.1
"""Share of what raises an alarm from which on a monitor counts as suspicious. By chance that comes ten times as often
as false alarms do, all streams together."""
NOTABLE: Final = 0.01
"""Share from which on its course is kept; below, it is noise."""

_RECOVERING: Final = 0.1
"""Share of what proves a recovery, likewise."""
_MOVED: Final = 0.1
"""Decades that evidence has to move by before it is told anew."""
_GROWN: Final = 1.5
_LONGEST: Final = 6 * 3600.0


@dataclass(frozen=True)
class Standing:
    """Of one monitor at one moment.

    Attributes:
        at: up to which arrival it has looked, in seconds of Unix time.
        n: observations of its baseline.
        evidence: share of what raises an alarm.
    """

    at: float
    state: State
    n: float
    evidence: float

    @classmethod
    def of(cls, monitor: Monitor, share: float, at: float) -> Standing:
        """Where a monitor stands that may raise ``share`` false alarms a month."""
        return cls(at, state_of(monitor, share), monitor.n, monitor.suspicion * share)

    def is_news_after(self, last: Standing | None) -> bool:
        """Whether people should be told, after what they were told last."""
        if last is None or self.state != last.state or self.at - last.at >= _LONGEST:
            return True
        is_anew = self.n < last.n or self.n >= _GROWN * last.n
        return is_anew or abs(self.decades - last.decades) >= _MOVED

    @property
    def decades(self) -> float:
        """The evidence in powers of ten; what is not notable is all one."""
        return math.log10(max(self.evidence, NOTABLE))


def state_of(monitor: Monitor, share: float) -> State:
    """What a monitor is at that may raise ``share`` false alarms a month."""
    if not monitor.panel:
        return "learning"
    if alarm := monitor.alarm:
        if not alarm.is_paged:
            return "small"
        return "recovering" if alarm.recovery.evidence >= _RECOVERING * PROVEN else "episode"
    if monitor.suspicion * share >= SUSPICIOUS:
        return "suspicious"
    return "inherited" if monitor.inherited else "watching"


def stream_id(key: StreamKey, *, falls: bool) -> str:
    """Id of a monitor, by what it watches."""
    return digest(key.state(), falls, length=16)
