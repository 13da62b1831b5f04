"""What a visitor looks at: a time window, its end and filters, all of which live in the URL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW: Final = "window"
"""Query parameter of the window; each filter is a parameter with its dimension's name."""
UNTIL: Final = "until"
"""Query parameter of the moment at which the window ends, as ISO 8601; without one it ends now."""

MAX_VALUE: Final = 200
"""Longest filter value taken from a URL, in characters; no segment that people name is longer."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it there is nothing, and a week earlier has to be a time that the store knows."""


@dataclass(frozen=True)
class Window:
    """A length of time that ends now, or at the moment of the view.

    Attributes:
        key: as in the URL.
        label: as in "last 24 h".
        step: between two points of a line.
        coarse: the same for what only part of the requests has, such as scores and ratings.
        small: between two points of the picture in a tile, which is too small for more.
    """

    key: str
    label: str
    length: timedelta
    step: timedelta
    coarse: timedelta
    small: timedelta


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


WINDOWS: Final = {
    window.key: window
    for window in (
        Window("1h", "1 h", timedelta(hours=1), _minutes(2), _minutes(6), _minutes(2)),
        Window("24h", "24 h", timedelta(hours=24), _minutes(30), _minutes(120), _minutes(60)),
        Window("7d", "7 d", timedelta(days=7), _minutes(180), _minutes(720), _minutes(360)),
    )
}
DEFAULT: Final = WINDOWS["24h"]


@dataclass(frozen=True)
class View:
    """The window and the filters; hashable, so that it can be a key of a cache.

    Attributes:
        filters: pairs of dimension and value, in the order of ``DIMENSIONS``.
        until: the moment that everything is as of, in UTC; None: now, and it goes on.
    """

    window: Window = DEFAULT
    filters: tuple[tuple[str, str], ...] = ()
    until: datetime | None = None

    @property
    def where(self) -> dict[str, str]:
        """The filters as the metrics layer takes them."""
        return dict(self.filters)

    def with_filter(self, dimension: str, value: str | None) -> View:
        """The same view with one filter set, or lifted by None."""
        wanted = {**self.where, dimension: value}
        return replace(self, filters=_ordered({k: v for k, v in wanted.items() if v is not None}))

    def to_url(self) -> dict[str, str]:
        """Query parameters that lead back here; the default window needs none."""
        window = {} if self.window == DEFAULT else {WINDOW: self.window.key}
        until = {} if self.until is None else {UNTIL: _written(self.until)}
        return window | until | self.where


def from_url(parameters: Mapping[str, str]) -> View:
    """The view that a URL asks for.

    Whoever wrote the link, only known names and bounded, printable values come through; the rest is as if
    it were not there.
    """
    window = WINDOWS.get(parameters.get(WINDOW, ""), DEFAULT)
    values = {name: parameters[name] for name in DIMENSIONS if name in parameters}
    filters = _ordered({name: value for name, value in values.items() if is_sane(value)})
    return View(window, filters, _moment(parameters.get(UNTIL, "")))


def is_sane(value: str) -> bool:
    """Whether a text from a URL may be the name of a segment."""
    return len(value) <= MAX_VALUE and value.isprintable()


def _ordered(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, values[name]) for name in DIMENSIONS if name in values)


def _moment(written: str) -> datetime | None:
    """A moment to the second, of UTC where it names no zone; None where it is none, or is yet to come."""
    try:
        said = datetime.fromisoformat(written)
        moment = (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None
    return moment if _EARLIEST <= moment <= datetime.now(UTC) else None


def _written(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds' if moment.second else 'minutes')}Z"
