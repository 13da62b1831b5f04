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

_Group = tuple[str, bool]
"""How fine a segment is, and whether its metric is judged quality."""

_SHARES: Final = {"global": 0.2, "feature": 0.3, "leaf": 0.5}
"""Of the budget, by how fine segments are: most is known, and most can be done, at the finest."""

VOLUMES_SHARE: Final = 0.1
"""Share of the budget that the detectors of volume have."""

_JUDGED: Final = 0.5
"""Share of a level's budget that is that of judged quality: few answers are judged, and they are what it is all for."""

FALSE_LISTINGS: Final = 0.1
"""Share of streams in an incident's list that may be in it by chance, a month."""


def split(monitors: Iterable[Monitor], budget: float) -> dict[Name, float]:
    """False alarms a month that each stream may raise; together no more than the budget.

    Within a level, and judged quality and all else apart, the square root of the traffic decides: those with little
    could not use more.

    Args:
        monitors: all that there are.
        budget: false pages in 30 days, of the whole project; a share of them is ``VOLUMES_SHARE``.
    """
    watching = [one for one in monitors if one.panel]
    wanted = {(one.key, one.falls): math.sqrt(max(one.per_day, 1.0)) for one in watching}
    of_group: dict[_Group, float] = {}
    for one in watching:
        group = _group(one)
        of_group[group] = of_group.get(group, 0.0) + wanted[one.key, one.falls]
    # What a group without streams does not need is the others'.
    whole = sum(_part(group) for group in of_group)
    return {
        name: budget * (1 - VOLUMES_SHARE) * _part(group) / whole * weight / of_group[group]
        for (name, weight), group in zip(wanted.items(), map(_group, watching), strict=True)
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


def _group(monitor: Monitor) -> _Group:
    size = len(monitor.key.segment)
    is_judged = monitor.key.metric == "quality"
    if monitor.key.segment == ANCHORS or size == len(LEVELS[0]):
        return "global", is_judged
    return "leaf" if size == len(LEVELS[-1]) else "feature", is_judged


def _part(group: _Group) -> float:
    level, is_judged = group
    return _SHARES[level] * (_JUDGED if is_judged else 1 - _JUDGED)
