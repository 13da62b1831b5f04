"""What is learned of a stream every week: its season, how much it scatters, and from which time."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest

from drift_world import START, segment
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.monitor import DAY, Monitor
from driftline_alerts.drift.refit import refit
from driftline_alerts.drift.stream import Part, StreamKey

KEY = StreamKey("error_rate", "", segment("production", "support", "gpt", "answer", "5"))
DAYS = 16
AMPLITUDE = 0.4


def hours(days: int, amplitude: float, seed: int = 1, n: int = 4000) -> list[Part]:
    """Errors around 5 %, more of them in the first half of each day."""
    rng, found = np.random.default_rng(seed), []
    for hour in range(days * 24):
        hits = int(rng.binomial(n, 0.05 * (1 + amplitude * math.sin(2 * math.pi * (hour + 0.5) / 24))))
        begin = START + timedelta(hours=hour)
        found.append(Part(KEY, {0: n - hits, 1: hits}, begin, begin + timedelta(hours=1)))
    return found


def learned(past: list[Part], **state: float) -> Monitor:
    fleet = Fleet()
    for part in past[:4]:
        fleet.apply([part])
    monitor = fleet.of(KEY)[0]
    for name, value in state.items():
        setattr(monitor, name, value)
    monitor.last = now = past[-1].end.timestamp()
    refit(fleet, past, now)
    return monitor


def test_a_rhythm_of_the_day_is_no_change_once_it_is_known() -> None:
    past = hours(DAYS, AMPLITUDE)
    monitor = learned(past)
    offsets = monitor.panel[0].offsets
    assert offsets is not None
    assert offsets[6] > 0.2 > -0.2 > offsets[18], "more errors in the morning, fewer in the evening"
    assert monitor.n == sum(sum(part.counts.values()) for part in past), "all of it is the baseline"
    fleet, ignorant = Fleet(), Fleet()
    fleet.monitors[KEY, False] = monitor
    for part in past[:24]:
        ignorant.apply([part])
    highest = {"knows": 0.0, "does not": 0.0}
    for part in hours(DAYS + 3, AMPLITUDE, seed=2)[DAYS * 24 :]:
        fleet.apply([part])
        ignorant.apply([part])
        highest["knows"] = max(highest["knows"], monitor.suspicion)
        highest["does not"] = max(highest["does not"], ignorant.of(KEY)[0].suspicion)
    assert highest["knows"] < 1
    assert highest["does not"] > 100, "this rhythm would be taken for a change"


def test_a_stream_without_a_rhythm_gets_none() -> None:
    assert learned(hours(DAYS, 0.0)).panel[0].offsets is None


def test_the_tolerance_stays_until_four_weeks_are_known() -> None:
    for days, stays in ((16, True), (30, False)):
        monitor = learned(hours(days, 0.0))
        # Of a rate it is always let pass; of scores it ends.
        assert monitor.panel[0].detector.tolerance == pytest.approx(math.log1p(0.05))
        quality = StreamKey("quality", "judge", KEY.segment, "quality")
        past = [Part(quality, {20: 30, 10: 5 + hour.begin.hour % 2}, hour.begin, hour.end) for hour in hours(days, 0.0)]
        fleet = Fleet()
        for part in past[:12]:
            fleet.apply([part])
        refit(fleet, past, past[-1].end.timestamp())
        assert (fleet.of(quality)[0].panel[0].detector.tolerance > 0) is stays


@pytest.mark.parametrize(
    "state",
    [
        {"begun": START.timestamp() + 3 * DAY},
        {"fitted": START.timestamp() + (DAYS - 1) * DAY},
        {"restless": START.timestamp() + (DAYS - 0.5) * DAY},
        {"inherited": 1.0},
    ],
    ids=["too young", "learned yesterday", "something is going on", "measured by its predecessor"],
)
def test_a_stream_is_left_as_it_is_while_it_is(state: dict[str, float]) -> None:
    past = hours(DAYS, AMPLITUDE, n=200)
    assert learned(past, **state).panel[0].offsets is None


def test_times_with_an_alarm_are_no_part_of_the_baseline() -> None:
    past = hours(DAYS, 0.0)
    bad = START.timestamp() + 5 * DAY
    fleet = Fleet()
    for part in past[:4]:
        fleet.apply([part])
    monitor = fleet.of(KEY)[0]
    monitor.bad.append((bad, bad + DAY))
    refit(fleet, past, past[-1].end.timestamp())
    assert monitor.n == sum(sum(part.counts.values()) for part in past) - 24 * 4000
