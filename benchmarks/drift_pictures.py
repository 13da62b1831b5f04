"""What docs/drift.md shows: a limit beside the detector, and how long changes take, on made-up streams.

    python benchmarks/drift_pictures.py [--quick] [--json] [--seed N] [--pictures FOLDER]

Delays are those of a stream that may raise 1/1000 of a false alarm a month, after 28 healthy days. A limit is the mean
of the last hour, looked at each minute, and raises an alarm each time it gets below 0.85; the truth is 0.90.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.tails import upper_bound
from support.drift_laws import flags, latencies, scores
from support.drift_month import alarms, judged, last_hour
from support.drift_pictures import LIMIT, draw
from support.drift_waits import LONGEST_DAYS, highest, wait
from support.drift_young import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.drift_laws import Law

Row = dict[str, Any]

_HOURLY: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
_MEASURED: Final = (10, 40, 100)
"""Answers an hour at which healthy months go through the detector too."""
_YOUNG: Final = {"quality": 1 / 1_000, "error_rate": 1 / 100}
_SWINGS: Final = (0.0, 0.10, 0.25, 0.5)
_WARM_UPS: Final = (3_600.0, 86_400.0)
_CHANGES: Final[dict[str, tuple[Law, dict[str, Law], tuple[int, ...]]]] = {
    "quality": (
        scores(0.90),
        {f"0.90 → {to:.2f}": scores(to) for to in (0.88, 0.85, 0.80, 0.70)},
        (240, 1_000, 5_000, 20_000),
    ),
    "error_rate": (
        flags(0.02),
        {f"2 % → {to * 100:g} %": flags(to) for to in (0.03, 0.04, 0.10, 0.20)},
        (1_000, 10_000, 100_000, 1_000_000),
    ),
    "latency_p95": (
        latencies(1.0),
        {f"+{more} %": latencies(1 + more / 100) for more in (10, 20, 50, 100)},
        (1_000, 10_000, 100_000, 1_000_000),
    ),
}
"""Law while healthy, laws after a change by name, and observations a day."""


def limits(seed: int, days: int) -> list[Row]:
    """False alarms a day of a limit on the last hour."""
    found = []
    for per_hour in _HOURLY:
        seen = last_hour(judged(np.random.default_rng((seed, per_hour)), per_hour, [0.90] * days))
        found.append({"per_hour": per_hour, "days": days, "a_day": len(alarms(seen, LIMIT)) / days})
    return found


def healthy(seed: int, months: int) -> Iterator[Row]:
    """Alarms of the detector in healthy months, if the stream might raise one in twenty months, and in a thousand."""
    for per_hour in _MEASURED:
        most = highest("quality", scores(0.90), per_hour, np.random.default_rng((seed, per_hour)), months)
        row: Row = {"per_hour": per_hour, "months": months, "highest": float(most.max())}
        for once_in in (20, 1_000):
            false = int((most >= once_in).sum())
            row |= {f"alarms_at_{once_in}": false, f"at_most_at_{once_in}": upper_bound(false, months)}
        yield row


def rhythms(seed: int, streams: int) -> Iterator[Row]:
    """Pages in the first two weeks, when days and nights are not known."""
    for metric, share in _YOUNG.items():
        for swing, warm_up in itertools.product(_SWINGS, _WARM_UPS):
            random = np.random.default_rng((seed, round(swing * 100)))
            yield pages(metric, swing, share, random, streams=streams, warm_up=warm_up)


def waits(seed: int, runs: int) -> Iterator[Row]:
    """How long changes take to be found, by traffic."""
    for metric, (before, changes, traffics) in _CHANGES.items():
        for per_day in traffics:
            random = np.random.default_rng((seed, per_day))
            found = {name: wait(metric, before, after, per_day, random, runs=runs) for name, after in changes.items()}
            yield {"metric": metric, "per_day": per_day, "found": found}


def table(rows: list[Row]) -> str:
    """Waits as Markdown, a table for each metric."""
    lines = []
    for metric in _CHANGES:
        mine = [row for row in rows if row["metric"] == metric]
        names = list(mine[0]["found"])
        lines += ["", f"| `{metric}`, a day | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for row in mine:
            cells = (f"{_time(one.median)} / {_time(one.p90)}" for one in row["found"].values())
            lines.append(f"| {row['per_day']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _time(days: float) -> str:
    if math.isinf(days):
        return f"over {LONGEST_DAYS:.0f} d"
    hours = days * 24
    if hours < 1:
        return f"{max(round(hours * 60), 1)} min"
    return f"{hours:.2g} h" if hours < 48 else f"{days:.2g} d"


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--seed", type=int, default=7, help="of everything random")
    parser.add_argument("--pictures", type=Path, help="folder to draw into")
    options = parser.parse_args()
    runs = 10 if options.quick else 100
    by_limit = limits(options.seed, 100 if options.quick else 1_000)
    by_detector = list(healthy(options.seed, 10 if options.quick else 200))
    by_detector += rhythms(options.seed, 20 if options.quick else 100)
    found = list(waits(options.seed, runs))
    if options.json:
        for row in (*by_limit, *by_detector, *found):
            print(json.dumps(row))
    else:
        for row in (*by_limit, *by_detector):
            print("  ".join(f"{name} {value}" for name, value in row.items()))
        print(table(found))
    if options.pictures:
        draw(options.pictures, options.seed, runs, by_limit)


if __name__ == "__main__":
    main()
