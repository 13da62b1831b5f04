"""A comparison as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from driftline_alerts.drift.compare_words import change_of, effect, interval, verdict
from driftline_store.metrics_format import NO_DATA, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.drift.compare_sides import Compared, Side

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
    if not any(one.result.n_a and one.result.n_b for one in found):
        console.print(
            "Only one of the two has data since these begins. Of versions that came one after the other say when each "
            "was: --a-from, --a-until and --b-from."
        )
    console.print(
        "The intervals hold however often you look at what came since these begins: with a probability of "
        f"{100 * (1 - alpha):.0f} % all of them at once. Begins that move with the clock, as those of --hours or 7d "
        "do, hold at one look only. Equivalent: the difference is surely too small to matter. Effect: Cohen's d, and "
        "the chance that one of B is above one of A."
    )


def _row(of: Compared) -> list[str]:
    metric, result = of.metric, of.result
    n = f"{result.n_a:,} and {result.n_b:,}"
    value_a, value_b = (format_value(metric.definition, value) for value in (result.a, result.b))
    if result.change is None:
        side = "A" if not result.n_a else "B"
        return [metric.definition.title, n, value_a, value_b, NO_DATA, NO_DATA, NO_DATA, f"no data of {side}"]
    change = change_of(metric, result.change)
    return [metric.definition.title, n, value_a, value_b, change, interval(of), effect(result), verdict(of)]
