"""The steps of a trace as nested bars over its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from driftline_dashboard.traces.trace_data import Step

_NARROWEST: Final = 0.4
"""Percent of the whole that a bar has at least, so that it is seen."""


@dataclass(frozen=True)
class Bar:
    """A step's place in the picture.

    Attributes:
        depth: how many steps it is within.
        offset: seconds from the begin of the trace.
        left: where it begins, in percent of the trace's time.
        width: likewise, how long it takes.
    """

    step: Step
    depth: int
    offset: float
    left: float
    width: float


def bars(steps: Sequence[Step]) -> list[Bar]:
    """The steps, each below the one that it is within and those by their begin.

    A step whose parent is not there begins a line of its own, and so does one whose parents go in a circle.
    """
    if not steps:
        return []
    begin = min(step.start for step in steps)
    whole = max(_offset(begin, step) + step.duration for step in steps) or 1.0
    return [_bar(step, depth, _offset(begin, step), whole) for step, depth in _nested(steps)]


def _bar(step: Step, depth: int, offset: float, whole: float) -> Bar:
    width = max(100 * step.duration / whole, _NARROWEST)
    return Bar(step, depth, offset, min(100 * offset / whole, 100 - min(width, 100)), min(width, 100))


def _offset(begin: datetime, step: Step) -> float:
    return (step.start - begin).total_seconds()


def _nested(steps: Sequence[Step]) -> Iterator[tuple[Step, int]]:
    ids = {step.span_id for step in steps}
    within: dict[str, list[Step]] = {}
    for step in steps:
        is_within = step.parent_span_id in ids and step.parent_span_id != step.span_id
        within.setdefault(step.parent_span_id if is_within else "", []).append(step)
    seen: set[str] = set()
    # What only a circle of parents reaches comes last; nothing is left out, and nothing is there twice.
    for top in (*within.get("", ()), *steps):
        yield from _below([top], within, seen)


def _below(tops: Iterable[Step], within: dict[str, list[Step]], seen: set[str]) -> Iterator[tuple[Step, int]]:
    # Without recursion: a chain of 500 steps within each other is a trace like any other.
    waiting = [(step, 0) for step in tops]
    while waiting:
        step, depth = waiting.pop()
        if step.span_id in seen:
            continue
        seen.add(step.span_id)
        yield step, depth
        waiting += [(one, depth + 1) for one in reversed(within.get(step.span_id, ()))]
