"""A course as a picture of characters, which any wiki and any editor shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.postmortem.history import Course

_ROWS: Final = 8
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def plot(course: Course, began: datetime) -> list[str]:
    """Lines of equal meaning: the highest value on top, time to the right, and below it when it began.

    Args:
        course: with at least one value.
        began: when it began.
    """
    low, high = _range(course)
    bars = [None if value is None else (value - low) / (high - low) * _ROWS for _, value in course.points]
    metric = METRICS[course.metric]
    names = [format_value(metric, low + (high - low) * (row + 1) / _ROWS) for row in range(_ROWS)]
    width = max(map(len, names))
    limit = None if course.limit is None else max(math.ceil((course.limit - low) / (high - low) * _ROWS) - 1, 0)
    lines = []
    for row in reversed(range(_ROWS)):
        mark = "┤" if row != limit else "╪"
        lines.append(f"{names[row]:>{width}} {mark}{''.join(_cell(bar, row) for bar in bars)}".rstrip())
    return [*lines, *_below(course, began, width + 2)]


def _range(course: Course) -> tuple[float, float]:
    """The bottom and the top: from 0, unless that would leave all that moves in a few rows."""
    values = [value for _, value in course.points if value is not None]
    values += [] if course.limit is None else [course.limit]
    low, high = min(values), max(values)
    if 0 <= low <= high / 2:
        return 0.0, high or 1.0
    height = (high - low) or abs(high)
    return low - height / _ROWS, high  # so that the least value has a bar, too


def _cell(bar: float | None, row: int) -> str:
    if bar is None:
        return "·" if row == 0 else " "
    return _EIGHTHS[round(min(max(bar - row, 0.0), 1.0) * 8)]


def _below(course: Course, began: datetime, margin: int) -> list[str]:
    times = [at for at, _ in course.points]
    place = margin + min(sum(1 for at in times if at < began), len(times) - 1)
    marked = " " * place + f"^ {began:%m-%d %H:%M}"
    first, last = f"{times[0]:%m-%d %H:%M}", f"{times[-1]:%m-%d %H:%M} UTC"
    gap = max(len(times) - len(first) - len(last), 1)
    return [marked, " " * margin + first + " " * gap + last]
