"""One budget of false pages for the whole project, split over its streams (docs/drift-method.md)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.segments import LEVELS
from driftline_alerts.drift.stream import ANCHORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline_alerts.drift.fleet import Name
    from driftline_alerts.drift.monitor import Monitor

_SHARES: Final = {"global": 0.2, "feature": 0.3, "leaf": 0.5}
"""Of the budget, by how fine segments are: most is known, and most can be done, at the finest."""

VOLUMES: Final = 0.1
"""Share of the budget that the detectors of volume have."""

FALSE_LISTINGS: Final = 0.1
"""Share of streams in an incident's list that may be in it by chance, a month."""


def split(monitors: Iterable[Monitor], budget: float) -> dict[Name, float]:
    """False alarms a month that each stream may raise; together no more than the budget.

    Within a level the square root of the traffic decides: those with little could not use more.

    Args:
        monitors: all that there are.
        budget: false pages in 30 days, of the whole project; a share of them is ``VOLUMES``.
    """
    watching = [one for one in monitors if one.panel]
    wanted = {(one.key, one.falls): math.sqrt(max(one.per_day, 1.0)) for one in watching}
    of_level: dict[str, float] = {}
    for one in watching:
        level = _level(one)
        of_level[level] = of_level.get(level, 0.0) + wanted[one.key, one.falls]
    # What a level without streams does not need is the others'.
    whole = sum(_SHARES[level] for level in of_level)
    return {
        name: budget * (1 - VOLUMES) * _SHARES[level] / whole * weight / of_level[level]
        for (name, weight), level in zip(wanted.items(), map(_level, watching), strict=True)
    }


def listed(suspicions: Mapping[Name, float], shares: Mapping[Name, float]) -> set[Name]:
    """The streams that may be named beside one that has raised an alarm: e-BH at ``FALSE_LISTINGS`` a month.

    Args:
        suspicions: S of each stream.
        shares: false alarms a month of each.
    """
    whole = sum(shares.values())
    if not whole:
        return set()
    ranked = sorted(((suspicions[name] * shares[name] / whole, name) for name in shares), key=lambda one: -one[0])
    most = max((k for k, (worth, _) in enumerate(ranked, 1) if worth * k * FALSE_LISTINGS >= 1), default=0)
    return {name for _, name in ranked[:most]}


def _level(monitor: Monitor) -> str:
    size = len(monitor.key.segment)
    if monitor.key.segment == ANCHORS or size == len(LEVELS[0]):
        return "global"
    return "leaf" if size == len(LEVELS[-1]) else "feature"
