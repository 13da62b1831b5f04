"""Healthy months that are not independent: day and night, hours that depend on the last ones, days that wander.

The first 14 days are what a stream learns from: its rhythm, its overdispersion and its baseline. The month that follows
is looked at twice an hour, with what was learned and a tolerance of 5 % of the odds; and without any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.detector import update, watch
from driftline_alerts.drift.hourly import Hourly, hour_of_week
from driftline_alerts.drift.seasonal import learn
from driftline_alerts.drift.tails import upper_bound
from driftline_alerts.drift.transform import freeze
from support.drift_laws import flags, scores
from support.drift_scenarios import BUDGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from driftline_alerts.drift.levels import Levels
    from support.drift_laws import Array, Law

    Shape = Callable[[np.random.Generator, int, int], Array]

_DAY, _LEARNED, _HOURS = 24, 14 * 24, 44 * 24
_MONTH_HOURS: Final = 720
_LOOKS: Final = 2
"""An hour."""
_TOLERANCE: Final = 0.05
_MONDAY: Final = 4 * _DAY
"""1970-01-05, in hours."""


@dataclass(frozen=True)
class _Kind:
    """A stream whose mean harm moves: a mixture of two laws.

    Attributes:
        name: in the output.
        better: law, of less harm than the mean.
        worse: of more.
        share: of the worse one, on average; moves in proportion to the harm above ``floor``.
        floor: the better law's harm, as a share of the mean harm.
        an_hour: observations, on average.
        questions: of the panel.
        down: whether small keys are the harm.
    """

    name: str
    better: Law
    worse: Law
    share: float
    floor: float
    an_hour: float
    questions: tuple[str, ...]
    down: bool

    def p(self, relative: Array) -> Array:
        """Probability of each key where harm is ``1 + relative`` of its mean, shape (..., keys)."""
        harm = np.clip(1 + relative, 0.2, 3)
        worse = np.clip((harm - self.floor) / (1 - self.floor) * self.share, 0, 1)[..., None]
        return worse * self.worse.p + (1 - worse) * self.better.p


_KINDS: Final = (
    _Kind(
        "judge 0.90",
        scores(0.946),
        scores(0.75),
        23 / 98,
        0.54,
        1_000 / 24,
        ("mean", "top_share", "low_share"),
        down=True,
    ),
    _Kind("rate 2 %", flags(0.0), flags(1.0), 0.02, 0.0, 10_000 / 24, ("flag",), down=False),
)


def day_night(_: np.random.Generator, runs: int, hours: int) -> Array:
    """Harm 25 % above its mean in the morning, as much below in the evening."""
    return np.tile(0.25 * np.sin(2 * np.pi * np.arange(hours) / _DAY), (runs, 1))


def by_the_hour(rng: np.random.Generator, runs: int, hours: int) -> Array:
    """Each hour remembers 70 % of the last one's deviation; they spread by 15 %."""
    return _remembering(rng, (runs, hours), 0.7, 0.15)


def by_the_day(rng: np.random.Generator, runs: int, hours: int) -> Array:
    """Each day remembers 90 % of the last one's deviation; they spread by 5 %."""
    return np.repeat(_remembering(rng, (runs, hours // _DAY), 0.9, 0.05), _DAY, axis=1)


_SHAPES: Final[dict[str, Shape]] = {
    "day and night ±25 %": day_night,
    "hours, AR(1) 0.7, sd 15 %": by_the_hour,
    "days, AR(1) 0.9, sd 5 %": by_the_day,
}


def rows(rng: np.random.Generator, *, months: int) -> Iterator[dict[str, Any]]:
    """False alarms of each kind of stream with each kind of dependence."""
    for kind in _KINDS:
        for name, shape in _SHAPES.items():
            counts = _arrivals(kind, shape(rng, months, _HOURS), rng)
            line: dict[str, Any] = {"scenario": f"{kind.name}, {name}", "months": months}
            for treated in (True, False):
                most = _most(kind, counts, treated=treated)
                alarms = int((most >= 1 / BUDGET).sum())
                line["learned" if treated else "bare"] = {"alarms": alarms, "at_most": upper_bound(alarms, months)}
            yield line


def _arrivals(kind: _Kind, relative: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts by key, shape (runs, hours, looks, keys)."""
    runs, hours = relative.shape
    sizes = rng.poisson(kind.an_hour / _LOOKS, (runs, hours, _LOOKS))
    return rng.multinomial(sizes, kind.p(relative)[:, :, None])


def _most(kind: _Kind, counts: NDArray[np.int64], *, treated: bool) -> Array:
    """Highest suspicion of the panel in each month, shape (runs,)."""
    members = [_suspicion(counts, question, kind.down, treated=treated) for question in kind.questions]
    most: Array = np.mean(members, axis=0).max(axis=0)
    return most


def _suspicion(counts: NDArray[np.int64], question: str, down: bool, *, treated: bool) -> Array:
    """Of one y after each look, shape (looks, runs)."""
    by_level, levels = _transformed(counts, question, down)
    past, now = by_level[:, :_LEARNED].sum(axis=2), by_level[:, _LEARNED:]
    seasons = [learn(_hourly(one, levels)) for one in past]
    offsets = np.array([one.offsets for one in seasons]) * treated
    at = hour_of_week(np.arange(by_level.shape[1]) + _MONDAY)
    detectors = [
        watch(levels, one, shifts=season.offsets[at[:_LEARNED]], overdispersion=season.phi, tolerance=_TOLERANCE)
        if treated
        else watch(levels, one.sum(axis=0))
        for one, season in zip(past, seasons, strict=True)
    ]
    months = np.full(len(detectors), 1 / _LOOKS / _MONTH_HOURS)
    found = []
    for hour in range(now.shape[1]):
        shifts = offsets[:, at[_LEARNED + hour]]
        found += [update(detectors, now[:, hour, look], months, shifts) for look in range(_LOOKS)]
    return np.array(found)


def _transformed(counts: NDArray[np.int64], question: str, down: bool) -> tuple[Array, Levels]:
    """Counts by level, shape (..., levels), of a transform that is frozen on the first days of all runs."""
    keys = range(counts.shape[-1])
    frozen = counts[:, :_LEARNED].sum(axis=(0, 1, 2))
    made = freeze(question, dict(zip(keys, frozen.tolist(), strict=True)), down=down)
    moves = np.array([made.counts({key: 1}) for key in keys])
    return counts @ moves, made.levels


def _hourly(counts: Array, levels: Levels) -> Hourly:
    return Hourly(
        np.arange(len(counts)) + _MONDAY, counts.sum(axis=1), counts @ levels.values, counts @ levels.values**2
    )


def _remembering(rng: np.random.Generator, shape: tuple[int, int], kept: float, spread: float) -> Array:
    """An autoregression of order 1, from its stationary law."""
    steps = rng.normal(0, spread, shape)
    for at in range(1, shape[1]):
        steps[:, at] = kept * steps[:, at - 1] + np.sqrt(1 - kept**2) * steps[:, at]
    return steps
