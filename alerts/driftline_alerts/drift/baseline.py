"""What a monitor compares with: learned, taken over from a predecessor, grown, and left alone during an alarm."""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.detector import absorb, watch
from driftline_alerts.drift.monitor import DAY, Question, panel_of
from driftline_alerts.drift.transform import freeze

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_alerts.drift.monitor import Monitor

FIRST_TOLERANCE: Final = 0.05
"""In odds: what else would be taken for a change every night (docs/drift-method.md)."""
_SETTLING: Final = (2 * DAY, 2000)
"""A new version that is measured by its predecessor's baseline has one of its own after so long and so much."""
_GROWN: Final = 4.0
"""A baseline so many times larger than the one of the lattice is worth a finer lattice."""


def questions(monitor: Monitor, baseline: Mapping[int, int], *, tolerance: float) -> list[Question]:
    """The panel that is frozen on a baseline.

    Args:
        monitor: whose it is.
        baseline: counts by key.
        tolerance: drift that is let pass, in odds.
    """
    made = []
    for name in panel_of(monitor.key):
        transform = freeze(name, baseline, down=monitor.falls)
        made.append(
            Question(transform, watch(transform.levels, transform.counts(baseline), tolerance=math.log1p(tolerance)))
        )
    return made


def start(monitor: Monitor, at: float) -> None:
    """Freeze the panel on what was learned so far, and begin to watch.

    While the season of a stream is not known, at least ``FIRST_TOLERANCE`` is let pass.
    """
    monitor.panel = questions(monitor, monitor.raw, tolerance=max(monitor.rule.tolerance, FIRST_TOLERANCE))
    monitor.built, monitor.restless = float(monitor.raw.total()), at


def inherit(monitor: Monitor, predecessor: Monitor, at: float) -> None:
    """Measure a new version by the baseline of the one before it, which its own data leave alone for a while."""
    monitor.raw, monitor.built = Counter(predecessor.raw), predecessor.built
    monitor.panel = copy.deepcopy(predecessor.panel)
    monitor.inherited = monitor.restless = at
    monitor.fitted, monitor.events = predecessor.fitted, list(predecessor.events)
    for one in monitor.panel:
        one.detector.forget_suspicion()
    freeze_baseline(monitor, frozen=True)
    monitor.expect_change(at)


def grow(monitor: Monitor, at: float) -> None:
    """Let a baseline that has become much larger have a finer lattice, and a new version count in it at last."""
    if monitor.inherited and not monitor.alarm and _is_settled(monitor, at):
        monitor.inherited = 0.0
        freeze_baseline(monitor, frozen=False)
    is_quiet = not monitor.alarm and at - monitor.restless >= DAY
    has_season = any(one.offsets is not None for one in monitor.panel)
    # Of a stream with a season the baseline is counted anew with it, from the store (refit).
    if is_quiet and not has_season and not monitor.inherited and monitor.n >= _GROWN * monitor.built:
        for one in monitor.panel:
            old = one.detector
            seen = old.baseline + old.pending
            one.detector = watch(old.levels, seen, overdispersion=old.overdispersion, tolerance=old.tolerance)
        monitor.built = monitor.n


def freeze_baseline(monitor: Monitor, *, frozen: bool) -> None:
    """Let what arrives leave the baseline as it is, or count in it again."""
    for one in monitor.panel:
        absorb(one.detector)
        one.detector.is_frozen = frozen


def _is_settled(monitor: Monitor, at: float) -> bool:
    seconds, n = _SETTLING
    return at - monitor.inherited >= seconds or sum(sums[0] for sums in monitor.trail.sums) >= n
