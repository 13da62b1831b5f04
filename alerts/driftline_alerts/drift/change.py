"""Where a change is, and how large, as far as the trail of a stream shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline_alerts.drift.locate import locate
from driftline_alerts.drift.moments import Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from driftline_alerts.drift.detector import Detector
    from driftline_alerts.drift.locate import Change
    from driftline_alerts.drift.monitor import Monitor


@dataclass(frozen=True)
class Located:
    """Where a change is, in the y of one question.

    Attributes:
        question: its number in the panel.
        before: what was known of y before the change.
        change: how large it is.
        start: since when, in seconds of Unix time.
        earliest: it can have begun then.
        latest: or then.
    """

    question: int
    before: Moments
    change: Change
    start: float
    earliest: float
    latest: float


def change(monitor: Monitor, question: int | None = None) -> Located | None:
    """What the trail says of a change; None where there is none to be seen.

    Args:
        monitor: whose it is.
        question: by which one of the panel; None: that of the alarm, else the one that shows it most.
    """
    alarm = monitor.alarm
    number = (alarm.question if alarm else _loudest(monitor)) if question is None else question
    detector = monitor.panel[number].detector
    n, total = monitor.trail.columns(number)
    before = alarm.before if alarm and alarm.question == number else _before(detector, n, total)
    found = locate(n, total, before, phi=detector.overdispersion)
    if found is None:
        return None
    begins = [*monitor.trail.begins, monitor.trail.end]
    return Located(number, before, found, begins[found.start], begins[found.earliest], begins[found.latest + 1])


def _loudest(monitor: Monitor) -> int:
    return max(range(len(monitor.panel)), key=lambda one: monitor.panel[one].detector.suspicion)


def _before(detector: Detector, n: NDArray[np.float64], total: NDArray[np.float64]) -> Moments:
    """The baseline without what came since the change, which is part of it by now."""
    whole = Moments.of_counts(detector.levels.values, detector.baseline + detector.pending)
    found = locate(n, total, whole, phi=detector.overdispersion)
    if found is None or detector.is_frozen:
        return whole
    since, of_these = float(n[found.start :].sum()), float(total[found.start :].sum())
    rest = whole.n - since
    return (
        Moments(rest, min(max((whole.mean * whole.n - of_these) / rest, 0.0), 1.0), whole.variance)
        if rest > 0
        else whole
    )
