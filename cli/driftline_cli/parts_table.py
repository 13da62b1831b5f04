"""The parts that run, as one table: what each instance has reported about itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.table import Table

from driftline_processors.reports import ALIVE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline_processors.reports import Instance, Reading

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
        _mean(readings, "bytes", 1e-3, "kB"),
        _mean(readings, "insert_seconds", 1e3, "ms"),
        total("dead_letters"),
        total("retries"),
        total("rebalances"),
        _last_error(readings),
    ]


def _number(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else f"{value * scale:,.1f}"


def _mean(readings: Mapping[str, Reading], metric: str, scale: float, unit: str) -> str:
    """Of the batches of the last minute; of all since the start when there were none."""
    if metric not in readings or not readings["batches"].value:
        return "-"
    found, batches = readings[metric], readings["batches"]
    mean = found.change / batches.change if batches.change else found.value / batches.value
    return f"{mean * scale:,.0f} {unit}"


def _last_error(readings: Mapping[str, Reading]) -> str:
    error = readings.get("last_error")
    if error is None:
        return "none"
    away = max(readings[metric].value for metric in ("store_away_seconds", "bus_away_seconds") if metric in readings)
    when = f"for {away:.0f} s" if away else f"{time.time() - error.value:.0f} s ago"
    return f"{when}: {error.text}"
