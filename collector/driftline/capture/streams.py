"""What the chunks of a stream add up to: a table of shapes of first chunks and their accumulators.

Supporting another provider's stream is adding a row. Like ``ADAPTERS``, it asks shapes, not packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from driftline.capture.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.capture.result import Result


class Accumulator(Protocol):
    """Adds up one stream, on the application's thread: a chunk is looked at once and never kept."""

    def add(self, chunk: object) -> None:
        """Take what is needed of one chunk."""

    def result(self) -> Result:
        """What has come so far; after an early end, usage that did not come stays unknown."""


STREAMS: tuple[tuple[Callable[[object], bool], Callable[[], Accumulator]], ...] = ()
"""Rows of (is this the first chunk of such a stream?, make its accumulator); the first that matches wins."""


def accumulator_for(first: object) -> Accumulator:
    """What adds up a stream that begins with this chunk."""
    return next((make for matches, make in STREAMS if matches(first)), Pieces)()
