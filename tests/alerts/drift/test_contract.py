"""What a monitor promises is what it then does."""

from __future__ import annotations

import copy
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from drift_world import World, flags, scores, segment
from driftline_alerts.drift.baseline import start
from driftline_alerts.drift.contract import contract
from driftline_alerts.drift.detector import update
from driftline_alerts.drift.monitor import DAY, MONTH, Monitor
from driftline_alerts.drift.stream import StreamKey

LEAF = segment("production", "support", "gpt", "answer", "5")
SHARE = 0.05
LATENCY = {key: math.exp(-(((key - 20) / 20) ** 2) / 2) for key in range(-40, 90)}


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.stream("quality", LEAF, scores(0.9), 40)
    world.stream("error_rate", LEAF, flags(0.02), 400)
    world.stream("latency_p95", LEAF, LATENCY, 400)
    world.pass_time(24 * 5, step_minutes=120)
    return world


def monitor_of(world: World, metric: str) -> Monitor:
    judge = ("judge", "quality") if metric == "quality" else ("", "")
    return world.fleet.of(StreamKey(metric, judge[0], LEAF, judge[1]))[0]


def test_most_changes_of_the_size_are_found_within_the_time_it_states(world: World) -> None:
    monitor = monitor_of(world, "quality")
    promised = contract(monitor, SHARE)
    assert promised is not None
    assert promised.days is not None
    rng, found = np.random.default_rng(5), []
    law = scores(1 - monitor.panel[0].detector.mean - promised.size)
    step = 10
    for _ in range(24):
        panel, seen = copy.deepcopy(monitor.panel), 0
        while seen < 20_000:
            drawn = dict(zip(law, rng.multinomial(step, [*law.values()]), strict=True))
            seen += step
            months = np.array([step / monitor.per_day * DAY / MONTH])
            evidence = [update([one.detector], one.transform.counts(drawn)[None], months)[0] for one in panel]
            if np.mean(evidence) * SHARE >= 1:
                break
        found.append(seen / monitor.per_day)
    assert sum(days <= promised.days for days in found) >= 12, (promised.days, sorted(found))
    assert np.median(found) >= promised.days / 3, "a promise that is far too careful is worth little"


@pytest.mark.parametrize("metric", ["quality", "error_rate", "latency_p95"])
def test_fewer_false_alarms_cost_time_and_the_smallest_change_takes_a_week(world: World, metric: str) -> None:
    monitor = monitor_of(world, metric)
    easy, strict = contract(monitor, 0.5), contract(monitor, 0.001)
    assert easy is not None
    assert strict is not None
    assert (easy.days or 0) < (strict.days or math.inf)
    assert easy.smallest is not None
    assert easy.smallest <= (strict.smallest or math.inf)


def test_nothing_is_promised_while_the_baseline_is_learned() -> None:
    monitor = Monitor(StreamKey("error_rate", "", LEAF), falls=False, begun=0.0, last=60.0)
    assert contract(monitor, SHARE) is None


def test_a_promise_leaves_the_monitor_as_it_was(world: World) -> None:
    monitor = monitor_of(world, "error_rate")
    before = copy.deepcopy(monitor.panel[0].detector.capital)
    contract(monitor, SHARE)
    np.testing.assert_array_equal(monitor.panel[0].detector.capital, before)


def watching(metric: str, counts: dict[int, int], *, per_day: float, falls: bool = False, **least: float) -> Monitor:
    """A monitor of four weeks that has just begun to watch."""
    monitor = Monitor(StreamKey(metric, "", LEAF), falls, 0.0, 0.0, raw=Counter(counts))
    monitor.rule = replace(monitor.rule, least_effect=replace(monitor.rule.least_effect, **least))
    start(monitor, 28 * DAY)
    monitor.arrived, monitor.days = 7 * per_day, 7.0
    return monitor


def test_what_is_too_small_to_page_is_not_promised() -> None:
    rare = contract(watching("timeout_rate", {0: 1_399_300, 1: 700}, per_day=100_000), SHARE)
    assert rare is not None
    assert rare.size == pytest.approx(4.0), "0.2 percentage points are four times 0.05 %"
    assert rare.smallest == rare.size
    usual = contract(watching("error_rate", {0: 98_000, 1: 2000}, per_day=100_000), SHARE)
    assert usual is not None
    assert usual.size == 1.0
    assert usual.smallest is not None
    assert usual.smallest < usual.size


def test_the_least_change_that_somebody_chose_is_the_smallest_that_is_promised() -> None:
    judged = {20: 6300, 18: 2500, 16: 800, 10: 400}
    strict = contract(watching("quality", judged, per_day=5000, falls=True, absolute=0.1), SHARE)
    usual = contract(watching("quality", judged, per_day=5000, falls=True), SHARE)
    assert strict is not None
    assert usual is not None
    assert (strict.size, strict.smallest) == (0.1, 0.1)
    assert (usual.size, usual.smallest) == (0.05, 0.02)


def test_a_length_that_falls_pages_from_what_is_left() -> None:
    lengths = dict.fromkeys(range(100, 120), 100)
    shorter = contract(watching("output_length_p50", lengths, per_day=50_000, falls=True, relative=0.5), SHARE)
    assert shorter is not None
    assert shorter.size == pytest.approx(1.0), "half of it is gone where there was once more of what is left"


@pytest.mark.parametrize(
    ("counts", "per_day"),
    [({0: 343, 1: 7}, 10.0), ({0: 1000, 1: 9000}, 5000.0)],
    ids=["too few to call anybody", "nearly all are bad, and a quarter more cannot be"],
)
def test_where_nobody_is_called_nothing_is_stated(counts: dict[int, int], per_day: float) -> None:
    found = contract(watching("error_rate", counts, per_day=per_day), SHARE)
    assert found is not None
    assert (found.is_paged, found.days, found.smallest) == (False, None, None)
