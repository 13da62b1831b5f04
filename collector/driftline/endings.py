"""How a process ends, or splits: whatever has been recorded by then must not be lost with it.

An exit is seen by ``atexit``, the end of a child of ``multiprocessing`` by its finalizers, SIGTERM by a handler.
Nothing is told of ``os._exit``, ``os.exec…`` and SIGKILL.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_log = logging.getLogger("driftline")

_EXIT_TIMEOUT: Final = 5.0
_TERM_TIMEOUT: Final = 1.0
"""Seconds for sending at SIGTERM; what is not sent goes to disk, for which there is another second."""
_SEEN: Final = 0.2
"""Seconds in which a main thread that was not about to wait has seen a signal."""


class _Endings:
    """What this process will do when it ends.

    Attributes:
        close: sends what is left, within a number of seconds.
        forked: begins anew in a child process.
        leaving: the thread that sends what is left before a signal ends the process.
        has_left: whether it is done, so that the signal may end the process.
        wakeup: the pipe that signals of this child are written to; -1 where there is none.
    """

    def __init__(self) -> None:
        self.close: Callable[[float], None] = lambda _: None
        self.forked: Callable[[], None] = lambda: None
        self.leaving: threading.Thread | None = None
        self.has_left = False
        self.wakeup = -1
        self.is_hooked = False
        self.minds_children = False


_endings: Final = _Endings()
_masks: Final = threading.local()
"""Signals that a thread which forks had blocked before."""


def prepare(close: Callable[[float], None], forked: Callable[[], None], *, handle_sigterm: bool) -> None:
    """Be told of this process's end and of its children's beginning. Repeating it adds nothing.

    Args:
        close: called at the end with a number of seconds; may be called again.
        forked: called in a child process.
        handle_sigterm: whether SIGTERM is among the ends, where nobody else handles it.
    """
    _endings.close, _endings.forked = close, forked
    if not _endings.is_hooked:
        _endings.is_hooked = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_parent=_unblock, after_in_child=_after_fork)
        _mind_child()
    if handle_sigterm:
        _handle_sigterm()


def _at_exit() -> None:
    leaving = _endings.leaving
    if leaving is not None:
        leaving.join(_TERM_TIMEOUT + 1.0)
    _endings.close(_EXIT_TIMEOUT)


def _before_fork() -> None:
    """Let SIGTERM wait: a child takes what came before it was set up for its parent's, and forgets it."""
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _unblock() -> None:
    before, _masks.before = getattr(_masks, "before", None), None
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _after_fork() -> None:
    _endings.leaving, _endings.has_left = None, False
    try:
        _leave_pipe()
        _endings.forked()
        _mind_child()
    finally:
        _unblock()


def _mind_child() -> None:
    """In a process that ``multiprocessing`` made, be told of its end; those that were forked leave by ``os._exit``."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    if not _endings.minds_children:
        _endings.minds_children = True
        # A child forgets all finalizers when it begins, and then calls this.
        util.register_after_fork(_endings, _finalize)
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _finalize(_endings)


def _finalize(_: _Endings) -> None:
    util: Any = sys.modules["multiprocessing.util"]
    util.Finalize(None, _at_exit, exitpriority=-100)  # after those of the application
    _see_sigterm()


def _handle_sigterm() -> None:
    """Handle SIGTERM, if it would end the process and this is the thread that may say so."""
    # For process 1 of a container the default is to ignore it.
    if threading.current_thread() is not threading.main_thread() or os.getpid() == 1:
        return
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    except ValueError:  # another interpreter of this process, which has no say
        _log.debug("driftline: SIGTERM is not handled", exc_info=True)


def _on_sigterm(number: int, _: FrameType | None) -> None:
    """Have a thread send what is left; when it is done, it sends the signal again, which ends the process.

    Not here, as the code that was interrupted may hold a lock that sending needs.
    """
    if signal.getsignal(number) is not _on_sigterm:
        return  # the application's own handler calls the one before it
    if _endings.has_left:
        _die(number)
    elif _endings.leaving is None:
        _endings.leaving = threading.Thread(target=_leave, args=(number,), name="driftline-leave", daemon=True)
        try:
            _endings.leaving.start()
        except Exception:  # noqa: BLE001 - the interpreter exits already, or threads are not what they were (gevent)
            _die(number)


def _see_sigterm() -> None:
    """Have a thread see to it that SIGTERM ends this child.

    A pool ends its workers when they are about to wait for more to do. A signal that comes just before a thread waits
    does not interrupt that, so its handler would run when there is more to do, which there never is.
    """
    if signal.getsignal(signal.SIGTERM) is not _on_sigterm:
        return
    try:
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        if before != -1:  # somebody else's, such as an event loop's, which is woken by it
            return
        reading, _endings.wakeup = os.pipe()
        os.set_blocking(_endings.wakeup, False)
        signal.set_wakeup_fd(_endings.wakeup, warn_on_full_buffer=False)
        threading.Thread(target=_repeat_sigterm, args=(reading,), name="driftline-sigterm", daemon=True).start()
    except (OSError, ValueError, RuntimeError):  # no more files or threads, or not the thread that may say so
        _log.debug("driftline: SIGTERM is only handled when the main thread sees it", exc_info=True)


def _leave_pipe() -> None:
    """In a child, leave the pipe to the parent, which must not take the child's signals for its own."""
    if _endings.wakeup == -1:
        return
    try:
        before = signal.set_wakeup_fd(-1)
        if before != _endings.wakeup:
            signal.set_wakeup_fd(before)
    except ValueError:
        _log.debug("driftline: signals are still written to the parent", exc_info=True)
    _endings.wakeup = -1


def _repeat_sigterm(reading: int) -> None:
    while signal.SIGTERM not in os.read(reading, 512):
        pass
    while signal.getsignal(signal.SIGTERM) is _on_sigterm:
        time.sleep(_SEEN)
        if _endings.leaving is None or _endings.has_left:
            os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int) -> None:
    try:
        _endings.close(_TERM_TIMEOUT)
    finally:
        _endings.has_left = True
        os.kill(os.getpid(), number)  # only the main thread may change what a signal does, and so calls itself again


def _die(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
