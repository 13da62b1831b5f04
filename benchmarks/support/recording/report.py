"""What was measured, as tables and as JSON."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from typing import Any

from support.recording.table import EXPORTING, FLOOR

CALLS = {
    "thread_us": "mean",
    "p50_us": "p50",
    "p99_us": "p99",
    "process_us": "CPU",
    "paced_p50_us": "paced p50",
    "paced_p99_us": "paced p99",
}
"""Figures of a round and what stands above them; each has its ratio to the floor's of the same round."""

BARS = (
    ("calling thread, mean", "thread_us", FLOOR, 1.2),
    ("paced, p50", "paced_p50_us", FLOOR, 1.2),
    ("p99", "p99_us", EXPORTING, 1.0),
    ("process CPU", "process_us", EXPORTING, 1.0),
)
"""Driftline's goals: a figure, the row that it is held against, and how many times that it may be."""


@dataclass
class Measured:
    """What one library did.

    Attributes:
        rounds: of ``calls``, import and first call.
        bursts: of ``burst``.
        packages: that pip adds.
        error: why it was not run, or not to the end.
    """

    name: str
    rounds: list[dict[str, float]] = field(default_factory=list)
    bursts: list[dict[str, float]] = field(default_factory=list)
    packages: int = 0
    error: str = ""

    def median(self, figure: str) -> float:
        """Of a figure over the rounds or the bursts in which it was taken."""
        return statistics.median(one[figure] for one in (*self.rounds, *self.bursts) if figure in one)

    def times(self, figure: str, other: Measured) -> float:
        """Median over the rounds of how many times the other's figure of the same round it is."""
        both = zip(self.rounds, other.rounds, strict=False)
        return statistics.median(mine[figure] / its[figure] for mine, its in both)

    @property
    def lost(self) -> int:
        """Calls of a burst whose prompt or answer did not arrive, in the median."""
        return round(statistics.median(one["made"] - min(one["call"], one["done"]) for one in self.bursts))


def show(results: list[Measured], *, exporting: frozenset[str], as_json: bool) -> None:
    """Two tables with a line a library, and how Driftline stands to its goals; or one JSON object a line.

    Args:
        results: in order; the floor among them.
        exporting: names of those whose calls arrive somewhere.
        as_json: instead of tables.
    """
    floor = next(one for one in results if one.name == FLOOR)
    if as_json:
        for one in results:
            print(json.dumps(_as_dict(one, floor, exports=one.name in exporting)))
        return
    run = [one for one in results if not one.error]
    print(f"{'µs a call (times the floor)':<36}" + "".join(f"{title:>14}" for title in CALLS.values()))
    for one in run:
        cells = (f"{one.median(figure):.0f} ({_times(one.times(figure, floor))})" for figure in CALLS)
        print(f"{one.name:<36}" + "".join(f"{cell:>14}" for cell in cells))
    titles = ("lost", "of", "loop, µs", "peak, MB", "import, ms", "first call, ms", "packages")
    print(f"\n{'a burst, and what it takes to begin':<36}" + "".join(f"{title:>{_wide(title)}}" for title in titles))
    for one in run:
        lost = one.lost if one.name in exporting else "–"
        figures = ("made", "loop_us", "peak_growth_mb", "import_ms", "first_call_ms")
        second = (lost, *(f"{one.median(figure):.0f}" for figure in figures), one.packages)
        print(
            f"{one.name:<36}" + "".join(f"{cell:>{_wide(title)}}" for cell, title in zip(second, titles, strict=True))
        )
    for one in results:
        if one.error:
            print(f"{one.name:<36}not run: {one.error}")
    _show_bars(run)


def _show_bars(run: list[Measured]) -> None:
    named = {one.name: one for one in run}
    print()
    for one in run:
        if not one.name.startswith("Driftline"):
            continue
        for title, figure, other, most in BARS:
            if other in named:
                times = one.times(figure, named[other])
                word = "met" if times <= most else "missed"
                print(f"{one.name}: {title} {times:.2f} times that of the {other}; goal {most}: {word}")


def _as_dict(one: Measured, floor: Measured, *, exports: bool) -> dict[str, Any]:
    if one.error:
        return {"library": one.name, "error": one.error}
    found: dict[str, Any] = {"library": one.name, "packages": one.packages, "lost": one.lost if exports else None}
    for figure in CALLS:
        found |= {figure: one.median(figure), f"{figure}_times": one.times(figure, floor)}
    return found | {"rounds": one.rounds, "bursts": one.bursts}


def _times(times: float) -> str:
    return f"{times:.2f}" if times < 10 else f"{times:.0f}"


def _wide(title: str) -> int:
    return max(len(title) + 2, 9)
