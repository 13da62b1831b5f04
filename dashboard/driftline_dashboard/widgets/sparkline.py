"""A line without axes, as an SVG picture: shape and direction at a glance."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH: Final = 144
_HEIGHT: Final = 35
_PAD: Final = 3
_COLOUR: Final = "#5b9bd5"  # holds on light and on dark ground; a picture cannot know which it is on


def sparkline(values: Sequence[float], *, from_zero: bool) -> str:
    """The picture as a data URL; empty for fewer than two points.

    Args:
        values: equally far apart; NaN breaks the line.
        from_zero: whether the bottom is 0; otherwise the lowest value, with room that keeps small
            variations small.
    """
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, high = _range(known, from_zero=from_zero)
    step = (_WIDTH - 2 * _PAD) / max(len(values) - 1, 1)
    points = [
        (_PAD + index * step, _HEIGHT - _PAD - (value - low) / (high - low) * (_HEIGHT - 2 * _PAD))
        if math.isfinite(value)
        else None
        for index, value in enumerate(values)
    ]
    return "data:image/svg+xml;base64," + base64.b64encode(_svg(points).encode()).decode()


def _range(known: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    low, high = (0.0 if from_zero else min(known)), max(known)
    room = max(high - low, abs(high) * 0.1, 1e-9) - (high - low)
    return (low, high + room) if from_zero else (low - room / 2, high + room / 2)


def _svg(points: Sequence[tuple[float, float] | None]) -> str:
    parts, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        parts.append(f"{pen}{point[0]:.1f} {point[1]:.1f}")
        pen = "L"
    last = next(point for point in reversed(points) if point is not None)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none">'
        f'<path d="{"".join(parts)}" fill="none" stroke="{_COLOUR}" stroke-width="1.6" stroke-linejoin="round" '
        f'stroke-linecap="round" vector-effect="non-scaling-stroke"/>'
        f'<circle cx="{last[0]:.1f}" cy="{last[1]:.1f}" r="2.3" fill="{_COLOUR}"/></svg>'
    )
