"""Generators, coroutines and futures of observed functions, handed on as what they are.

A generator's body runs inside its span, its consumer does not: so what is current is put in place for each step and
taken away after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel

from driftline.following import Following
from driftline.handing import async_generator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator

    from opentelemetry.context import Context

    from driftline.observed import ObservedSpan


class Steps:
    """A generator that is watched; ``yield from`` it, which hands on what is sent, thrown and returned."""

    def __init__(self, source: Generator[Any, Any, Any], following: Following, inside: Context) -> None:
        self._source = source
        self._following = following
        self._inside = inside

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        return self._handed_on(self._step(self._source.__next__))

    def send(self, value: Any) -> Any:
        """Go on, with a value for the body."""
        return self._handed_on(self._step(self._source.send, value))

    def throw(self, *error: Any) -> Any:
        """Go on with an exception in the body."""
        return self._handed_on(self._step(self._source.throw, *error))

    def close(self) -> None:
        """End the body where it stands."""
        try:
            self._step(self._source.close)
        finally:
            self._following.abandon()

    def _handed_on(self, item: Any) -> Any:
        self._following.chunk(item)
        return item

    def _step(self, advance: Callable[..., Any], *args: Any) -> Any:
        token = otel.attach(self._inside)
        try:
            return advance(*args)
        except StopIteration:
            self._following.end()
            raise
        except BaseException as error:
            self._following.fail(error)
            raise
        finally:
            self._inside = otel.get_current()  # the body may be within blocks that it will leave itself
            otel.detach(token)


def _name_like(made: Any, source: Any) -> None:
    """In tracebacks and warnings it goes by the name that its author knows."""
    made.__name__, made.__qualname__ = source.__name__, source.__qualname__


def follow_generator(span: ObservedSpan, source: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Hand on a generator that an ordinary function returned."""
    steps = Steps(source, Following(span), span.inside)

    def observed() -> Generator[Any, Any, Any]:
        return (yield from steps)

    generator = observed()
    _name_like(generator, source)
    return generator


class AsyncSteps:
    """An asynchronous generator that is watched."""

    def __init__(self, source: AsyncGenerator[Any, Any], following: Following, inside: Context) -> None:
        self.source = source
        self._following = following
        self._inside = inside

    async def step(self, advance: Callable[..., Awaitable[Any]], value: Any) -> Any:
        """Go on by ``advance(value)``, with what is current inside in place."""
        token = otel.attach(self._inside)
        try:
            item = await advance(value)
        except StopAsyncIteration:
            self._following.end()
            raise
        except BaseException as error:
            self._following.fail(error)
            raise
        finally:
            self._inside = otel.get_current()
            otel.detach(token)
        self._following.chunk(item)
        return item

    async def close(self) -> None:
        """End the source where it stands."""
        token = otel.attach(self._inside)
        try:
            await self.source.aclose()
        finally:
            otel.detach(token)
            self._following.abandon()


def follow_async_generator(span: ObservedSpan, source: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """Hand on an asynchronous generator that an ordinary function returned."""
    steps = AsyncSteps(source, Following(span), span.inside)
    generator = async_generator(lambda: steps)()
    _name_like(generator, source)
    return generator


def follow_coroutine(
    span: ObservedSpan, source: Coroutine[Any, Any, Any], conclude: Callable[[ObservedSpan, Any], Any]
) -> Coroutine[Any, Any, Any]:
    """Hand on a coroutine that an ordinary function returned, as methods of asynchronous clients do."""

    async def observed() -> Any:
        span.token = otel.attach(span.inside)
        try:
            result = await source
        except BaseException as error:
            span.recorder.fail(span, error)
            raise
        return conclude(span, result)

    coroutine = observed()
    _name_like(coroutine, source)
    return coroutine
