"""Plain pictures as SVG: lines over an axis, and intervals beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 44, 76


@dataclass
class Picture:
    """A chart under way.

    Attributes:
        x: first and last value of the horizontal axis.
        y: of the vertical one.
        about: a note in the file that is not shown.
    """

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    about: str = ""
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str]] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is drawn; what lies outside of the axes is drawn at their end."""
        (x0, x1), (y0, y1) = self.x, self.y
        across = _LEFT + (min(max(x, x0), x1) - x0) / (x1 - x0) * (WIDTH - _LEFT - _RIGHT)
        down = HEIGHT - _BOTTOM - (min(max(y, y0), y1) - y0) / (y1 - y0) * (HEIGHT - _TOP - _BOTTOM)
        return round(across, 1), round(down, 1)

    def axes(self, x_title: str, y_title: str, x_ticks: dict[float, str], y_ticks: dict[float, str]) -> None:
        """Titles and ticks, with lines across at those of the vertical axis."""
        for y, text in y_ticks.items():
            (left, at), (right, _) = self.at(self.x[0], y), self.at(self.x[1], y)
            self._parts.append(f'<path d="M{left} {at}H{right}" stroke="#ddd"/>')
            self._text(left - 6, at + 4, text, "end")
        for x, text in x_ticks.items():
            across, down = self.at(x, self.y[0])
            self._text(across, down + 16, text, "middle")
        middle, down = self.at(sum(self.x) / 2, self.y[0])
        self._text(middle, down + 36, x_title, "middle")
        self._text(_LEFT - 44, _TOP - 10, y_title, "start")

    def line(self, points: list[tuple[float, float]], colour: str, name: str = "", *, dashed: bool = False) -> None:
        """Connected points."""
        path = "L".join(f"{x} {y}" for x, y in (self.at(*point) for point in points))
        style = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>')
        if name:
            self._legend.append((name, colour))

    def interval(self, x: float, low: float, high: float, colour: str) -> None:
        """An upright interval."""
        (across, bottom), (_, top) = self.at(x, low), self.at(x, high)
        self._parts.append(f'<path d="M{across} {bottom}V{top}" stroke="{colour}" stroke-width="3"/>')

    def legend(self, name: str, colour: str) -> None:
        """A further entry below the chart."""
        self._legend.append((name, colour))

    def _text(self, x: float, y: float, text: str, anchor: str) -> None:
        self._parts.append(f'<text x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}">{escape(text)}</text>')

    def svg(self) -> str:
        """The picture as a file."""
        x = float(_LEFT)
        for name, colour in self._legend:
            self._parts.append(f'<path d="M{x} {HEIGHT - 14}h16" stroke="{colour}" stroke-width="3"/>')
            self._text(x + 22, HEIGHT - 10, name, "start")
            x += 44 + 6.6 * len(name)
        parts = "\n".join(self._parts)
        about = f"<desc>{escape(self.about)}</desc>\n" if self.about else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12">\n{about}<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
            f'<text x="{_LEFT - 44}" y="18" font-size="14" font-weight="bold">{escape(self.title)}</text>\n'
            f"{parts}\n</svg>\n"
        )
