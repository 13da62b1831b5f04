"""Threads that are started within an observed request belong to it, as tasks of asyncio do by themselves.

``Thread.start`` and ``ThreadPoolExecutor.submit`` take OpenTelemetry's context along, and nothing else of what is
in ``contextvars``.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel
from opentelemetry.context import Context

from driftline.context import scope_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_log = logging.getLogger("driftline")

_NOBODYS: Final = Context()


class _Method:
    """A method that ours may stand before.

    Attributes:
        original: what ours calls.
    """

    def __init__(self, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._ours: Any = None
        self.original: Any = getattr(owner, name)

    def put(self, ours: Callable[..., Any]) -> None:
        """Put ours before what is there, unless it is in place already."""
        if self._ours is None:
            self.original = getattr(self._owner, self._name)
            self._ours = functools.wraps(self.original)(ours)
            setattr(self._owner, self._name, self._ours)

    def take_away(self) -> None:
        """Undo that, unless somebody else has put a function of theirs before ours, which goes on calling it."""
        if self._ours is not None and getattr(self._owner, self._name) is self._ours:
            setattr(self._owner, self._name, self.original)
            self._ours = None


_start: Final = _Method(threading.Thread, "start")
_submit: Final = _Method(ThreadPoolExecutor, "submit")
_following: Final = threading.Event()


def follow(wanted: bool) -> None:
    """Begin or end following threads. Where OpenTelemetry's own instrumentation of threads is on, that does it."""
    if wanted and not _otel_follows():
        _following.set()
        _start.put(_start_following)
        _submit.put(_submit_following)
    else:
        _following.clear()
        _start.take_away()
        _submit.take_away()


def start_apart(thread: threading.Thread) -> None:
    """Start a thread of our own, which outlives the request that happens to be under way.

    Raises:
        RuntimeError: the interpreter is exiting, or the system has no thread left.
    """
    token = otel.attach(_NOBODYS)
    try:
        thread.start()
    finally:
        otel.detach(token)


def _otel_follows() -> bool:
    kind = getattr(sys.modules.get("opentelemetry.instrumentation.threading"), "ThreadingInstrumentor", None)
    return bool(getattr(getattr(kind, "_instance", None), "is_instrumented_by_opentelemetry", False))


def _context_here() -> Context | None:
    """The context to take along; None outside of any request or session."""
    if not _following.is_set():
        return None
    context = otel.get_current()
    return None if scope_in(context) is None else context


def _start_following(self: threading.Thread) -> None:
    run = _run_within(self)
    try:
        _start.original(self)
    except BaseException:
        if run is not None:
            run.put_back()
        raise


def _run_within(thread: threading.Thread) -> _Run | None:
    """Have a thread run within the current context, if that is of interest."""
    try:
        context = _context_here()
        if context is not None and thread.ident is None:
            return _Run(thread, context)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: a thread was not followed", exc_info=True)
    return None


class _Run:
    """Stands before a thread's ``run`` until that is called, whatever its class makes of the method."""

    def __init__(self, thread: threading.Thread, context: Context) -> None:
        self._thread = thread
        self._context = context
        self._before = thread.__dict__.get("run")
        thread.run = self  # type: ignore[method-assign]

    def put_back(self) -> None:
        """Leave the thread as it was, without any reference to us."""
        if self._before is None:
            del self._thread.__dict__["run"]
        else:
            self._thread.__dict__["run"] = self._before

    def __call__(self) -> None:
        self.put_back()
        _within(self._context, self._thread.run)


def _submit_following(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    context = _context_here()
    if context is None:
        return _submit.original(self, fn, *args, **kwargs)  # type: ignore[no-any-return]
    token = otel.attach(_NOBODYS)  # a thread that the executor starts now will serve others too
    try:
        return _submit.original(self, _within, context, fn, *args, **kwargs)  # type: ignore[no-any-return]
    finally:
        otel.detach(token)


def _within(context: Context, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = otel.attach(context)
    try:
        return function(*args, **kwargs)
    finally:
        otel.detach(token)
