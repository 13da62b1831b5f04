"""CPU time of asking ``driftline.guard()``, beside calling an empty function.

    python benchmarks/guard.py [--quick] [--json]

All rows in this one process, in turns. The state is followed by a thread as in an application: from a file, and in one
row from an endpoint that takes connections and never answers.
"""

from __future__ import annotations

import argparse
import json
import logging
import socket
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import driftline
from driftline.containment import guard as module
from driftline.containment.follower import Follower
from driftline.containment.state import Contained, State, render
from driftline.settings import load
from driftline.testing import InMemoryBus

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 20_000
CONTAINED = Contained("support", "3f9c0a8d1e47", "2026-11-26T10:00:00+00:00", "errors")


def empty(_: str) -> bool:
    """What is compared with."""
    return False


def nanoseconds(function: Callable[[str], bool], feature: str) -> float:
    """CPU time of the calling thread, a call."""
    began = time.thread_time_ns()
    for _ in range(CALLS):
        function(feature)
    return (time.thread_time_ns() - began) / CALLS


@driftline.observe(feature="support")
def in_a_request(function: Callable[[str], bool], feature: str) -> float:
    """The same, while an observed request is under way."""
    return nanoseconds(function, feature)


def following(place: str, *, seen: bool) -> Follower:
    """One whose thread looks; waits until it has seen what is there."""
    settings = load({}, guard=place, guard_seconds=0.05)
    follower = Follower(lambda: settings)
    follower.start()
    while seen and not follower.until:
        time.sleep(0.01)
    return follower


def measure(rounds: int, folder: Path) -> list[dict[str, Any]]:
    """The best of the rounds."""
    driftline.init(bus=InMemoryBus())
    nothing, something = folder / "nothing.json", folder / "something.json"
    nothing.write_text(render(State(datetime.now(UTC))), encoding="utf-8")
    something.write_text(render(State(datetime.now(UTC), (CONTAINED,))), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        calm, alarmed = following(str(nothing), seen=True), following(str(something), seen=True)
        hanging = following(f"http://127.0.0.1:{silent.getsockname()[1]}", seen=False)
        rows: dict[str, tuple[Follower, Callable[..., float], Callable[[str], bool], str]] = {
            "an empty function": (calm, nanoseconds, empty, "support"),
            "guard(), nothing is contained": (calm, nanoseconds, driftline.guard, "support"),
            "guard(), the endpoint hangs": (hanging, nanoseconds, driftline.guard, "support"),
            "guard(), another feature is contained": (alarmed, nanoseconds, driftline.guard, "search"),
            "guard(), contained, outside of a request": (alarmed, nanoseconds, driftline.guard, "support"),
            "guard(), contained, in a request": (alarmed, in_a_request, driftline.guard, "support"),
        }
        best = dict.fromkeys(rows, float("inf"))
        for _ in range(rounds):
            for name, (follower, how, function, feature) in rows.items():
                module._follower = follower  # type: ignore[misc]  # noqa: SLF001 - one process has one
                best[name] = min(best[name], how(function, feature))
    floor = best["an empty function"]
    driftline.shutdown(2)
    return [{"call": name, "ns": round(ns), "ratio": round(ns / floor, 1)} for name, ns in best.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 50")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(rounds=5 if options.quick else 50, folder=Path(folder))
    if not options.json:
        print(f"{'call':42} {'ns':>6} {'times the empty one':>20}")
    for row in found:
        print(json.dumps(row) if options.json else f"{row['call']:42} {row['ns']:6,} {row['ratio']:20.1f}")


if __name__ == "__main__":
    main()
