"""Requests that stop or explode are found in minutes; days, nights, weekends, bursts and pauses raise nobody."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from driftline_alerts.drift.volume import DAY_MINUTES, Volume
from support.drift_volume import MONDAY, alarms_of, bursts, independent, rhythm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DAYS = 17
NOON = MONDAY + DAYS * DAY_MINUTES + DAY_MINUTES // 2


@functools.cache
def _learned(busiest: float = 100.0) -> str:
    """A detector at a Thursday's noon after more than two healthy weeks, of which nothing was thought."""
    volume = Volume()
    rates = rhythm(DAYS * DAY_MINUTES + DAY_MINUTES // 2, busiest)
    assert alarms_of(volume, independent(np.random.default_rng(1), rates)) == []
    return json.dumps(volume.state())


def _volume(busiest: float = 100.0) -> Volume:
    state: Mapping[str, Any] = json.loads(_learned(busiest))
    return Volume.restored(state)


def _minutes_until_alarm(volume: Volume, requests: list[int], begin: int = NOON) -> int | None:
    for number, one in enumerate(requests, start=1):
        volume.update(begin + number - 1, one)
        if volume.alarm is not None:
            return number
    return None


def test_a_stop_of_100_requests_a_minute_is_found_in_5_minutes() -> None:
    volume = _volume()
    assert _minutes_until_alarm(volume, [0] * 10) in {3, 4, 5}
    assert volume.alarm is not None
    assert (volume.alarm.direction, volume.alarm.since) == ("stopped", NOON)
    assert volume.alarm.seen == 0
    assert 70 < volume.alarm.usual < 110
    assert volume.alarm.evidence >= 40


def test_a_stop_but_for_a_few_requests_is_found_as_well() -> None:
    assert _minutes_until_alarm(_volume(), [2, 5, 0, 3, 4, 1, 2, 3]) in {4, 5, 6}


@pytest.mark.parametrize("most", [1, 2])
def test_a_minute_or_two_of_silence_are_no_alarm(most: int) -> None:
    volume = _volume()
    for _ in range(3):
        assert _minutes_until_alarm(volume, [0] * most + [100] * 10) is None


def test_a_half_of_the_requests_is_no_stop_and_twice_as_many_no_explosion() -> None:
    rng = np.random.default_rng(2)
    for factor in (0.5, 2.0):
        assert _minutes_until_alarm(_volume(), rng.poisson(95 * factor, 120).tolist()) is None


def test_an_explosion_is_found_in_10_minutes_and_does_not_excuse_itself() -> None:
    volume = _volume()
    found = _minutes_until_alarm(volume, np.random.default_rng(3).poisson(600, 30).tolist())
    assert found is not None
    assert found <= 10
    assert volume.alarm is not None
    assert (volume.alarm.direction, volume.alarm.since) == ("exploded", NOON)
    assert volume.alarm.seen == pytest.approx(600, rel=0.05)


def test_an_alarm_ends_soon_after_traffic_is_usual_again_and_the_next_one_is_found_as_soon() -> None:
    volume = _volume()
    found = []
    for outage in range(3):
        begin = NOON + outage * 60
        found.append(_minutes_until_alarm(volume, [0] * 10, begin))
        for minute in range(begin + 10, begin + 60):
            volume.update(minute, 95)
        assert volume.alarm is None
    assert found[0] == found[1] == found[2]


def test_an_alarm_stays_while_nothing_comes() -> None:
    volume = _volume()
    _minutes_until_alarm(volume, [0] * 10)
    for minute in range(NOON + 10, NOON + DAY_MINUTES):
        volume.update(minute, 0)
    assert volume.alarm is not None


def test_what_never_came_at_night_is_not_missed_then() -> None:
    volume = Volume()
    rates = rhythm(16 * DAY_MINUTES, 100.0)
    rates[rates < 10] = 0.0
    raised = alarms_of(volume, independent(np.random.default_rng(4), rates))
    # The first evening and the first weekend are news.
    assert [one for one in raised if one.at - MONDAY > 7 * DAY_MINUTES] == []


def test_little_traffic_takes_longer_and_none_says_nothing() -> None:
    rare = _volume(1.0)
    found = _minutes_until_alarm(rare, [0] * 120)
    assert found is not None
    assert 10 < found < 90
    silent = Volume()
    assert alarms_of(silent, np.zeros(3 * DAY_MINUTES, dtype=np.int64)) == []


def test_bursts_of_every_day_are_no_explosion() -> None:
    counts = bursts(np.random.default_rng(6), rhythm(18 * DAY_MINUTES, 100.0))
    assert alarms_of(Volume(), counts) == []


def test_in_the_first_days_a_stop_takes_a_quarter_of_an_hour() -> None:
    volume = Volume()
    assert alarms_of(volume, independent(np.random.default_rng(7), rhythm(2 * DAY_MINUTES + 720, 100.0))) == []
    found = _minutes_until_alarm(volume, [0] * 30, MONDAY + 2 * DAY_MINUTES + 720)
    assert found is not None
    assert 6 < found <= 20


def test_nothing_is_said_in_the_first_half_hour() -> None:
    assert _minutes_until_alarm(Volume(), [1000, 0, 5000] * 9) is None


def test_a_restart_changes_nothing() -> None:
    counts = np.random.default_rng(8).poisson(60, 120)
    counts[60:80] = 0
    kept, restarted = _volume(), _volume()
    for at, requests in enumerate(counts.tolist()):
        kept.update(NOON + at, requests)
        restarted = Volume.restored(json.loads(json.dumps(restarted.state())))
        restarted.update(NOON + at, requests)
    assert restarted.state() == kept.state()
