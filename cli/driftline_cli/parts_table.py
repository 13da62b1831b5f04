"""The parts that run, as one table: what each instance has reported about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from driftline_processors.reports import ALIVE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline_processors.reports import Instance, Reading, Trouble

NOTHING = (
    f"No part has reported in the last {ALIVE_SECONDS} seconds: driftline ingest does not run, or it cannot reach "
    "the store."
)

_COLUMNS = (
    "part", "process", "seen", "topic", "partitions", "lag", "messages/s", "MB/s", "batch", "insert", "dead letters",
    "retries", "rebalances", "last error",
)  # fmt: skip


def parts_table(instances: Sequence[Instance]) -> Table:
    """One row for each instance and topic; what the columns mean stands in docs/operations.md."""
    table = Table(*_COLUMNS, box=None)
    for instance in instances:
        for topic, readings in instance.topics.items():
            table.add_row(*_row(instance, topic, readings))
    return table


def _row(instance: Instance, topic: str, readings: Mapping[str, Reading]) -> list[str]:
    def total(metric: str) -> str:
        return f"{readings[metric].value:,.0f}" if metric in readings else "-"

    return [
        instance.part,
        f"{instance.host}:{instance.pid}",
        f"{instance.age:.0f} s ago",
        topic or "-",
        total("partitions"),
        total("lag"),
        _number(instance.rate(topic, "messages")),
        _number(instance.rate(topic, "bytes"), 1e-6),
        _number(instance.mean(topic, "bytes"), 1e-3, "{:,.0f} kB"),
        _number(instance.mean(topic, "insert_seconds"), 1e3, "{:,.0f} ms"),
        total("dead_letters"),
        total("retries"),
        total("rebalances"),
        _last_error(instance.trouble(topic)),
    ]


def _number(value: float | None, scale: float = 1.0, form: str = "{:,.1f}") -> str:
    return "-" if value is None else form.format(value * scale)


def _last_error(trouble: Trouble | None) -> str:
    if trouble is None:
        return "none"
    when = f"for {trouble.lasts:.0f} s" if trouble.lasts else f"{trouble.ago:.0f} s ago"
    return f"{when}: {trouble.text}"
