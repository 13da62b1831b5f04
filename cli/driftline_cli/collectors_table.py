"""The collectors inside of applications, as one table: what they sent, and whether it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

if TYPE_CHECKING:
    from driftline_store.collectors import Sent

NOTHING: Final = "No application's collector has reported in the last hour."

_COLUMNS: Final = (
    *("service", "environment", "processes", "spans sent", "stored", "coverage"),
    *("feedback sent", "dropped", "in memory", "on disk"),
)


def collectors_table(found: list[Sent]) -> Table:
    """One row for each service and environment; what the columns mean stands in docs/operations.md."""
    table = Table(*_COLUMNS, box=None)
    for one in found:
        numbers = (one.events, one.dropped, one.queued, one.spooled)
        table.add_row(
            one.service or "-",
            one.environment or "-",
            *(f"{number:,}" for number in (one.instances, one.emitted, one.stored)),
            "-" if one.coverage is None else _percent(one.coverage),
            *(f"{number:,}" for number in numbers),
        )
    return table


def _percent(share: float) -> str:
    """Two digits behind the point, and never 100 while anything is missing."""
    return f"{(min(share, 0.9999) if share < 1 else share) * 100:.2f} %"
