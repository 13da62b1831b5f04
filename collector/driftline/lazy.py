"""Results whose answer is still to come: which ones there are, and who follows them to their end."""

from __future__ import annotations

from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Final

from driftline.capture.errors import SDKS
from driftline.capture.providers import module_of
from driftline.generators import follow_async_generator, follow_coroutine, follow_generator
from driftline.streams import follow_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.observed import ObservedSpan

    Follow = Callable[[ObservedSpan, Any], Any]

_MAX_KINDS: Final = 1000


def conclude(span: ObservedSpan, result: Any) -> Any:
    """Record what a function returned, now or when it has come whole, and give what to hand to its caller."""
    kind = type(result)
    try:
        follow = _kinds[kind]
    except KeyError:
        follow = _follower(kind)
        if len(_kinds) < _MAX_KINDS:
            _kinds[kind] = follow
    if follow is None:
        span.recorder.succeed(span, result)
        return result
    span.recorder.leave(span)
    return follow(span, result)


def _follower(kind: type) -> Follow | None:
    if module_of(kind) in SDKS and (hasattr(kind, "__next__") or hasattr(kind, "__anext__") or _opens_stream(kind)):
        return follow_stream
    return None


def _opens_stream(kind: type) -> bool:
    """Whether it is what ``with client.….stream(…) as stream`` enters."""
    return kind.__name__.endswith("StreamManager")


def _follow_coroutine(span: ObservedSpan, coroutine: Any) -> Any:
    return follow_coroutine(span, coroutine, conclude)


_kinds: dict[type, Follow | None] = {
    GeneratorType: follow_generator,
    AsyncGeneratorType: follow_async_generator,
    CoroutineType: _follow_coroutine,
}
"""Class of a result and who follows it; None for what is whole. Grows as classes are met."""
