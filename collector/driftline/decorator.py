"""``@observe``: records calls of a function without changing them in any way."""

from __future__ import annotations

import functools
import inspect
import logging
from typing import TYPE_CHECKING, Any, TypeVar, overload

from driftline import runtime
from driftline.handing import Unwatched, async_generator
from driftline.spec import spec_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from driftline.handing import AsyncSteps
    from driftline.observed import ObservedSpan
    from driftline.spec import Spec

_log = logging.getLogger("driftline")

F = TypeVar("F", bound="Callable[..., Any]")
"""The function's own type, given back as it is: parameters, result, overloads and all."""


@overload
def observe(function: F, /) -> F: ...


@overload
def observe(
    *,
    feature: str | None = None,
    name: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    capture_content: bool | None = None,
) -> Callable[[F], F]: ...


def observe(
    function: Callable[..., Any] | None = None,
    /,
    *,
    feature: str | None = None,
    name: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    capture_content: bool | None = None,
) -> Any:
    """Record every call of a function as an OpenTelemetry span: input, output, model, tokens, errors.

    Works bare and with arguments, on functions, coroutine functions, generators, asynchronous generators and
    methods of every kind, and as a call around what cannot be decorated: ``observe(feature="x")(client.chat)``.
    The function returns and raises exactly what it did before, at once, whatever happens to the recording.
    What it returns is understood if a client library made it; a text or any other value is recorded as the output of
    a step. A stream is handed on untouched, and recorded piece by piece until its end.

    Of functions observed one inside the other, and of model calls recorded by other instrumentations
    inside, only the innermost carry tokens, so that nothing is billed twice.

    Args:
        function: the function, when used bare.
        feature: the product feature that this serves; inherited by everything called inside.
        name: name of the span; the function's qualified name by default.
        prompt_name: name of the prompt in use; inherited like ``feature``.
        prompt_version: version of that prompt, such as ``"v2"``.
        capture_content: overrides the setting of that name for this function.

    Raises:
        TypeError: what is decorated cannot be called.
    """

    def decorate(target: Any) -> Any:
        if isinstance(target, staticmethod | classmethod):
            return type(target)(decorate(target.__func__))
        if not callable(target):
            raise TypeError(
                f"@observe decorates functions but got {type(target).__name__}; options are passed by keyword"
            )
        spec = spec_of(
            target,
            name=name,
            feature=feature,
            prompt_name=prompt_name,
            prompt_version=prompt_version,
            capture_content=capture_content,
        )
        return functools.wraps(target)(_wrapper(target)(target, spec))

    return decorate if function is None else decorate(function)


def _wrapper(function: Callable[..., Any]) -> Callable[[Callable[..., Any], Spec], Callable[..., Any]]:
    if inspect.isgeneratorfunction(function):
        return _wrap_generator
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator
    return _wrap_async if inspect.iscoroutinefunction(function) else _wrap_sync


def _wrap_sync(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    def observed(*args: Any, **kwargs: Any) -> Any:
        span = _begin(spec, args, kwargs)
        if span is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            span.recorder.fail(span, error)
            raise
        return span.recorder.conclude(span, result)

    return observed


def _wrap_async(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    async def observed(*args: Any, **kwargs: Any) -> Any:
        span = _begin(spec, args, kwargs)
        if span is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            span.recorder.fail(span, error)
            raise
        return span.recorder.conclude(span, result)

    return observed


def _wrap_generator(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    def observed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span = _open(spec, args, kwargs)
        if span is None:
            return (yield from function(*args, **kwargs))
        return (yield from span.recorder.steps(span, function, args, kwargs))

    return observed


def _wrap_async_generator(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    def begin(*args: Any, **kwargs: Any) -> AsyncSteps:
        span = _open(spec, args, kwargs)
        if span is None:
            return Unwatched(function(*args, **kwargs))
        return span.recorder.async_steps(span, function, args, kwargs)

    return async_generator(begin)


def _begin(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ObservedSpan | None:
    """Open a span and make it current; None when nothing is recorded."""
    try:
        recorder = runtime.recorder()
        return None if recorder is None else recorder.begin(spec, args, kwargs)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: a call was not recorded", exc_info=True)
        return None


def _open(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ObservedSpan | None:
    """Open a span that is current only while a generator's body runs; None when nothing is recorded."""
    span = _begin(spec, args, kwargs)
    if span is not None:
        span.recorder.leave(span)
    return span
