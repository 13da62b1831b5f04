"""A comparison as people read it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from driftline_store.metrics_format import NO_DATA, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.drift.compare import Comparison
    from driftline_cli.compare import Compared, Side
    from driftline_store.monitored import Monitored

_HEADS: Final = ("metric", "n", "A", "B", "B against A", "interval", "effect", "verdict on B")


def print_comparison(a: Side, b: Side, found: Sequence[Compared], *, alpha: float) -> None:
    """A line for each metric, and below what the numbers mean."""
    console = Console(highlight=False, markup=False)
    for letter, side in (("A", a), ("B", b)):
        console.print(f"{letter}: {side.name}, {side.since:%Y-%m-%d %H:%M} to {side.until:%Y-%m-%d %H:%M} UTC")
    table = Table(*_HEADS, box=None)
    for one in found:
        table.add_row(*_row(one))
    console.print(table)
    console.print(
        f"The intervals hold whenever and however often you look: with a probability of {100 * (1 - alpha):.0f} % "
        "all of them at once. Equivalent: the difference is surely too small to matter. Effect: Cohen's d, and the "
        "chance that one of B is above one of A."
    )


def _row(of: Compared) -> list[str]:
    metric, result = of.metric, of.result
    n = f"{result.n_a:,} and {result.n_b:,}"
    value_a, value_b = (format_value(metric.definition, value) for value in (result.a, result.b))
    if result.change is None:
        side = "A" if not result.n_a else "B"
        return [metric.definition.title, n, value_a, value_b, NO_DATA, NO_DATA, NO_DATA, f"no data of {side}"]
    interval = "too little data"
    if result.low is not None and result.high is not None:
        interval = f"{_change(metric, result.low)} to {_change(metric, result.high)}"
    change = _change(metric, result.change)
    return [metric.definition.title, n, value_a, value_b, change, interval, _effect(result), _verdict(of)]


def _change(metric: Monitored, change: float) -> str:
    """Of a percentile as a share of A, of anything else in its unit."""
    if metric.kind == "log":
        return f"{change:+.1%}".replace("%", " %")
    if metric.kind == "flag":
        return f"{change * 100:+.2f} pp"
    return f"{change:+.3f}"


def _effect(result: Comparison) -> str:
    if result.d is None or result.ranks is None:
        return NO_DATA
    return f"d {result.d:+.2f}, P {result.ranks.theta:.3f}"


def _verdict(of: Compared) -> str:
    result = of.result
    if result.verdict != "keep going":
        return result.verdict
    if result.more is None:
        return "keep going: out of reach"
    n = f"keep going: {math.ceil(result.more * min(result.n_a, result.n_b)):,} more of each"
    return n if of.hours is None else f"{n}, some {_duration(of.hours)}"


def _duration(hours: float) -> str:
    if hours < 1.5:
        return f"{math.ceil(hours * 60)} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
