"""Time of one round of the alert rules: 1,000 rules over 100 segments, from the sums of a month.

    python benchmarks/rules.py [--quick] [--json]

An embedded store in a process of its own, asked over HTTP as the alert worker does. It holds what 10 million spans in
200 segments leave in 30 days; every rule looks at 100 segments. CPU time is that of both processes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from driftline_alerts.evaluate import Outcome, evaluate
from driftline_alerts.rule import Rule, build
from driftline_store.metrics import METRICS
from driftline_store.migrate import migrate
from support.processes import running_store, settle
from support.rollups import fill, recent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_store.client import Client

RULES, SEGMENTS = 1_000, 100
SPANS: Final = 10_000_000
ROUNDS, QUICK_ROUNDS = 9, 3
ALONE: Final = 50
"""Rules that are evaluated one by one too; all of them would take minutes."""

_WINDOWS: Final = ("15m", "1h", "24h", "7d")
_SPLITS: Final[tuple[dict[str, Any], ...]] = (
    {"group_by": ["feature", "prompt_version"]},
    {"group_by": ["service", "feature", "prompt_version"]},
    {"group_by": ["feature", "prompt_version"], "where": {"model": "model-0"}},
    {"group_by": ["feature", "prompt_version"], "where": {"model": "model-1"}},
)
"""Each has 100 segments."""
_LIMITS: Final[tuple[dict[str, Any], ...]] = (
    {"above": 0.5},
    {"above": 0.5, "critical": 0.8, "recover": 0.3},
    {"above": "2x", "baseline": "24h"},
    {"above": "2x", "baseline": "last week"},
    {"above": "2x", "baseline": "other version"},
)


def rules() -> list[Rule]:
    """Of every metric, in turn over all windows, splits and kinds of limits."""
    metrics = itertools.cycle(METRICS.values())
    kinds = itertools.cycle(itertools.product(_LIMITS, _SPLITS, _WINDOWS))
    found = []
    for number, metric, (limit, split, window) in zip(range(RULES), metrics, kinds, strict=False):
        compares = "baseline" in limit and metric.over_time == "ratio"
        raw = {"name": f"rule {number}", "metric": metric.name, "window": window, **split}
        found.append(build(raw | (limit if compares or "baseline" not in limit else _LIMITS[0])))
    return found


class Stopwatch:
    """CPU time of this process and the store's, time by the clock, and statements."""

    def __init__(self, client: Client, store: psutil.Process) -> None:
        self._processes = (psutil.Process(), store)
        self._client = client
        self.statements = 0
        query = client.query

        def counted(*arguments: Any, **named: Any) -> Any:
            self.statements += 1
            return query(*arguments, **named)

        client.query = counted  # type: ignore[method-assign]

    def measure(self, asked: Sequence[Rule], now: datetime) -> tuple[dict[str, float], list[Outcome]]:
        """One round."""
        self.statements = 0
        cpu, clock = self._cpu(), time.perf_counter()
        outcomes = evaluate(self._client, asked, now)
        seconds = [after - before for before, after in zip(cpu, self._cpu(), strict=True)]
        return {
            "cpu": sum(seconds),
            "worker_cpu": seconds[0],
            "store_cpu": seconds[1],
            "clock": time.perf_counter() - clock,
            "statements": self.statements,
        }, outcomes

    def _cpu(self) -> list[float]:
        return [sum(process.cpu_times()[:2]) for process in self._processes]


def measure(watch: Stopwatch, now: datetime, rounds: int) -> dict[str, Any]:
    """All rules together, and in the same rounds some of them one by one."""
    every = rules()
    some = every[:: RULES // ALONE]
    together, alone = [], []
    for _ in range(rounds + 1):
        found, outcomes = watch.measure(every, now)
        together.append(found)
        one_by_one = [watch.measure([one], now)[0] for one in some]
        alone.append({name: sum(one[name] for one in one_by_one) / len(some) for name in found})
    # The first round reads from the disk and compiles.
    middle = {name: statistics.median(one[name] for one in together[1:]) for name in together[0]}
    each = {name: statistics.median(one[name] for one in alone[1:]) for name in alone[0]}
    verdicts = {
        kind: sum(one.verdict.value == kind for one in outcomes) for kind in ("breach", "ok", "hold", "no data")
    }
    return {
        "rules": len(every),
        "outcomes": len(outcomes),
        "verdicts": verdicts,
        "together": middle,
        "worst": {name: max(one[name] for one in together[1:]) for name in middle},
        "alone": {name: value * len(every) for name, value in each.items()},
        "ratio": each["cpu"] * len(every) / middle["cpu"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    now = recent()
    with tempfile.TemporaryDirectory() as name, running_store(Path(name)) as (store, client):
        migrate(client)
        fill(client, SPANS, now, all_minutes=False)
        settle(client)
        found = measure(Stopwatch(client, store), now, QUICK_ROUNDS if options.quick else ROUNDS)
    print(json.dumps(found) if options.json else text(found))


def text(found: dict[str, Any]) -> str:
    """A table."""
    verdicts = ", ".join(f"{n:,} {kind}" for kind, n in found["verdicts"].items())
    lines = [
        f"{found['rules']:,} rules, {found['outcomes']:,} verdicts: {verdicts}",
        "",
        f"{'s of':<36}{'CPU':>8}{'worker':>8}{'store':>8}{'clock':>8}{'statements':>12}",
    ]
    for title, key in (
        ("all rules", "together"),
        ("the slowest round", "worst"),
        ("one by one (of 50, times 20)", "alone"),
    ):
        one = found[key]
        cells = "".join(f"{one[name]:>8.2f}" for name in ("cpu", "worker_cpu", "store_cpu", "clock"))
        lines.append(f"{title:<36}{cells}{one['statements']:>12,.0f}")
    return "\n".join([*lines, "", f"one by one takes {found['ratio']:.0f} times the CPU time"])


if __name__ == "__main__":
    main()
