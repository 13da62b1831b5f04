"""Rounds of faults under load, each followed by a comparison of what was acknowledged with what is stored."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faults import compare
from faults.catalogue import CATALOGUE
from faults.load import Load
from faults.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from faults.catalogue import Fault

SETTLE_SECONDS = 120.0
_SPREAD_SECONDS = 2.0


@dataclass
class Report:
    """What all rounds together came to."""

    rounds: int = 0
    spans: int = 0
    poison: int = 0
    unknown: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    exits: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        happened = ", ".join(f"{count} {name}" for name, count in self.faults.most_common())
        return (
            f"{self.rounds} rounds, {self.spans:,} spans and {self.poison:,} poisoned messages acknowledged "
            f"(and {self.unknown:,} spans without an answer); {happened}"
        )


@dataclass(frozen=True)
class Planned:
    """A fault, and the seconds into its round at which it happens."""

    fault: Fault
    after: float
    seed: int


def plan(name: str, number: int, catalogue: Sequence[Fault], extra: int) -> list[Planned]:
    """The faults of a round: always the same for the same name of a round, which has the seed in it."""
    chance = random.Random(name)
    chosen = [catalogue[number % len(catalogue)]]
    chosen += chance.choices(catalogue, [fault.weight for fault in catalogue], k=chance.randint(1, extra))
    return [Planned(fault, chance.uniform(0, _SPREAD_SECONDS), chance.randrange(2**32)) for fault in chosen]


def run(folder: Path, *, seed: int, numbers: Sequence[int], extra: int = 3, until: float = float("inf")) -> Report:
    """Run rounds until they are through, one fails, or the time is over.

    Args:
        folder: for data and logs.
        seed: of all chance.
        numbers: of the rounds.
        extra: most faults of a round beside its first one.
        until: no round begins after this time of the monotonic clock.
    """
    report, first = Report(), 1
    world = World(folder)
    with contextlib.closing(world):
        catalogue: Sequence[Fault] = CATALOGUE
        if not world.store.is_small:
            print("no file system can be mounted here (that takes root), so no round fills the store's disk")
            catalogue = tuple(fault for fault in CATALOGUE if fault.name != "store's disk full")
        assert world.wait_until_read(SETTLE_SECONDS)
        for number in numbers:
            if time.monotonic() > until or report.wrong:
                break
            name = f"{seed}/{number}"
            planned = plan(name, number, catalogue, extra)
            print(f"round {number}: {', '.join(one.fault.name for one in planned)}", end=" … ", flush=True)
            first = _round(world, report, planned, name, first)
        world.failed = bool(report.wrong)
        report.exits = [one for member in world.members for one in member.exits]
    return report


def _round(world: World, report: Report, planned: list[Planned], name: str, first: int) -> int:
    """One round; gives the number of the next round's first span."""
    began = time.monotonic()
    with contextlib.closing(world.client()) as client:
        since = compare.now(client)
    with Load(world.producer, first, random.Random(f"{name}/load")) as load:
        world.load = load
        failures = [] if load.wait_for_one(SETTLE_SECONDS) else ["the bus takes nothing"]
        threads = [threading.Thread(target=_happen, args=(world, one, failures)) for one in planned]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)
            for member in world.members:
                if not member.lock.locked():
                    member.keep_running()
    report.wrong += failures
    if not world.wait_until_read(SETTLE_SECONDS):
        report.wrong.append(f"ingest has not finished what is on the bus within {SETTLE_SECONDS:.0f} s")
    with contextlib.closing(world.client()) as client:
        report.wrong += compare.differences(client, load.sent, first=first, since=since)
    report.rounds += 1
    report.spans += len(load.sent.acknowledged)
    report.poison += len(load.sent.poison)
    report.unknown += len(load.sent.unknown)
    report.faults.update(one.fault.name for one in planned)
    print(f"{len(load.sent.acknowledged)} spans, {time.monotonic() - began:.1f} s", flush=True)
    return load.next


def _happen(world: World, planned: Planned, failures: list[str]) -> None:
    time.sleep(planned.after)
    try:
        planned.fault.happen(world, random.Random(planned.seed))
    except Exception as error:  # noqa: BLE001 - a fault that could not be made is a fault of the harness, and is told
        failures.append(f"the fault {planned.fault.name!r} could not be made: {type(error).__name__}: {error}")
