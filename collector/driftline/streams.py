"""Stream objects of client libraries, handed on as the same objects, with their class's methods watched.

A stream's class is replaced by a subclass of it, made once for each, whose methods tell what goes by: it stays an
instance of its class, with all its methods, and nothing of it is consumed. Wrapping it in an object of ours would
change what the application got.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from driftline.following import Following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from driftline.observed import ObservedSpan

_FOLLOWING: Final = "_driftline_following"

_watched: dict[type, type] = {}
"""Class of streams or of their managers, and its watched subclass."""


def follow_stream(span: ObservedSpan, stream: Any) -> Any:
    """Hand on a stream, or the manager that opens one."""
    return _watch(stream, Following(span))


def _watch(stream: Any, following: Following) -> Any:
    kind = type(stream)
    watched = _watched.get(kind)
    if watched is None:
        watched = _watched[kind] = _subclass(kind)
    try:
        vars(stream)[_FOLLOWING] = following
        stream.__class__ = watched
    except TypeError:  # a class of the interpreter's own, or with slots: its pieces stay unseen
        following.end()
    return stream


def _subclass(kind: type) -> type:
    body: dict[str, Any] = {name: functools.wraps(method)(make(method)) for name, make, method in _methods(kind)}
    body |= {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind)(kind.__name__, (kind,), body)


def _methods(kind: type) -> Iterator[tuple[str, Callable[..., Any], Any]]:
    for name, (make, make_async) in _WATCHED.items():
        method = getattr(kind, name, None)
        if callable(method):
            yield name, make_async if inspect.iscoroutinefunction(method) else make, method


def _of(stream: Any) -> Following:
    return cast("Following", vars(stream)[_FOLLOWING])


def _next(method: Any) -> Any:
    def watched(self: Any) -> Any:
        following = _of(self)
        try:
            item = method(self)
        except StopIteration:
            following.end()
            raise
        except BaseException as error:
            following.fail(error)
            raise
        following.chunk(item)
        return item

    return watched


def _anext(method: Any) -> Any:
    async def watched(self: Any) -> Any:
        following = _of(self)
        try:
            item = await method(self)
        except StopAsyncIteration:
            following.end()
            raise
        except BaseException as error:
            following.fail(error)
            raise
        following.chunk(item)
        return item

    return watched


def _iter(method: Any) -> Any:
    def watched(self: Any) -> Any:
        iterator = method(self)
        return iterator if iterator is self else _pieces(iterator, _of(self))

    return watched


def _pieces(iterator: Iterator[Any], following: Following) -> Iterator[Any]:
    try:
        for item in iterator:
            following.chunk(item)
            yield item
    except BaseException as error:
        following.fail(error)
        raise
    following.end()


def _aiter(method: Any) -> Any:
    def watched(self: Any) -> Any:
        iterator = method(self)
        return iterator if iterator is self else _async_pieces(iterator, _of(self))

    return watched


async def _async_pieces(iterator: AsyncIterator[Any], following: Following) -> AsyncIterator[Any]:
    try:
        async for item in iterator:
            following.chunk(item)
            yield item
    except BaseException as error:
        following.fail(error)
        raise
    following.end()


def _enter(method: Any) -> Any:
    def watched(self: Any) -> Any:
        opened = method(self)
        return opened if opened is self else _watch(opened, _of(self))

    return watched


def _aenter(method: Any) -> Any:
    async def watched(self: Any) -> Any:
        opened = await method(self)
        return opened if opened is self else _watch(opened, _of(self))

    return watched


def _leave(method: Any) -> Any:
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        finally:
            _of(self).abandon()

    return watched


def _aleave(method: Any) -> Any:
    async def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await method(self, *args, **kwargs)
        finally:
            _of(self).abandon()

    return watched


_WATCHED: Final[dict[str, tuple[Callable[..., Any], Callable[..., Any]]]] = {
    "__next__": (_next, _next),
    "__anext__": (_anext, _anext),
    "__iter__": (_iter, _iter),
    "__aiter__": (_aiter, _aiter),
    "__enter__": (_enter, _enter),
    "__aenter__": (_aenter, _aenter),
    "__exit__": (_leave, _leave),
    "__aexit__": (_aleave, _aleave),
    "close": (_leave, _aleave),
    "aclose": (_aleave, _aleave),
}
"""Methods of a stream or its manager, and what watches the ordinary and the asynchronous form."""
