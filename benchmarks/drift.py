"""How soon the drift detector finds what got worse, and how often it is wrong, beside what else is used for that.

    pip install -e '.[server,bench]'
    python benchmarks/drift.py [--quick] [--json] [--only ROW ...] [--seed N]

Every row is simulated with the product's own detector at the threshold that it promises: 0.05 false alarms a month,
that is 1/0.05 = 20, not calibrated on anything. Rivals get thresholds that 5 % of simulated healthy months reach. The
oracle knows both laws exactly. Delays are in observations (judged answers, calls), rounded up to the next look.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

try:
    from support import drift_pairs, drift_print, drift_rhythms, drift_speed, drift_volume
    from support.drift_delays import alone, compared
    from support.drift_healthy import calibrated, quiet
    from support.drift_scenarios import BASELINES, SCENARIOS
except ModuleNotFoundError as missing:
    if missing.name not in {"river", "scipy"}:
        raise
    sys.exit(
        f"expected {missing.name}, which Driftline is compared with; get it with: pip install -e '.[server,bench]'"
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How much is simulated.

    Attributes:
        seed: of everything random.
        only: parts of titles; a row is left out if none is in its own or its block's. Empty for all.
        quick: whether it is the short form.
    """

    seed: int
    only: tuple[str, ...]
    quick: bool

    def few(self, full: int, quick: int) -> int:
        """The number for this form."""
        return quick if self.quick else full

    def wants(self, *titles: str) -> bool:
        """Whether a row with one of these titles is asked for."""
        return not self.only or any(part in title for part in self.only for title in titles)

    def rng(self, *of: int) -> np.random.Generator:
        """Chance of its own for each row, so that a row alone is the same as among the others."""
        return np.random.default_rng((self.seed, *of))


def changes(plan: Plan) -> Rows:
    """What must be found, with the oracle and the rivals."""
    wanted = [(at, one) for at, one in enumerate(SCENARIOS) if plan.wants("changes", one.title)]
    for family in dict.fromkeys(one.family for _, one in wanted):
        place = next(at for at, one in enumerate(SCENARIOS) if one.family is family)
        healthy = quiet(family, plan.rng(0, place), months=plan.few(family.months, 20))
        mine = [one for one in SCENARIOS if one.family is family]
        known = calibrated(family, mine, plan.rng(1, place), months=plan.few(60, 20))
        for at, one in wanted:
            if one.family is family:
                yield compared(one, healthy, known, plan.rng(2, at), runs=plan.few(160, 24))


def baselines(plan: Plan) -> Rows:
    """The same change with more or less known of before."""
    for at, one in enumerate(BASELINES):
        if plan.wants("baselines", one.title):
            healthy = quiet(one.family, plan.rng(3, at), months=plan.few(one.family.months, 10))
            yield alone(one, healthy, plan.rng(4, at), runs=plan.few(100, 20))


def dependent(plan: Plan) -> Rows:
    """Healthy months that are not independent."""
    if plan.wants("dependent"):
        yield from drift_rhythms.rows(plan.rng(5), months=plan.few(60, 5))


def pairs(plan: Plan) -> Rows:
    """Two versions compared."""
    if plan.wants("pairs"):
        yield from drift_pairs.rows(plan.quick, plan.seed)


def volume(plan: Plan) -> Rows:
    """Requests a minute."""
    if plan.wants("volume"):
        yield from drift_volume.rows(plan.quick, plan.seed)


def speed(plan: Plan) -> Rows:
    """Updates a second."""
    if plan.wants("speed"):
        yield drift_speed.measured(plan.rng(6), streams=plan.few(10_000, 2_000))


BLOCKS: Final[dict[Callable[[Plan], Rows], Callable[[Sequence[dict[str, Any]]], str]]] = {
    changes: drift_print.changes,
    baselines: drift_print.alone,
    dependent: drift_print.dependent,
    pairs: drift_print.plain,
    volume: drift_print.plain,
    speed: drift_print.plain,
}
"""What is measured, and how it is printed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few months, a seventh of the runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="ROW", help="parts of titles, or " + ", ".join(names())
    )
    parser.add_argument("--seed", type=int, default=7, help="of everything random")
    options = parser.parse_args()
    plan = Plan(options.seed, tuple(options.only), options.quick)
    for block, printed in BLOCKS.items():
        found = []
        for row in block(plan):
            found.append(row)
            if options.json:
                print(json.dumps({"block": block.__name__, **row}), flush=True)
        if found and not options.json:
            print(printed(found), flush=True)


def names() -> list[str]:
    """Of the blocks."""
    return [block.__name__ for block in BLOCKS]


if __name__ == "__main__":
    main()
