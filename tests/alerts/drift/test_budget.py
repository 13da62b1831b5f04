"""The project's budget of false pages, and who may be named beside an alarm."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_world import World, flags, segment
from driftline_alerts.drift.budget import FALSE_LISTINGS, VOLUMES_SHARE, listed, split
from driftline_alerts.drift.stream import StreamKey


def watching(*leaves: tuple[str, ...]) -> World:
    world = World()
    for leaf in leaves:
        world.stream("error_rate", segment(*leaf), flags(0.02), 4000)
    world.pass_time(2)
    return world


def test_all_streams_together_have_the_budget_and_no_more() -> None:
    world = watching(("p", "a", "m", "x", "1"), ("p", "b", "m", "x", "1"), ("p", "b", "n", "x", "1"))
    shares = split(world.fleet.monitors.values(), 2.0)
    assert math.isclose(sum(shares.values()), 2.0 * (1 - VOLUMES_SHARE)), "the rest is that of volumes"
    assert len(shares) == len(world.fleet.monitors)
    by_size = {size: sum(share for (key, _), share in shares.items() if len(key.segment) == size) for size in (1, 5)}
    assert by_size[1] == pytest.approx(0.36), "a fifth is that of all environments"
    assert by_size[5] == pytest.approx(0.9), "half is the finest segments'"


def test_a_stream_that_learns_its_baseline_has_no_share() -> None:
    world = watching(("p", "a", "m", "x", "1"))
    world.stream("timeout_rate", segment("p", "a", "m", "x", "1"), flags(0.02), 40)
    world.pass_time(1)
    assert not [key for key, _ in split(world.fleet.monitors.values(), 1.0) if key.metric == "timeout_rate"]


KEYS = [(StreamKey("error_rate", "", (("environment", str(number)),)), False) for number in range(20)]


@given(st.lists(st.floats(0, 1e6), min_size=20, max_size=20), st.lists(st.floats(0.01, 1), min_size=20, max_size=20))
def test_listed_streams_have_evidence_for_the_share_of_false_ones_that_is_promised(
    suspicions: list[float], shares: list[float]
) -> None:
    of_each, weights = dict(zip(KEYS, suspicions, strict=True)), dict(zip(KEYS, shares, strict=True))
    found = listed(of_each, weights)
    whole = sum(shares)
    for name in found:
        assert of_each[name] * weights[name] / whole >= 1 / (FALSE_LISTINGS * len(found)) * (1 - 1e-9)


def test_what_moves_with_many_others_needs_less_evidence_to_be_listed() -> None:
    shares = dict.fromkeys(KEYS, 0.05)
    alone = dict.fromkeys(KEYS, 0.0) | {KEYS[0]: 30.0}
    together = dict.fromkeys(KEYS, 30.0)
    assert listed(alone, shares) == set()
    assert listed(together, shares) == set(KEYS)
