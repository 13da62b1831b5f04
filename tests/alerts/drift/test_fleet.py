"""Monitors: when they begin to watch, by whose baseline, and that a restart changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drift_world import START, World, flags, scores, segment
from driftline_alerts.drift import fleet_state
from driftline_alerts.drift.baseline import learn
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.lattice import log_capital
from driftline_alerts.drift.monitor import MONTH
from driftline_alerts.drift.stream import Part, StreamKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_alerts.drift.monitor import Monitor

LEAF = segment("production", "support", "gpt", "answer", "4")
ERRORS = StreamKey("error_rate", "", LEAF)


def part(counts: dict[int, int], hour: float, key: StreamKey = ERRORS) -> Part:
    begin = START + timedelta(hours=hour)
    return Part(key, counts, begin, begin + timedelta(hours=1))


def watching(counts: dict[int, int] | None = None, key: StreamKey = ERRORS) -> Fleet:
    fleet = Fleet(warm_up=7200)
    fleet.apply([part(counts or {0: 970, 1: 30}, 0, key)])
    fleet.apply([part(counts or {0: 970, 1: 30}, 1, key)])
    return fleet


def test_a_stream_is_watched_once_its_baseline_is_large_and_long_enough() -> None:
    fleet = Fleet(warm_up=7200)
    fleet.apply([part({0: 5000}, 0)])
    assert not fleet.of(ERRORS)[0].panel, "an hour is not two"
    fleet.apply([part({0: 5000}, 1)])
    assert fleet.of(ERRORS)[0].panel
    few = Fleet(warm_up=0)
    few.apply([part({0: 299}, 0)])
    assert not few.of(ERRORS)[0].panel, "299 observations are not 300"
    few.apply([part({0: 1}, 1)])
    assert few.of(ERRORS)[0].panel


def test_what_completes_the_baseline_is_no_evidence_against_it() -> None:
    assert watching().of(ERRORS)[0].suspicion == 0.0


def test_evidence_grows_with_harm_and_with_nothing_by_no_more_than_time_passed() -> None:
    worse, same = watching(), watching()
    worse.apply([part({0: 800, 1: 200}, 2)])
    same.apply([part({0: 970, 1: 30}, 2)])
    assert worse.of(ERRORS)[0].suspicion > 1 > same.of(ERRORS)[0].suspicion
    silent = watching()
    silent.apply([part({}, 2)])
    assert 0 < silent.of(ERRORS)[0].suspicion <= 3600 / MONTH * 1.01


def test_both_directions_of_a_length_are_harm() -> None:
    key = replace(ERRORS, metric="output_length_p50")
    fleet = watching({100: 500, 110: 500}, key)
    fleet.apply([part({60: 500, 70: 500}, 2, key)])
    rises, falls = fleet.of(key)
    assert (rises.falls, falls.falls) == (False, True)
    assert falls.suspicion > 1000
    assert rises.suspicion < 1


def test_volumes_are_not_tested_as_shares_are() -> None:
    fleet = Fleet()
    fleet.apply([part({0: 5000}, 0, StreamKey("requests", "", LEAF[:1]))])
    assert not fleet.monitors


def test_a_new_version_is_measured_by_the_baseline_of_the_one_before_it() -> None:
    fleet = watching()
    new = replace(ERRORS, segment=segment("production", "support", "gpt", "answer", "5"))
    fleet.apply([part({0: 400, 1: 100}, 2, new)])
    monitor = fleet.of(new)[0]
    assert monitor.panel, "it needs no baseline of its own to be measured"
    assert monitor.suspicion > 1
    assert monitor.panel[0].detector.n == fleet.of(ERRORS)[0].panel[0].detector.n, "its data are no part of it"


@pytest.mark.parametrize("other", ["production", "search", "summary"])
def test_another_prompt_or_feature_has_a_baseline_of_its_own(other: str) -> None:
    fleet = watching()
    place = {"production": 0, "search": 1, "summary": 3}[other]
    values = ["production", "support", "gpt", "answer", "4"]
    values[place] = "staging" if other == "production" else other
    new = replace(ERRORS, segment=segment(*values))
    fleet.apply([part({0: 450, 1: 50}, 2, new)])
    assert not fleet.of(new)[0].panel


def test_a_new_version_counts_in_its_baseline_after_two_days() -> None:
    fleet = watching()
    new = replace(ERRORS, segment=segment("production", "support", "gpt", "answer", "5"))
    fleet.apply([part({0: 485, 1: 15}, 2, new)])
    before = fleet.of(new)[0].panel[0].detector.n
    fleet.apply([part({0: 485, 1: 15}, 60, new)])
    fleet.apply([part({0: 485, 1: 15}, 61, new)])
    assert fleet.of(new)[0].inherited == 0.0
    assert fleet.of(new)[0].n > before


def test_a_known_event_lets_a_change_be_found_with_less_evidence() -> None:
    with_event, without = watching(), watching()
    with_event.of(ERRORS)[0].expect_change(START.timestamp())
    for fleet in (with_event, without):
        fleet.apply([part({0: 900, 1: 100}, 2)])
    assert with_event.of(ERRORS)[0].suspicion > 5 * without.of(ERRORS)[0].suspicion


def _spent(monitor: Monitor, events: Iterable[float], days: int) -> list[float]:
    """Months of the budget in each hour, with events at some days."""
    begin = monitor.last
    at_hours = [round(24 * day) for day in events]
    spent = []
    for hour in range(24 * days):
        at = begin + hour * 3600
        for _ in range(at_hours.count(hour)):
            monitor.expect_change(at)
        spent.append(monitor.months(at + 3600))
        monitor.last, monitor.bonus = at + 3600, 0.0
    return spent


@pytest.mark.parametrize("events", [range(90), [*range(0, 90, 2)], [30 + number / 24 for number in range(60)]])
def test_events_and_clock_together_spend_half_as_much_again_at_most_in_any_30_days(events: Iterable[float]) -> None:
    spent = np.cumsum([0.0, *_spent(watching().of(ERRORS)[0], events, 90)])
    assert max(spent[24 * 30 :] - spent[: -24 * 30]) <= 1.5 + 1e-9
    assert spent[-1] <= 90 / 30 + 0.5 + 1e-9, "in the long run nothing is added"


def test_an_event_of_long_ago_costs_nothing_any_more() -> None:
    assert sum(_spent(watching().of(ERRORS)[0], [0], 60)) == pytest.approx(60 / 30, abs=1e-3)


def test_a_release_that_is_noticed_in_every_feature_is_one_change() -> None:
    monitor = watching().of(ERRORS)[0]
    for number in range(24):
        monitor.expect_change(START.timestamp() + 20 * number)
    assert monitor.bonus == pytest.approx(1 / 30)
    monitor.expect_change(START.timestamp() + 3600)
    assert monitor.bonus == pytest.approx(2 / 30)


def test_a_stream_that_learns_keeps_no_head_start() -> None:
    fleet = Fleet(warm_up=7200)
    fleet.apply([part({0: 970, 1: 30}, 0)])
    for hour in range(12):
        fleet.of(ERRORS)[0].expect_change(START.timestamp() + hour * 3600)
    fleet.apply([part({0: 970, 1: 30}, 1)])
    monitor = fleet.of(ERRORS)[0]
    assert monitor.panel
    assert (monitor.bonus, monitor.events) == (0.0, [])


def test_a_new_version_has_its_own_head_start_for_what_its_predecessor_was_told_of() -> None:
    fleet = watching()
    at = START + timedelta(hours=2)
    fleet.of(ERRORS)[0].expect_change(at.timestamp() - 60)
    new = replace(ERRORS, segment=segment("production", "support", "gpt", "answer", "5"))
    fleet.apply([part({0: 97, 1: 3}, 2, new)])
    assert fleet.of(new)[0].inherited
    assert fleet.of(new)[0].events == [at.timestamp()]


def test_a_much_larger_baseline_gets_a_finer_lattice_once_all_is_quiet() -> None:
    fleet = watching()
    step = fleet.of(ERRORS)[0].panel[0].detector.lattice.step
    for hour in range(2, 60):
        fleet.apply([part({0: 970, 1: 30}, hour)])
    detector = fleet.of(ERRORS)[0].panel[0].detector
    assert detector.lattice.step < step
    again = log_capital(detector.baseline, detector.levels.values, detector.lattice.means(), detector.lattice.bets)
    np.testing.assert_allclose(detector.log_capital, again, rtol=1e-9, atol=1e-9)


def test_a_restart_goes_on_exactly() -> None:
    world = World(seed=4)
    world.stream("quality", LEAF, scores(0.9), 400)
    world.stream("error_rate", LEAF, flags(0.02), 4000)
    world.stream("latency_p95", LEAF, {20: 0.5, 30: 0.4, 60: 0.1}, 4000)
    world.pass_time(24)
    world.stream("error_rate", LEAF, flags(0.08), 4000)
    world.pass_time(3)
    assert any(one.alarm for one in world.fleet.monitors.values()), "alarms are part of what is kept"
    restored = fleet_state.load(fleet_state.dump(world.fleet))
    assert fleet_state.dump(restored) == fleet_state.dump(world.fleet)
    counts = {"quality": {20: 9, 18: 3}, "error_rate": {0: 90, 1: 10}, "latency_p95": {20: 5, 60: 9}}
    more = [Part(key, counts[key.metric], world.now, world.now) for key, _ in world.fleet.monitors]
    assert [one.suspicion for one in restored.apply(more)] == [one.suspicion for one in world.fleet.apply(more)]


def test_a_time_that_somebody_chose_is_normal_and_stays_it() -> None:
    fleet = watching()
    monitor = fleet.of(ERRORS)[0]
    assert not learn(monitor, {0: 290, 1: 9}, START.timestamp(), monitor.last), "too little to be a baseline"
    assert monitor.n == 2000
    assert learn(monitor, {0: 900, 1: 100}, START.timestamp(), monitor.last)
    assert monitor.panel[0].detector.mean == 0.1
    for hour in range(2, 60):
        fleet.apply([part({0: 980, 1: 20}, hour)])
    assert (monitor.n, monitor.panel[0].detector.mean) == (1000, 0.1), "what comes later is no part of it"
    restored = fleet_state.load(fleet_state.dump(fleet)).of(ERRORS)[0]
    assert restored.pinned == monitor.pinned > 0


def test_states_of_before_the_end_of_a_chosen_time_was_kept_load() -> None:
    monitor = watching().of(ERRORS)[0]
    head = fleet_state._head(monitor)
    del head["pinned"]
    assert fleet_state._monitor({**head, "is_pinned": True}).pinned == monitor.begun
    assert fleet_state._monitor({**head, "is_pinned": False}).pinned == 0


def test_what_has_long_not_come_is_forgotten_and_no_predecessor_any_more() -> None:
    fleet = watching()
    old = fleet.of(ERRORS)[0]
    fleet.forget(old.last)
    assert fleet.of(ERRORS) == [old]
    fleet.forget(old.last + 1)
    assert not fleet.monitors
    new = replace(ERRORS, segment=(*LEAF[:4], ("prompt_version", "new")))
    fleet.apply([part({0: 450, 1: 50}, 2, new)])
    assert not fleet.of(new)[0].panel


def test_a_feature_is_no_predecessor_of_its_new_model() -> None:
    feature = replace(ERRORS, segment=LEAF[:2])
    fleet = watching(key=feature)
    new = replace(ERRORS, segment=(*LEAF[:2], ("model", "other")))
    fleet.apply([part({0: 450, 1: 50}, 2, new)])
    assert not fleet.of(new)[0].panel
