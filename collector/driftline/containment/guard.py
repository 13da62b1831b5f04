"""``guard()``: whether a feature is to use its fallback now. Global state: what this process knows of that."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import random
import time
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar, overload

from opentelemetry.trace import get_current_span

from driftline import semconv
from driftline.containment.follower import Follower
from driftline.context import scope_in
from driftline.runtime import settings_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from driftline.containment.state import Contained

_log = logging.getLogger("driftline")

P = ParamSpec("P")
R = TypeVar("R")

_follower: Final = Follower(settings_in_use)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_follower.after_fork)


class _Decorator(Protocol[P, R]):
    """Takes a function with the parameters and the result of ``otherwise``, or one that has to be awaited for it."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...


@overload
def guard(feature: str) -> bool: ...


@overload
def guard(feature: str, *, otherwise: Callable[P, R]) -> _Decorator[P, R]: ...


def guard(feature: str, *, otherwise: Callable[..., Any] | None = None) -> Any:
    """Tell whether a feature is contained, so that the application answers with its fallback.

    Never waits and never raises: it reads memory. A thread looks every ``guard_seconds`` for what the alert worker
    says; the first call starts it, and nothing is contained until it has looked. What nobody has confirmed for
    ``guard_stale_seconds`` is not contained. Where the answer is yes, the request under way is marked with the
    incident.

    Args:
        feature: as in ``observe(feature=…)``.
        otherwise: makes a decorator of it: what is called in the place of the function while the feature is contained,
            with the same arguments. For ``async def`` it may be one or not; for any other function it must not.

    Returns:
        Whether it is contained; with ``otherwise`` the decorator.

    Raises:
        TypeError: by the decorator: ``otherwise`` would have to be awaited, but the function is not.
    """
    if otherwise is None:
        return _is_contained(feature)
    return functools.partial(_guarded, feature, otherwise)


def _guarded(feature: str, otherwise: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    _check(otherwise, function)

    def chosen() -> Callable[..., Any]:
        return otherwise if _is_contained(feature) else function

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return chosen()(*args, **kwargs)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        result = chosen()(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return functools.wraps(function)(awaited if inspect.iscoroutinefunction(function) else guarded)


def _check(otherwise: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Refuse now what would fail only once the feature is contained."""
    # What another decorator has made of an ``async def`` can give a coroutine without being one.
    if inspect.iscoroutinefunction(otherwise) and not inspect.iscoroutinefunction(inspect.unwrap(function)):
        raise TypeError(
            f"guard(otherwise=…) expected a function like {_name(function)}, which is not awaited, but got "
            f"{_name(otherwise)}, which has to be; make it the same kind of function"
        )


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))


def _is_contained(feature: str) -> bool:
    if not _follower.is_running:
        _follower.start()
    known = _follower.contained
    if not known:  # as nearly always
        return False
    try:
        found = known.get(feature)
        if found is None or time.monotonic() >= _follower.until or random.random() < found.let_through:  # noqa: S311
            return False
        _mark(found)
    except Exception:  # noqa: BLE001 - it never raises into the application
        _log.debug("driftline: guard() failed", exc_info=True)
        return False
    return True


def _mark(found: Contained) -> None:
    """Note it on the request, or on whatever span is current where none is observed."""
    scope = scope_in()
    request = None if scope is None else scope.request
    (request or get_current_span()).set_attribute(semconv.CONTAINED, found.incident)
