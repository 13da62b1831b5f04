"""Watching an answer that comes in pieces, until its last one or until nobody wants more."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from driftline.capture.streams import accumulator as accumulator_of

if TYPE_CHECKING:
    from driftline.capture.streams import Accumulator
    from driftline.observed import ObservedSpan

_log = logging.getLogger("driftline")


class Following:
    """One span whose answer is still coming. Its methods never raise, and end the span once.

    When it is collected unended, nobody holds the stream any more: that ends the span too.
    """

    __slots__ = ("_accumulator", "_span")

    def __init__(self, span: ObservedSpan) -> None:
        self._span = span
        self._accumulator: Accumulator | None = None
        span.streaming = True

    def chunk(self, item: object) -> None:
        """Take what is needed of a piece that is on its way to the application."""
        if not self._span.is_recording():
            return
        try:
            accumulator = self._accumulator
            if accumulator is None:
                self._span.first_chunk = self._span.now()
                accumulator = self._accumulator = accumulator_of(item)
            accumulator.add(item)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: a piece of a stream was not recorded", exc_info=True)

    def end(self) -> None:
        """The last piece has been handed over."""
        self._close(abandoned=False)

    def abandon(self) -> None:
        """Whoever took the pieces stopped before the last one."""
        self._close(abandoned=True)

    def fail(self, error: BaseException) -> None:
        """The stream broke, or whoever waited for the next piece was cancelled."""
        if isinstance(error, GeneratorExit):
            self.abandon()
        elif self._span.is_recording():
            self._span.abandoned = isinstance(error, asyncio.CancelledError)
            accumulated = None if self._accumulator is None else self._accumulator.result()
            self._span.recorder.fail(self._span, error, accumulated)

    def _close(self, *, abandoned: bool) -> None:
        span = self._span
        ended = span.now()
        if not span.is_recording():
            return
        try:
            span.abandoned = abandoned
            if self._accumulator is not None:
                span.recorder.take_result(span, self._accumulator.result())
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: a stream's output was not recorded", exc_info=True)
        span.recorder.close(span, ended)

    def __del__(self) -> None:
        self.abandon()
