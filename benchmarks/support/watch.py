"""Follows processes from the first span that they stored to the last: time and CPU time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 180.0


class NotRunError(Exception):
    """A way that cannot be measured on this machine; its text is the reason."""


@dataclass
class Result:
    """What one way did.

    Attributes:
        spans: between the first look at which there were some, and the last.
        seconds: between the two.
        cpu: CPU seconds between the two, by part; for the store, until its merges had ended.
        disk: bytes a span, by what they hold, if it is known.
    """

    way: str
    spans: int
    seconds: float
    cpu: dict[str, float]
    disk: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Spans a second of wall time."""
        return self.spans / self.seconds

    @property
    def cost(self) -> float:
        """CPU microseconds a span."""
        return sum(self.cpu.values()) / self.spans * 1e6

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = {name: seconds / self.spans * 1e6 for name, seconds in self.cpu.items()}
        return {
            "way": self.way,
            "spans": self.spans,
            "spans_a_second": self.rate,
            "cpu_us_a_span": self.cost,
            "cpu_us_a_span_by_part": parts,
            "bytes_a_span": self.disk,
        }


def watch(
    way: str,
    count: Callable[[], int],
    total: int,
    parts: Mapping[str, list[psutil.Process]],
    *,
    settle: Callable[[], None] = lambda: None,
) -> Result:
    """Wait until ``total`` spans are stored.

    Args:
        way: for people.
        count: spans in the store.
        total: at which it ends.
        parts: processes whose CPU time counts, their children included.
        settle: waits for what the store does afterwards, which counts as well.

    Raises:
        NotRunError: a process ended, or nothing was stored for three minutes.
    """
    first = _look(count, parts, 0)
    while first.count == 0:
        first = _look(count, parts, first.count, first)
    last = first
    while last.count < total:
        last = _look(count, parts, last.count, last)
    settle()
    spent = _cpu(parts)
    if last.count != total:
        raise NotRunError(f"{last.count} spans are stored where {total} were sent")
    cpu = {name: spent[name] - first.cpu[name] for name in parts}
    return Result(way, last.count - first.count, last.at - first.at, cpu)


@dataclass(frozen=True)
class _Look:
    at: float
    changed: float
    count: int
    cpu: dict[str, float]


def _look(
    count: Callable[[], int], parts: Mapping[str, list[psutil.Process]], before: int, last: _Look | None = None
) -> _Look:
    if last:
        time.sleep(_LOOK_SECONDS)
    for name, processes in parts.items():
        if not all(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
            raise NotRunError(f"{name} ended by itself")
    found, now = count(), time.monotonic()
    changed = now if last is None or found != before else last.changed
    if now - changed > _PATIENCE_SECONDS:
        raise NotRunError(f"nothing was stored for {_PATIENCE_SECONDS:.0f} s, at {found} spans")
    return _Look(now, changed, found, _cpu(parts))


def _cpu(parts: Mapping[str, list[psutil.Process]]) -> dict[str, float]:
    return {name: sum(cpu_seconds(process) for process in processes) for name, processes in parts.items()}


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process and of its children, alive or not."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    ended = process.cpu_times()
    return total + ended.children_user + ended.children_system
