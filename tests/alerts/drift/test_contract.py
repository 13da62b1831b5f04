"""What a monitor promises is what it then does."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from drift_world import World, flags, scores, segment
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
