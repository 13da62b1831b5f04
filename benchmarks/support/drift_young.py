"""The first two weeks: streams of a rhythm that nobody has told the monitors of, from their first hour on."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.drift.finding import moment
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.lifecycle import turns
from driftline_alerts.drift.stream import Part, StreamKey
from support.drift_laws import flags, scores

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from support.drift_laws import Law

DAYS: Final = 14
_BEGIN: Final = 1_762_128_000.0
"""Midnight, in seconds of Unix time: the rhythm is at its mean, and rises."""

_STREAMS: Final[dict[str, tuple[Callable[[float], Law], int]]] = {
    "quality": (lambda swing: scores(1 - 0.10 * swing), 40),
    "error_rate": (lambda swing: flags(0.02 * swing), 400),
}
"""Law at a factor on the harm, and observations an hour."""


def pages(
    metric: str, swing: float, share: float, random: np.random.Generator, *, streams: int, warm_up: float
) -> dict[str, Any]:
    """How many streams page in their first two weeks, without anything having happened.

    Args:
        metric: that is watched.
        swing: by how much harm rises and falls within a day, as a share of its mean.
        share: false alarms a month of each stream.
        random: what is drawn from.
        streams: how many.
        warm_up: seconds that a baseline spans at least.
    """
    law_at, per_hour = _STREAMS[metric]
    fleet, paged = Fleet(warm_up), set()
    keys = [StreamKey(metric, "", (("feature", str(number)),)) for number in range(streams)]
    for hour in range(DAYS * 24):
        begin = moment(_BEGIN + hour * 3600)
        law = law_at(1 + swing * math.sin(2 * math.pi * (hour + 0.5) / 24))
        drawn = random.multinomial(random.poisson(per_hour, streams), law.p)
        touched = fleet.apply(
            Part(key, _counted(law, counts), begin, begin + timedelta(hours=1))
            for key, counts in zip(keys, drawn, strict=True)
        )
        found = list(turns(touched, dict.fromkeys(fleet.monitors, share), lambda *_: {}))
        paged |= {turn.monitor.key for turn in found if turn.kind == "paged"}
    named = {"metric": metric, "swing": swing, "warm_up_minutes": warm_up / 60, "once_in_months": 1 / share}
    return named | {"streams": streams, "paged": len(paged)}


def _counted(law: Law, counts: NDArray[np.int64]) -> dict[int, int]:
    return {key: count for key, count in zip(law.keys.tolist(), counts.tolist(), strict=True) if count}
