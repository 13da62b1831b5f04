"""A stream of judged answers over weeks, by the minute: what a limit on the last hour says of it, and what S does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_alerts.drift import refit
from driftline_alerts.drift.finding import moment
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.stream import Part, StreamKey
from support.drift_laws import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from support.drift_laws import Array

DAY_MINUTES: Final = 1440
_HOUR: Final = 60
_BEGIN: Final = 1_762_128_000.0
"""Monday, 2025-11-03, in seconds of Unix time."""
_KEY: Final = StreamKey("quality", "judge", (("environment", "production"), ("feature", "support")), "quality")


@dataclass(frozen=True, eq=False)
class Judged:
    """Judged answers by the minute.

    Attributes:
        n: of each minute, shape (minutes,).
        total: sum of their scores, same shape.
        counts: by hour and twentieth of the score, shape (hours, 21).
    """

    n: Array
    total: Array
    counts: Array


def judged(random: np.random.Generator, per_hour: float, means: Sequence[float]) -> Judged:
    """Days of judged answers, which come by chance.

    Args:
        random: what is drawn from.
        per_hour: answers that are judged in an hour on average.
        means: score of each day on average.
    """
    n = random.poisson(per_hour / _HOUR, len(means) * DAY_MINUTES)
    of_day = n.reshape(len(means), -1).sum(axis=1)
    level = np.concatenate(
        [random.choice(21, size, p=scores(mean).p) for size, mean in zip(of_day, means, strict=True)]
    )
    minute = np.repeat(np.arange(len(n)), n)
    total = np.bincount(minute, level / 20, minlength=len(n)).astype(float)
    counts = np.bincount(minute // _HOUR * 21 + level, minlength=len(n) // _HOUR * 21).reshape(-1, 21)
    return Judged(n.astype(float), total, counts.astype(float))


def last_hour(seen: Judged) -> Array:
    """Mean score of the 60 minutes up to each minute, NaN where nothing was judged; shape (minutes,)."""
    n, total = (np.convolve(column, np.ones(_HOUR))[: len(column)] for column in (seen.n, seen.total))
    mean: Array = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0.5)
    return mean


def alarms(mean: Array, limit: float) -> NDArray[np.int64]:
    """Minutes in which a value gets below a limit that was not below it before; without data nothing changes."""
    known = np.nonzero(~np.isnan(mean))[0]
    below = mean[known] < limit - 1e-9
    return known[1:][below[1:] & ~below[:-1]]


def suspicion(seen: Judged) -> Array:
    """S of the product's monitor after each hour, with all that it learns meanwhile; 0 before it watches."""
    fleet, past, found = Fleet(), [], []
    for hour, counts in enumerate(seen.counts):
        begin = moment(_BEGIN + hour * 3600)
        of_hour = {level: int(count) for level, count in enumerate(counts) if count}
        part = Part(_KEY, of_hour, begin, begin + timedelta(hours=1))
        past.append(part)
        fleet.apply([part])
        now = part.end.timestamp()
        if any(refit.is_due(one, now) for one in fleet.monitors.values()):
            refit.refit(fleet, past, now)
        found.append(next(iter(fleet.monitors.values())).suspicion)
    return np.array(found)
