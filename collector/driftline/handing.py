"""Handing on what an asynchronous generator yields, is sent and is thrown: its ``yield from``, which Python lacks.

Loads nothing of OpenTelemetry, so that decorating stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


class AsyncSteps(Protocol):
    """An asynchronous generator under way."""

    source: AsyncGenerator[Any, Any]

    async def step(self, advance: Callable[..., Awaitable[Any]], value: Any) -> Any:
        """Go on by ``advance(value)``, one of the source's ``asend`` and ``athrow``."""

    async def close(self) -> None:
        """End the source where it stands."""


class Unwatched:
    """Steps that nobody records."""

    def __init__(self, source: AsyncGenerator[Any, Any]) -> None:
        self.source = source

    async def step(self, advance: Callable[..., Awaitable[Any]], value: Any) -> Any:
        """Go on."""
        return await advance(value)

    async def close(self) -> None:
        """End the source where it stands."""
        await self.source.aclose()


def async_generator(begin: Callable[..., AsyncSteps]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """An asynchronous generator function that hands on the steps that ``begin`` makes of its arguments."""

    async def observed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = begin(*args, **kwargs)
        source = steps.source
        advance: Callable[..., Awaitable[Any]] = source.asend
        value: Any = None
        while True:
            try:
                item = await steps.step(advance, value)
            except StopAsyncIteration:
                return
            try:
                value = yield item
                advance = source.asend
            except GeneratorExit:
                await steps.close()
                raise
            except BaseException as error:  # noqa: BLE001 - what becomes of it is for the source to say
                advance, value = source.athrow, error

    return observed
