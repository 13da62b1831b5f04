"""How long a change of some size takes to be found, by traffic: made-up streams, asked a metric's own questions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from driftline_alerts.drift.baseline import questions
from driftline_alerts.drift.detector import update
from driftline_alerts.drift.monitor import MONTH, Monitor, directions
from driftline_alerts.drift.stream import StreamKey
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from driftline_alerts.drift.monitor import Question
    from support.drift_laws import Array, Law

SHARE: Final = 1 / 1000
"""False alarms a month of one stream: what is left of one page a month in a project of a few hundred streams."""
BASELINE_DAYS: Final = 28
LONGEST_DAYS: Final = 28.0
_DAY: Final = 86400.0
_GROWTH: Final = 0.05
"""Of what was seen, the part that comes in between two looks: a delay is too long by at most so much."""


class Wait(NamedTuple):
    """Days until a change was found; infinite beyond ``LONGEST_DAYS``."""

    median: float
    p90: float


def wait(metric: str, before: Law, after: Law, per_day: float, random: np.random.Generator, *, runs: int) -> Wait:
    """How long a change takes that comes after ``BASELINE_DAYS`` without one.

    Args:
        metric: that is watched.
        before: law of its counts' keys while it was healthy.
        after: the law since the change.
        per_day: observations a day.
        random: what is drawn from.
        runs: streams, each with a baseline of its own.
    """
    panels = [_panel(metric, before, round(per_day * BASELINE_DAYS), random) for _ in range(runs)]
    found, waiting, seen = np.full(runs, np.inf), np.arange(runs), 0
    while len(waiting) and seen < per_day * LONGEST_DAYS:
        n = max(round(seen * _GROWTH), round(per_day / 1440), 1)
        seen += n
        drawn = random.multinomial(n, after.p, len(waiting))
        suspicion = looked([panels[run] for run in waiting], after, drawn, n / per_day * _DAY / MONTH)
        is_found = suspicion * SHARE >= 1
        found[waiting[is_found]] = seen / per_day
        waiting = waiting[~is_found]
    return Wait(*np.quantile(found, (0.5, 0.9), method="higher").tolist())


def looked(panels: list[list[Question]], law: Law, drawn: NDArray[np.int64], months: float) -> Array:
    """Suspicion of some streams after what arrived, shape (streams,).

    Args:
        panels: of each stream.
        law: whose keys are counted.
        drawn: counts, shape (streams, keys).
        months: that passed meanwhile.
    """
    keys = law.keys.tolist()
    raw = [{key: count for key, count in zip(keys, row, strict=True) if count} for row in drawn.tolist()]
    passed = np.full(len(panels), months)
    of_each = [
        update(
            [panel[place].detector for panel in panels],
            np.stack([panel[place].transform.counts(counts) for panel, counts in zip(panels, raw, strict=True)]),
            passed,
        )
        for place in range(len(panels[0]))
    ]
    mean: Array = np.mean(of_each, axis=0)
    return mean


def _panel(metric: str, law: Law, n: int, random: np.random.Generator) -> list[Question]:
    key = StreamKey(metric, "", ())
    drawn = zip(law.keys.tolist(), random.multinomial(n, law.p).tolist(), strict=True)
    baseline = Counter({value: count for value, count in drawn if count})
    monitor = Monitor(key, directions(key)[0], 0.0, 0.0)
    return questions(monitor, baseline, tolerance=MONITORED[metric].tolerance)


def highest(metric: str, law: Law, per_hour: float, random: np.random.Generator, months: int) -> Array:
    """Highest suspicion of healthy months, looked at each hour, shape (months,).

    Args:
        metric: that is watched.
        law: of its counts' keys.
        per_hour: observations.
        random: what is drawn from.
        months: each of a stream of its own.
    """
    panels = [_panel(metric, law, round(per_hour * 24 * BASELINE_DAYS), random) for _ in range(months)]
    most = np.zeros(months)
    for _ in range(30 * 24):
        drawn = random.multinomial(random.poisson(per_hour, months), law.p)
        most = np.maximum(most, looked(panels, law, drawn, 1 / 24 / 30))
    return most
