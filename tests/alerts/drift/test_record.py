"""What monitors are at is kept for people: what changed and no more, and what each promises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from drift_world import World, flags, scores, segment
from driftline_alerts.drift import record as module
from driftline_alerts.drift.budget import split
from driftline_alerts.drift.contract import Contract
from driftline_alerts.drift.record import Record
from driftline_alerts.drift.standing import Standing, state_of, stream_id
from driftline_alerts.drift.stream import StreamKey

if TYPE_CHECKING:
    from driftline_alerts.drift.monitor import Monitor
    from driftline_store.client import Client

LEAF = segment("production", "support", "gpt", "answer", "5")
KEY = StreamKey("quality", "judge", LEAF, "quality")
LAST = Standing(0.0, "watching", 1000.0, 0.001)


def quality(world: World) -> tuple[Monitor, float]:
    """The leaf's monitor, and its share of the budget."""
    (monitor,) = world.fleet.of(KEY)
    return monitor, split(world.fleet.monitors.values(), world.budget).get((KEY, monitor.falls), 0.0)


def state(world: World) -> str:
    return state_of(*quality(world))


def test_a_monitor_learns_watches_suspects_alarms_and_recovers() -> None:
    world = World(seed=3)
    world.stream("quality", LEAF, scores(0.9), 100)
    seen = []
    for mean, hours in ((0.9, 24), (0.78, 12), (0.9, 24)):
        world.stream("quality", LEAF, scores(mean), 100)
        for _ in range(hours * 3):
            world.pass_time(1 / 3)
            seen.append(state(world))
    order = list(dict.fromkeys(seen))
    assert order == ["learning", "watching", "suspicious", "episode", "recovering"]
    assert seen[-1] == "watching"


def test_a_change_that_is_too_small_for_anybody_is_told_as_such() -> None:
    world = World(seed=3)
    world.stream("error_rate", LEAF, flags(0.02), 40_000)
    world.pass_time(24)
    (monitor,) = world.fleet.of(StreamKey("error_rate", "", LEAF))
    monitor.rule = replace(monitor.rule, least_effect=replace(monitor.rule.least_effect, absolute=0.5))
    world.stream("error_rate", LEAF, flags(0.03), 40_000)
    world.pass_time(3)
    assert state_of(monitor, 0.01) == "small"


@pytest.mark.parametrize(
    ("change", "is_news"),
    [
        ({}, False),
        ({"at": 6 * 3600.0}, True),
        ({"state": "suspicious"}, True),
        ({"n": 1400.0}, False),
        ({"n": 1500.0}, True),
        ({"n": 999.0}, True),
        ({"evidence": 0.009}, False),
        ({"evidence": 0.0124}, False),
        ({"evidence": 0.0126}, True),
    ],
)
def test_news_is_what_has_changed_by_more_than_noise(change: dict[str, Any], is_news: bool) -> None:
    assert replace(LAST, **change).is_news_after(LAST) is is_news


def test_evidence_that_falls_into_the_noise_is_told_once() -> None:
    high, low = replace(LAST, evidence=0.5), replace(LAST, evidence=0.002)
    assert low.is_news_after(high)
    assert not replace(LAST, evidence=0.0001).is_news_after(low)


def test_rows_are_written_when_something_changed_and_promises_one_by_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in ("drift_monitors", "drift_promises"):
        client.command(f"TRUNCATE TABLE {table}")
    monkeypatch.setattr(module, "_PROMISING", 0.0)
    promised = Contract(0.01, 2400.0, 0.05, 0.5, None, 0.0, 1.0, has_season=False, is_paged=True)
    monkeypatch.setattr(module, "contract", lambda *_: promised)
    world = World(seed=3)
    world.stream("quality", LEAF, scores(0.9), 100)
    world.pass_time(24)
    shares = split(world.fleet.monitors.values(), world.budget)
    record, at = Record(), world.now.timestamp()

    def take(later: float) -> tuple[int, int]:
        record.take(client, world.fleet.monitors, shares, at + later)
        counts = "SELECT (SELECT count() FROM drift_monitors), (SELECT count() FROM drift_promises)"
        (row,) = client.query(counts).result_rows
        return row[0], row[1]

    assert take(0) == (4, 1), "all of them, and one promise"
    assert take(59) == (4, 1), "not yet a minute"
    assert take(60) == (4, 2)
    Record().take(client, world.fleet.monitors, shares, at)
    assert client.query("SELECT count(), uniq(stream) FROM drift_promises").result_rows == [(3, 3)]
    world.stream("quality", LEAF, scores(0.5), 100)
    world.pass_time(1)
    rows, _ = take(3600)
    assert rows == 8, "all have changed, and what is written again is the same"
    latest = "SELECT * FROM drift_monitors WHERE stream = {s:String} ORDER BY at DESC LIMIT 1"
    (row,) = client.query(latest, parameters={"s": stream_id(KEY, falls=True)}).named_results()
    assert row["state"] == "episode"
    assert row["level"] == pytest.approx(0.9, abs=0.02)
    assert row["evidence"] >= 1
    assert abs(row["started"].timestamp() - at) <= 1800
    assert row["segment"] == dict(LEAF)
