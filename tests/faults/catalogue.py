"""The faults. Each one hurts something at a random moment and heals it again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline.bus import SPANS_TOPIC
from faults.parts import SESSION_SECONDS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from faults.world import World


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        weight: how often it is chosen beside others.
        happen: hurts and heals.
    """

    name: str
    weight: int
    happen: Callable[[World, random.Random], None]


def _ingest_killed(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        chance.choice(world.members).kill()
        time.sleep(chance.uniform(0, 1))


def _ingest_paused(world: World, chance: random.Random) -> None:
    chance.choice(world.members).pause(SESSION_SECONDS + chance.uniform(0.5, 2))


def _store_killed(world: World, chance: random.Random) -> None:
    with world.store.dead():
        time.sleep(chance.uniform(0, 1))


def _disk_full(world: World, chance: random.Random) -> None:
    with world.store.full():
        time.sleep(chance.uniform(0.5, 2))


def _broker_killed(world: World, chance: random.Random) -> None:
    _kill(world, [chance.choice(list(world.cluster.ports))], chance.uniform(0, 1))


def _leader_killed(world: World, chance: random.Random) -> None:
    with world.brokers:
        leader = world.cluster.leader(SPANS_TOPIC, chance.randrange(2))
    _kill(world, [leader] if leader > 0 else [], chance.uniform(0, 3))


def _all_brokers_killed(world: World, chance: random.Random) -> None:
    _kill(world, list(world.cluster.ports), chance.uniform(0, 1))


def _kill(world: World, nodes: list[int], pause: float) -> None:
    with world.brokers:  # one at a time, as a node must not be started twice
        world.cluster.kill(nodes)
        time.sleep(pause)
        world.cluster.start(nodes)


def _broker_connections_cut(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 6)):
        for proxy in chance.sample(world.broker_proxies, chance.randint(1, 3)):
            proxy.cut()
        time.sleep(chance.uniform(0, 0.5))


def _broker_out_of_reach(world: World, chance: random.Random) -> None:
    for proxy in world.broker_proxies:
        proxy.refuse(True)
    time.sleep(chance.uniform(0.2, 3))
    for proxy in world.broker_proxies:
        proxy.refuse(False)


def _broker_answers_lost(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        for proxy in world.broker_proxies:
            proxy.lose_answers(chance.randint(1, 3))
        time.sleep(chance.uniform(0, 1))


def _store_connections_cut(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 10)):
        world.store_proxy.cut()
        time.sleep(chance.uniform(0, 0.3))


def _store_out_of_reach(world: World, chance: random.Random) -> None:
    world.store_proxy.refuse(True)
    time.sleep(chance.uniform(0.2, 2))
    world.store_proxy.refuse(False)


def _store_answers_lost(world: World, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 5)):
        world.store_proxy.lose_answers(chance.randint(1, 3))
        time.sleep(chance.uniform(0, 0.7))


def _much_poison(world: World, chance: random.Random) -> None:
    world.load.poison_share = chance.choice([0.3, 1.0])
    time.sleep(chance.uniform(0.2, 1))
    world.load.poison_share = 0.02


CATALOGUE = (
    Fault("ingest killed", 6, _ingest_killed),
    Fault("store killed", 4, _store_killed),
    Fault("leader killed", 2, _leader_killed),
    Fault("store's disk full", 4, _disk_full),
    Fault("store's connections cut", 4, _store_connections_cut),
    Fault("store's answers lost", 4, _store_answers_lost),
    Fault("ingest paused beyond its session", 4, _ingest_paused),
    Fault("brokers' connections cut", 4, _broker_connections_cut),
    Fault("brokers' answers lost", 4, _broker_answers_lost),
    Fault("much poison", 3, _much_poison),
    Fault("broker killed", 2, _broker_killed),
    Fault("store out of reach", 3, _store_out_of_reach),
    Fault("brokers out of reach", 3, _broker_out_of_reach),
    Fault("all brokers killed", 1, _all_brokers_killed),
)
"""In the order in which rounds take them as their first one, so that a few rounds have seen most."""
