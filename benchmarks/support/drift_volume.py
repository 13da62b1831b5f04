"""Traffic by the minute with days, nights and weekends, for the detector of volume: false alarms and delays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.tails import upper_bound
from driftline_alerts.drift.volume import Alarm, Volume
from driftline_alerts.drift.volume_watch import MONTH_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Rates = NDArray[np.float64]
    Arrivals = Callable[[np.random.Generator, Rates], NDArray[np.int64]]

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
MONDAY: Final = 4 * _DAY
"""1970-01-05 in minutes."""


def rhythm(minutes: int, busiest: float) -> Rates:
    """Requests a minute: by night a twentieth of what comes at noon, at weekends a third of it."""
    at = np.arange(minutes)
    by_day = 0.05 + 0.95 * np.clip(np.sin(2 * np.pi * (at - 6 * 60) / _DAY), 0, None)
    return busiest * by_day * np.where(at % _WEEK >= 5 * _DAY, 1 / 3, 1.0)


def independent(rng: np.random.Generator, rates: Rates) -> NDArray[np.int64]:
    """Each request on its own (Poisson)."""
    return rng.poisson(rates)


def uneven(rng: np.random.Generator, rates: Rates) -> NDArray[np.int64]:
    """Each minute's rate varies by 70 %, whatever the last one's was (negative binomial)."""
    return rng.poisson(rates * rng.gamma(2.0, 1 / 2.0, len(rates)))


def bursts(rng: np.random.Generator, rates: Rates) -> NDArray[np.int64]:
    """Ten times a day three to eight times the traffic for 2 to 15 minutes, and every quarter of an hour its level."""
    level = np.repeat(rng.gamma(12.0, 1 / 12.0, len(rates) // 15 + 1), 15)[: len(rates)]
    factor = np.ones(len(rates))
    for begin in np.nonzero(rng.random(len(rates)) < 10 / _DAY)[0]:
        factor[begin : begin + rng.integers(2, 16)] = rng.uniform(3, 8)
    return rng.poisson(rates * level * factor)


def sessions(rng: np.random.Generator, rates: Rates) -> NDArray[np.int64]:
    """Some five requests come together, in one minute."""
    arrivals = rng.poisson(rates / 5)
    return arrivals + rng.poisson(4.0 * arrivals)


_TRAFFIC: Final[dict[str, Arrivals]] = {
    "independent requests": independent,
    "uneven minutes": uneven,
    "bursts": bursts,
    "five at a time": sessions,
}


def rows(quick: bool, seed: int) -> Iterator[dict[str, Any]]:
    """False alarms in healthy months from the first minute on, then delays at 100 requests a minute."""
    rng = np.random.default_rng(seed)
    runs = 1 if quick else 4
    for name, arrivals in _TRAFFIC.items():
        for busiest in (100.0, 5.0):
            yield _healthy(name, arrivals, busiest, runs, rng)
    for name, arrivals in _TRAFFIC.items():
        yield _delay(f"{name}: stopped in the fifth week", arrivals, rng, days=30, factor=0.0, runs=4 * runs)
    for days, factor, what in ((2, 0.0, "stopped on the third day"), (30, 6.0, "six times as many in the fifth week")):
        yield _delay(f"independent requests: {what}", independent, rng, days=days, factor=factor, runs=4 * runs)


def _healthy(name: str, arrivals: Arrivals, busiest: float, runs: int, rng: np.random.Generator) -> dict[str, Any]:
    months = 3 * runs
    alarms: list[tuple[int, int]] = []
    for run in range(runs):
        counts = arrivals(rng, rhythm(3 * MONTH_MINUTES, busiest))
        alarms += [(run, (one.at - MONDAY) // MONTH_MINUTES) for one in alarms_of(Volume(), counts)]
    bad = len(set(alarms))
    return {
        "scenario": f"healthy, {name}, up to {busiest:g} a minute",
        "months": months,
        "alarms": len(alarms),
        "months_with_an_alarm_at_most": upper_bound(bad, months),
    }


def alarms_of(volume: Volume, counts: NDArray[np.int64]) -> list[Alarm]:
    """Alarms that were raised; minutes count from the first Monday of 1970."""
    found: list[Alarm] = []
    for at, requests in enumerate(counts.tolist()):
        before = volume.alarm
        volume.update(MONDAY + at, requests)
        if volume.alarm is not None and before is None:
            found.append(volume.alarm)
    return found


def _delay(
    name: str, arrivals: Arrivals, rng: np.random.Generator, *, days: int, factor: float, runs: int
) -> dict[str, Any]:
    """From noon of a weekday, when 100 requests a minute are usual."""
    change, after, found, off = days * _DAY + _DAY // 2, 120, [], []
    for _ in range(runs):
        rates = rhythm(change + after, 100.0)
        rates[change:] *= factor
        begin = MONDAY + change
        raised = [one for one in alarms_of(Volume(), arrivals(rng, rates)) if one.at >= begin]
        found.append(raised[0].at - begin + 1 if raised else np.inf)
        off += [abs(one.since - begin) for one in raised[:1]]
    return {
        "scenario": name,
        "runs": runs,
        "minutes_median": float(np.median(found)),
        "minutes_most": float(max(found)),
        "start_off_by_most": max(off, default=None),
    }
