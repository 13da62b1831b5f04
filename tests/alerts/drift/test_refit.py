"""What is learned of a stream every week: its season, how much it scatters, and from which time."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from drift_world import START, World, flags, segment
from driftline_alerts.drift.baseline import begin_quietly, learn
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.moments import Moments
from driftline_alerts.drift.monitor import DAY, Alarm, Monitor
from driftline_alerts.drift.recovery import Recovery
from driftline_alerts.drift.refit import EVERY, is_due, pause, refit
from driftline_alerts.drift.stream import Part, StreamKey

KEY = StreamKey("error_rate", "", segment("production", "support", "gpt", "answer", "5"))
DAYS = 16
AMPLITUDE = 0.6


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


def many(streams: int) -> tuple[Fleet, list[Part]]:
    """So many equal streams, and what came of them."""
    past = hours(DAYS, AMPLITUDE, n=200)
    keys = [StreamKey("error_rate", "", segment("production", f"feature {number}")) for number in range(streams)]
    every = [replace(part, key=key) for part in past for key in keys]
    fleet = Fleet()
    fleet.apply(every[: 4 * streams])
    return fleet, every


def test_many_streams_are_learned_in_batches_of_which_alone_the_past_is_held() -> None:
    fleet, past = many(103)
    now = past[-1].end.timestamp()
    assert [refit(fleet, iter(past), now) for _ in range(3)] == [100, 3, 0]
    assert all(one.panel[0].offsets is not None for one in fleet.monitors.values())
    # A week later those come first whose turn was first.
    late = next(iter(fleet.monitors.values()))
    late.fitted -= 1
    past = [part for part in past if part.key == late.key]
    later = now + EVERY
    refit(fleet, past, later)
    assert late.fitted == later
    assert sum(is_due(one, later) for one in fleet.monitors.values()) == 3


def test_learning_stops_between_two_streams_and_goes_on_later() -> None:
    fleet, past = many(5)
    now = past[-1].end.timestamp()
    answers = iter([True, True, False])
    assert refit(fleet, past, now, lambda: next(answers)) == 2
    assert refit(fleet, past, now) == 3


@pytest.mark.parametrize(("streams", "hours_between"), [(1, 24), (350, 24), (2000, 4.2)])
def test_all_streams_could_have_two_turns_in_a_week(streams: int, hours_between: float) -> None:
    fleet = Fleet()
    for number in range(streams):
        fleet.add(Monitor(replace(KEY, evaluator=str(number)), False, 0.0, 0.0))
    assert pause(fleet) == pytest.approx(hours_between * 3600)


def test_a_percentile_of_the_baseline_is_of_the_hours_that_were_learned() -> None:
    key = replace(KEY, metric="latency_p95")
    past = [replace(part, key=key, counts={10: 90, 40: 10}) for part in hours(DAYS, 0.0)]
    slow = [replace(part, counts={60: 100}) if 200 <= number < 220 else part for number, part in enumerate(past)]
    fleet = Fleet()
    for part in past[:4]:
        fleet.apply([part])
    (monitor,) = fleet.of(key)
    monitor.bad.append((slow[200].begin.timestamp(), slow[219].end.timestamp()))
    monitor.last = slow[-1].end.timestamp()
    refit(fleet, slow, monitor.last)
    assert monitor.raw == {10: 90 * (DAYS * 24 - 20), 40: 10 * (DAYS * 24 - 20)}


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
        {"restless": START.timestamp() + (DAYS - 0.5) * DAY, "fitted": 1.0},
        {"inherited": 1.0},
    ],
    ids=["too young", "learned yesterday", "something is going on", "measured by its predecessor"],
)
def test_a_stream_is_left_as_it_is_while_it_is(state: dict[str, float]) -> None:
    past = hours(DAYS, AMPLITUDE, n=200)
    assert learned(past, **state).panel[0].offsets is None


@pytest.mark.parametrize("fitted", [0.0, 1.0])
@pytest.mark.parametrize(
    ("bad", "left_out"),
    [
        ([(5 * DAY, 6 * DAY)], 24),
        ([(5.5 * DAY, 5.75 * DAY)], 6),
        ([(5 * DAY, 6 * DAY), (8 * DAY, 9 * DAY)], 48),
        ([(5.5 * DAY, 5.75 * DAY), (8 * DAY, 8.25 * DAY)], 12),
    ],
    ids=["a day", "some hours", "two days", "different hours"],
)
def test_times_with_an_alarm_are_no_part_of_the_baseline(
    bad: list[tuple[float, float]], left_out: int, fitted: float
) -> None:
    past = hours(DAYS, 0.0)
    assert left_out_of(past, bad, fitted) == left_out * 4000


@pytest.mark.parametrize(("fitted", "left_out"), [(0.0, 0), (1.0, 12)])
def test_hours_that_are_bad_every_day_are_a_rhythm_while_none_is_known(fitted: float, left_out: int) -> None:
    past = hours(DAYS, 0.0)
    assert left_out_of(past, [(5.5 * DAY, 5.75 * DAY), (8.5 * DAY, 8.75 * DAY)], fitted) == left_out * 4000


def left_out_of(past: list[Part], bad: list[tuple[float, float]], fitted: float) -> float:
    """Observations that are in no baseline, with alarms at these seconds after the begin."""
    fleet = Fleet()
    for part in past[:4]:
        fleet.apply([part])
    monitor = fleet.of(KEY)[0]
    monitor.bad = [(START.timestamp() + begin, START.timestamp() + end) for begin, end in bad]
    monitor.fitted = fitted
    refit(fleet, past, past[-1].end.timestamp())
    return sum(sum(part.counts.values()) for part in past) - monitor.n


@pytest.mark.parametrize(("rate", "kind"), [(400, "recovered"), (0, "gone")])
def test_the_time_of_an_alarm_is_remembered_as_bad_however_it_ended(rate: float, kind: str) -> None:
    world = World()
    world.stream("error_rate", KEY.segment, flags(0.02), 400)
    world.pass_time(48, step_minutes=60)
    began = world.now.timestamp()
    world.stream("error_rate", KEY.segment, flags(0.25), 400)
    world.pass_time(12, step_minutes=60)
    world.stream("error_rate", KEY.segment, flags(0.02), rate)
    assert [one.kind for one in world.pass_time(30, step_minutes=60)] == [kind]
    ((begin, end),) = world.fleet.of(KEY)[0].bad
    assert begin == pytest.approx(began, abs=3600)
    assert began + 12 * 3600 <= end <= began + 15 * 3600


@pytest.mark.parametrize(("fitted", "is_paged", "is_bad"), [(1.0, False, True), (0.0, True, True), (0.0, False, False)])
def test_alarms_too_small_to_be_told_are_bad_times_once_the_season_is_known(
    fitted: float, is_paged: bool, is_bad: bool
) -> None:
    monitor = alarmed(fitted=fitted, is_paged=is_paged)
    begin_quietly(monitor)
    assert bool(monitor.bad) is is_bad
    assert monitor.alarm is None


def test_bad_times_are_forgotten_once_no_baseline_looks_back_at_them() -> None:
    monitor = alarmed(fitted=1.0, is_paged=True)
    recent, long_past = ((monitor.last - days * DAY, monitor.last - (days - 1) * DAY) for days in (20, 60))
    monitor.bad = [long_past, recent]
    begin_quietly(monitor)
    assert monitor.bad[:-1] == [recent]


WEEK = (DAY, 8 * DAY)
THREE_WEEKS = (DAY, 22 * DAY)


@pytest.mark.parametrize(
    ("chosen", "later", "has_season"),
    [(WEEK, AMPLITUDE, True), (WEEK, 0.0, False), (THREE_WEEKS, 0.0, True)],
    ids=["a week, then a rhythm", "a week, then none", "three weeks with a rhythm, then none"],
)
def test_the_time_that_somebody_chose_stays_the_level_and_gets_season_and_tolerance(
    chosen: tuple[float, float], later: float, *, has_season: bool
) -> None:
    days = int(chosen[1] / DAY)
    past = [*hours(days, AMPLITUDE), *hours(days + 35, later, seed=2)[days * 24 :]]
    monitor = pinned(past, chosen)
    level = monitor.panel[0].detector.mean
    assert monitor.panel[0].detector.tolerance == pytest.approx(math.log1p(0.3)), "as in the first weeks"
    refit_all(monitor, past)
    (question,) = monitor.panel
    assert question.detector.mean == pytest.approx(level), "whatever came later"
    assert monitor.n == (chosen[1] - chosen[0]) / 3600 * 4000
    assert question.offsets is not None
    assert bool(question.offsets[6] > 0.2) is has_season
    assert question.detector.tolerance == pytest.approx(math.log1p(0.05))
    assert question.detector.is_frozen, "what arrives leaves it alone"


@pytest.mark.parametrize("forgotten", [20, 40])
def test_the_level_that_somebody_chose_outlives_what_the_store_knows_by_the_hour(forgotten: int) -> None:
    past = hours(60, AMPLITUDE)
    monitor = pinned(past, WEEK)
    level, n = monitor.panel[0].detector.mean, monitor.n
    refit_all(monitor, past[forgotten * 24 :])
    assert monitor.panel[0].detector.mean == pytest.approx(level)
    assert (monitor.n, monitor.panel[0].offsets is None) == (n, False)
    assert not is_due(monitor, monitor.fitted + EVERY), "nothing better will be known of it"


def pinned(past: list[Part], chosen: tuple[float, float]) -> Monitor:
    """One that has learned from these seconds after the begin of what came."""
    fleet = Fleet()
    for part in past[:4]:
        fleet.apply([part])
    monitor = fleet.of(KEY)[0]
    monitor.last = past[-1].end.timestamp()
    first, end = (START.timestamp() + one for one in chosen)
    counts: Counter[int] = Counter()
    for part in past:
        if first <= part.begin.timestamp() < end:
            counts.update(part.counts)
    assert learn(monitor, counts, first, end)
    return monitor


def refit_all(monitor: Monitor, past: list[Part]) -> None:
    fleet = Fleet()
    fleet.add(monitor)
    assert refit(fleet, past, monitor.last) == 1


def alarmed(*, fitted: float, is_paged: bool) -> Monitor:
    """One that has just opened an alarm."""
    fleet = Fleet()
    for part in hours(1, 0.0)[:4]:
        fleet.apply([part])
    monitor = fleet.of(KEY)[0]
    monitor.fitted = fitted
    levels = monitor.panel[0].transform.levels.values
    before = Moments.of_counts(levels, monitor.panel[0].detector.baseline)
    recovery = Recovery.between(levels, 0.05, 0.06, at=monitor.last)
    monitor.alarm = Alarm(monitor.last, 0, before, recovery, is_paged=is_paged)
    return monitor
