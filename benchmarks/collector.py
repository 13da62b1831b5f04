"""What recording costs an application, beside the bare OpenTelemetry SDK and other libraries.

    python benchmarks/collector.py [--quick] [--json] [--install] [--peers DIR] [--only NAME …]

Every library records the same function, in processes of its own that take turns, and sends to a sink in yet another
process. docs/benchmarks.md says what each figure means.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from support.recording import install
from support.recording.plan import FULL, QUICK, Plan
from support.recording.report import Measured, show
from support.recording.run import import_ms, perform, running_sink
from support.recording.table import FLOOR, LIBRARIES, Library
from support.watch import NotRunError

if TYPE_CHECKING:
    from support.recording.run import Sink

ROOT = Path(__file__).parents[1]
PEERS = Path("~/.cache/driftline/peers")


def main() -> None:
    """Measure and print."""
    options = arguments()
    plan = QUICK if options.quick else FULL
    wanted = [word.lower() for word in options.only or [""]]
    chosen = [one for one in LIBRARIES if one.name == FLOOR or any(word in one.name.lower() for word in wanted)]
    results = {one.name: Measured(one.name) for one in chosen}
    places = {one.name: prepared(one, results[one.name], options) for one in chosen}
    if not options.json:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        print(f"{cores} cores, of which the sink takes one; {plan.rounds} rounds, a burst of {plan.burst:,} calls\n")
    with running_sink() as sink:
        for number in range(plan.rounds):
            # Back and forth, so that what changes slowly on the machine falls on all alike.
            for one in chosen if number % 2 == 0 else reversed(chosen):
                if not results[one.name].error:
                    take_turn(one, places[one.name], sink, plan, results[one.name])
    exporting = frozenset(one.name for one in chosen if one.exports)
    show(list(results.values()), exporting=exporting, as_json=options.json)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, a burst of a tenth")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the figures of every round")
    parser.add_argument("--install", action="store_true", help="install other libraries that are missing")
    parser.add_argument("--peers", type=Path, default=PEERS, help=f"folder of their environments, instead of {PEERS}")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those with such a word in their name, and the floor")
    return parser.parse_args()


def prepared(library: Library, result: Measured, options: argparse.Namespace) -> install.Place:
    """The Python that has the library, if there is one; its packages, or why there is none, go into the result."""
    place = install.Place("", 0)
    try:
        if not library.folder:
            place = install.here(library.requirements)
        else:
            find = install.install if options.install else install.found
            place = find(options.peers.expanduser() / library.folder, library.requirements)
        result.packages = place.packages
        if options.install and library.requirements == ("driftline",):
            result.packages = install.count_in_new((str(ROOT),))
    except NotRunError as error:
        result.error = str(error)
    return place


def take_turn(library: Library, place: install.Place, sink: Sink, plan: Plan, result: Measured) -> None:
    """One round of a library; what goes wrong ends its turns."""
    try:
        found = perform(library, place, sink, "calls", plan)
        found |= {"first_call_ms": perform(library, place, sink, "first", plan)["first_call_ms"]}
        result.rounds.append(found | {"import_ms": import_ms(library, place)})
        slow = any(one["loop_us"] * one["made"] / 1e6 > plan.burst_seconds / 8 for one in result.bursts)
        if len(result.bursts) < plan.bursts and not slow:
            result.bursts.append(perform(library, place, sink, "burst", plan))
    except NotRunError as error:
        result.error = str(error)


if __name__ == "__main__":
    main()
