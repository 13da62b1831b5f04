"""``@observe``: records calls of a function without changing them in any way."""

from __future__ import annotations

import functools
import inspect
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from driftline import runtime
from driftline.fields import label

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.recording import Call

_log = logging.getLogger("driftline")

F = TypeVar("F", bound="Callable[..., Any]")
"""The function's own type, given back as it is: parameters, result, overloads and all."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a decorator was told, and what it knows of its function."""

    name: str
    feature: str | None
    prompt_name: str | None
    prompt_version: str | None
    capture_content: bool | None
    signature: inspect.Signature | None


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

    Works bare and with arguments, on sync and async functions and methods. The function returns and
    raises exactly what it did before, at once, whatever happens to the recording. What it returns is
    understood if it is an OpenAI completion, response or embedding, or a dict shaped like one; a text
    or any other object is recorded as the output of a step. Generators and async generators are
    returned undecorated for now; a function that returns a stream is recorded without its output.

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
        if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
            return target
        spec = Spec(
            name=label(name) or _name(target),
            feature=label(feature),
            prompt_name=label(prompt_name),
            prompt_version=label(prompt_version),
            capture_content=capture_content,
            signature=_signature(target),
        )
        return _wrap_async(target, spec) if inspect.iscoroutinefunction(target) else _wrap_sync(target, spec)

    return decorate if function is None else decorate(function)


def _wrap_sync(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        call = _begin(spec, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        call.succeed(result)
        return result

    return observed


def _wrap_async(function: Callable[..., Any], spec: Spec) -> Callable[..., Any]:
    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> Any:
        call = _begin(spec, args, kwargs)
        if call is None:
            return await function(*args, **kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        call.succeed(result)
        return result

    return observed


def _begin(spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    try:
        recorder = runtime.recorder()
        return None if recorder is None else recorder.begin(spec, args, kwargs)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: a call was not recorded", exc_info=True)
        return None


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    named = cast("Any", function)
    qualified = getattr(named, "__qualname__", None) or type(function).__qualname__
    return str(qualified).rsplit("<locals>.", 1)[-1]


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return None
