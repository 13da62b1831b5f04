"""A series as a picture: PNG, on a ground of its own so that it can be read on light and on dark pages.

Pillow is loaded when the first picture is made, as it takes 0.2 s.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels.sparkline import known, name, number, spread
from driftline_alerts.channels.words import clock
from driftline_alerts.plain import clean, short
from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from driftline_alerts.message import Series

WIDTH: Final = 480
HEIGHT: Final = 184
"""Of the picture on a page, in its pixels; it holds twice as many, for sharp screens."""

_SHARP: Final = 2
_SMOOTH: Final = 2
"""Pillow's lines have hard edges, so they are drawn larger and made smaller."""

_UNITS: Final = {"s": "seconds", "USD": "USD", "share": "share", "score": "score from 0 to 1"}
_GROUND, _EDGE, _GRID = "#ffffff", "#d0d7de", "#eaeef2"
_INK, _FAINT = "#1f2328", "#59636e"
_BEFORE, _AFTER, _LIMIT = "#57606a", "#cf222e", "#9a6700"

_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 34, 14, 40
_STEPS: Final = (1, 2, 2.5, 5, 10)


def chart(series: Series) -> bytes | None:
    """The picture as PNG; None where there are not two values to be drawn."""
    if sum(value is not None for _, value in known(series)) < 2:
        return None
    picture = _Picture(_Scale.of(series))
    picture.draw(series)
    return picture.png()


def alternative(series: Series) -> str:
    """What the picture shows, for those who do not see it."""
    low, high = spread(series)
    limit = "" if series.limit is None else f", against {number(series, series.limit)}"
    begin, end = series.points[0][0], series.points[-1][0]
    return (
        f"{clean(name(series))} from {clock(begin)} to {clock(end)}, between {low} and {high}{limit}; "
        f"wrong since {clock(series.started)}"
    )


@dataclass(frozen=True)
class _Scale:
    """From times and values to pixels of the page.

    Attributes:
        begin: seconds of Unix time at the left, ``end`` at the right.
        low: value at the bottom, ``high`` at the top.
    """

    begin: float
    end: float
    low: float
    high: float

    @classmethod
    def of(cls, series: Series) -> _Scale:
        values = [value for _, value in known(series) if value is not None]
        values += [series.limit] if series.limit is not None else []
        low, high = min(values), max(values)
        margin = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
        floor = 0.0 if low >= 0 else -math.inf
        return cls(
            series.points[0][0].timestamp(), series.points[-1][0].timestamp(), max(low - margin, floor), high + margin
        )

    def x(self, moment: datetime) -> float:
        share = (moment.timestamp() - self.begin) / ((self.end - self.begin) or 1)
        return _LEFT + min(max(share, 0), 1) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM)

    @property
    def ticks(self) -> list[float]:
        """Round values, some three to five."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * one for one in _STEPS if power * one >= rough)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, first + 6) if number * step <= self.high]


class _Picture:
    """A canvas in pixels of the page."""

    def __init__(self, scale: _Scale) -> None:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  only who makes a picture pays for it

        self._scale = scale
        self._by = _SHARP * _SMOOTH
        self._image = Image.new("RGB", (WIDTH * self._by, HEIGHT * self._by), _GROUND)
        self._pen = ImageDraw.Draw(self._image)
        self._small: Any = ImageFont.load_default(11 * self._by)
        self._large: Any = ImageFont.load_default(14 * self._by)

    def draw(self, series: Series) -> None:
        """All of it, from the ground up."""
        edge = self._by
        self._pen.rectangle((0, 0, WIDTH * edge - 1, HEIGHT * edge - 1), outline=_EDGE, width=edge)
        metric = METRICS.get(series.metric)
        unit = _UNITS.get(metric.unit, metric.unit) if metric else ""
        self._text((_LEFT, 17), short(name(series), 40), _INK, "lm", self._large)
        self._text((WIDTH - _RIGHT, 17), unit, _FAINT, "rm")
        for tick in self._scale.ticks:
            y = self._scale.y(tick)
            self._line([(_LEFT, y), (WIDTH - _RIGHT, y)], _GRID, 1)
            self._text((_LEFT - 8, y), number(series, tick), _FAINT, "rm")
        self._times(series)
        self._begin(series.started)
        self._limit(series)
        for part in _runs(series):
            self._course(part, series.started)

    def png(self) -> bytes:
        """The picture, in its final size."""
        from PIL import Image  # noqa: PLC0415

        out = io.BytesIO()
        size = (WIDTH * _SHARP, HEIGHT * _SHARP)
        self._image.resize(size, Image.Resampling.LANCZOS).quantize(128).save(out, "PNG", optimize=True)
        return out.getvalue()

    def _times(self, series: Series) -> None:
        begin, end = series.points[0][0], series.points[-1][0]
        y = HEIGHT - 12
        self._text((_LEFT, y), f"{begin:%b %d, %H:%M}", _FAINT, "lm")
        self._text((WIDTH - _RIGHT, y), f"{end:%b %d, %H:%M} UTC", _FAINT, "rm")

    def _begin(self, started: datetime) -> None:
        x = self._scale.x(started)
        self._line([(x, _TOP - 4), (x, HEIGHT - _BOTTOM)], _AFTER, 1)
        x = min(max(x, _LEFT + 55), WIDTH - _RIGHT - 55)
        self._text((x, HEIGHT - 29), f"wrong since {started:%H:%M}", _AFTER, "mm")

    def _limit(self, series: Series) -> None:
        if series.limit is None:
            return
        y = self._scale.y(series.limit)
        for x in range(_LEFT, WIDTH - _RIGHT - 4, 8):
            self._line([(x, y), (x + 4, y)], _LIMIT, 1.5)
        self._text((_LEFT + 4, y - 8), f"against {number(series, series.limit)}", _LIMIT, "lm", ground=True)

    def _course(self, part: list[tuple[datetime, float]], started: datetime) -> None:
        spots = [(self._scale.x(moment), self._scale.y(value)) for moment, value in part]
        for index, (moment, _) in enumerate(part):
            colour = _AFTER if moment >= started else _BEFORE
            if index:
                self._line([spots[index - 1], spots[index]], colour, 2)
            self._dot(spots[index], colour, 1 if len(part) > 1 else 2)

    def _line(self, spots: list[tuple[float, float]], colour: str, width: float) -> None:
        scaled = [(x * self._by, y * self._by) for x, y in spots]
        self._pen.line(scaled, fill=colour, width=round(width * self._by))

    def _dot(self, spot: tuple[float, float], colour: str, radius: float) -> None:
        x, y, r = spot[0] * self._by, spot[1] * self._by, radius * self._by
        self._pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def _text(
        self, spot: tuple[float, float], words: str, colour: str, anchor: str, font: Any = None, *, ground: bool = False
    ) -> None:
        at, font = (spot[0] * self._by, spot[1] * self._by), font or self._small
        if ground:
            left, top, right, bottom = self._pen.textbbox(at, words, font=font, anchor=anchor)
            self._pen.rectangle((left - 8, top - 4, right + 8, bottom + 4), fill=_GROUND)
        self._pen.text(at, words, fill=colour, font=font, anchor=anchor)


def _runs(series: Series) -> Iterator[list[tuple[datetime, float]]]:
    """Stretches without a gap."""
    run: list[tuple[datetime, float]] = []
    for moment, value in known(series):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((moment, value))
    if run:
        yield run
