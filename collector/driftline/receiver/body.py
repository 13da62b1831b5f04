"""Reads a request's body within limits of size and time."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
from starlette.requests import ClientDisconnect

from driftline.receiver.refusals import RefusedError, too_large

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

READ_SECONDS: Final = 30.0
_DRAIN_BYTES: Final = 64 * 1024 * 1024
_DRAIN_SECONDS: Final = 5.0


class Body:
    """What a sender sends, part by part."""

    def __init__(self, request: Request, *, limit: int, seconds: float) -> None:
        self._receive = request.receive
        self._limit = limit
        self._seconds = seconds
        announced = request.headers.get("content-length", "")
        self._announced = int(announced) if announced.isascii() and announced.isdigit() else 0
        self._waits = "expect" in request.headers
        self._done = False

    async def read(self, take: Callable[[int], None]) -> bytes:
        """Read it whole.

        Args:
            take: called with the size of each part, to ask for its memory; may raise.

        Raises:
            RefusedError: too large or too slow.
            ClientDisconnect: the sender is gone.
        """
        if self._announced > self._limit:
            raise too_large(self._limit)
        whole = bytearray()
        try:
            with anyio.fail_after(self._seconds):
                while not self._done:
                    part = await self._part()
                    if len(whole) + len(part) > self._limit:
                        raise too_large(self._limit)
                    take(len(part))
                    whole += part
        except TimeoutError:
            raise RefusedError(
                HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {self._seconds:g} s"
            ) from None
        return bytes(whole)

    async def drain(self) -> None:
        """Read what is left, within reason, and forget it.

        Many clients look for an answer only after they have sent everything; closing the connection
        before would turn our status into a broken pipe.
        """
        if self._waits or self._announced > _DRAIN_BYTES:
            return
        with contextlib.suppress(ClientDisconnect), anyio.move_on_after(_DRAIN_SECONDS):
            drained = 0
            while not self._done and drained <= _DRAIN_BYTES:
                drained += len(await self._part())

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._done = True
            raise ClientDisconnect
        self._done = not message.get("more_body", False)
        return bytes(message.get("body", b""))
