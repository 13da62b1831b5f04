"""Requests of many streams: those that are given up are forgotten, and their alarms end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drift_support import MINUTE, T0
from driftline_alerts.drift.stream import Part, StreamKey
from driftline_alerts.drift.volume import DAY_MINUTES
from driftline_alerts.drift.volumes import METRIC, Volumes, VolumeTurn

KEY = StreamKey(METRIC, "", (("environment", "production"), ("feature", "search")))
DAYS = 3


def come(volumes: Volumes, day: float, days: float, requests: int, every: int = 1) -> None:
    """Requests of some days, in each minute or in some."""
    for minute in range(round(day * DAY_MINUTES), round((day + days) * DAY_MINUTES), every):
        begin = T0 + minute * MINUTE
        volumes.take([Part(KEY, {0: requests}, begin, begin + MINUTE)])


def pass_time(volumes: Volumes, day: float, days: float) -> list[VolumeTurn]:
    """What is found in some days, at four looks a day."""
    looks = range(round(day * 4) + 1, round((day + days) * 4) + 1)
    return [turn for one in looks for turn in volumes.advance((T0 + timedelta(days=one / 4)).timestamp(), 1.0)]


def usual() -> Volumes:
    volumes = Volumes()
    come(volumes, 0, DAYS, 10)
    assert pass_time(volumes, 0, DAYS) == []
    return volumes


def test_a_stop_is_given_up_after_a_week_of_silence_and_its_stream_forgotten() -> None:
    volumes = usual()
    assert [turn.kind for turn in pass_time(volumes, DAYS, 6)] == ["opened"]
    restored = Volumes.load(volumes.dump())
    (gone,) = pass_time(restored, DAYS + 6, 1.25)
    assert (gone.key, gone.kind, gone.alarm.direction) == (KEY, "gone", "stopped")
    assert restored.streams == {}
    assert pass_time(restored, DAYS + 8, 1) == []


def test_a_stop_stays_as_long_as_something_comes_now_and_then() -> None:
    volumes = usual()
    come(volumes, DAYS, 12, 1, every=5 * DAY_MINUTES)
    assert [turn.kind for turn in pass_time(volumes, DAYS, 12)] == ["opened"]
    assert volumes.streams[KEY].volume.alarm


def test_what_comes_back_after_it_was_given_up_is_learned_anew() -> None:
    volumes = usual()
    come(volumes, DAYS + 10, 1, 1)
    # As the past is shown to it, at once.
    turns = volumes.advance((T0 + timedelta(days=DAYS + 11)).timestamp(), 1.0)
    assert [turn.kind for turn in turns] == ["opened", "gone"]
    assert volumes.streams[KEY].volume.alarm is None


@pytest.mark.parametrize(("days", "kept"), [(30, 1), (36, 0)])
def test_what_was_too_rare_to_be_missed_is_forgotten_after_five_weeks(days: int, kept: int) -> None:
    volumes = Volumes()
    come(volumes, 0, 1, 1, every=DAY_MINUTES)
    assert pass_time(volumes, 0, days) == []
    assert len(volumes.streams) == kept
