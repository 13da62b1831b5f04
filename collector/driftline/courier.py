"""Brings messages to the bus in order, by way of the disk while the bus is away."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry import context as otel

from driftline.errors import UncertainError
from driftline.spool import adopt, open_spool
from driftline.threads import start_apart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.bus.protocol import Bus, Producer
    from driftline.counts import Counts
    from driftline.exporter import Outgoing
    from driftline.spool import Record, Spool

_log = logging.getLogger("driftline")

_PAUSE: Final = (0.1, 5.0)
_WARN_EVERY: Final = 60.0
_LOOK_FOR_ORPHANS_EVERY: Final = 30.0
_SLACK: Final = 5.0
"""Seconds by which clocks may differ when a message is looked for on the bus."""


class Complaints:
    """Says at most once a minute that something is being lost or is late."""

    def __init__(self) -> None:
        self._last = -_WARN_EVERY

    def warn(self, why: str) -> None:
        """Log a warning unless one was logged a moment ago."""
        now = time.monotonic()
        if now - self._last >= _WARN_EVERY:
            self._last = now
            _log.warning("driftline: records are waiting or being dropped: %s", why)


class Courier:
    """A thread that sends one message after the other.

    Messages wait in memory, up to ``memory`` bytes, as long as the bus takes them. When it does not, or they do not
    fit, they go to the spool, and so does all that comes after them until the spool is empty again.

    Args:
        bus: where to; opened when the first message is sent.
        folder: of the spools of this bus; None where nothing may be written.
        limit: most bytes of the spool.
        counts: where the fate of each message is noted.
        memory: most bytes that wait in memory.
    """

    def __init__(self, bus: Bus, folder: Path | None, *, limit: int, counts: Counts, memory: int) -> None:
        self._bus = bus
        self._folder = folder
        self._limit = limit
        self._counts = counts
        self._memory = memory
        self._abandoned: list[object] = []
        self._producer: Producer | None = None
        self._spool: Spool | None = None
        self.reset()

    def reset(self) -> None:
        """Begin with nothing."""
        self._waiting: deque[Outgoing] = deque()
        self._bytes = 0
        self._complaints = Complaints()
        self._lock = threading.Condition()
        self._closing_at: float | None = None
        self._hurry = threading.Event()
        self._orphans: Iterator[Spool] | None = None
        self._look_at = time.monotonic()
        self._thread: threading.Thread | None = None

    def put(self, message: Outgoing) -> None:
        """Take a message over. Called on the export thread only, which may wait for the disk."""
        with self._lock:
            if not self._spool and self._bytes + len(message.value) <= self._memory:
                self._waiting.append(message)
                self._bytes += len(message.value)
            else:
                self._to_disk([message])
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="driftline-send", daemon=True)
                start_apart(thread)  # raises while the interpreter exits
                self._thread = thread
            self._lock.notify_all()

    def hurry(self) -> None:
        """End a pause before the next attempt."""
        self._hurry.set()

    def close(self, timeout: float) -> None:
        """Send what is left; what the bus has not taken within ``timeout`` seconds stays on disk, or is dropped."""
        with self._lock:
            self._closing_at = time.monotonic() + timeout
            self._lock.notify_all()
        self._hurry.set()
        if self._thread is not None:
            self._thread.join(timeout + 1.0)
        with self._lock:
            self._put_aside(uncertain=self._thread is not None and self._thread.is_alive())
            if self._spool is not None:
                self._spool.close()
                self._spool = None

    def after_fork(self) -> None:
        """Leave the parent's connections and spool to the parent.

        Its producer is kept unclosed: closing, which also happens when it is collected, would say goodbye
        on a socket that the parent goes on using.
        """
        self._abandoned.append(self._producer)
        self._producer = None
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None
        self.reset()

    def _run(self) -> None:
        # Whatever the bus's client does is not to be traced: that would be sent too, and so on.
        otel.attach(otel.set_value(suppress_key(), True))
        while self._wait():
            try:
                self._send_some()
            except Exception:  # noqa: BLE001 - the thread has to survive whatever it meets
                _log.debug("driftline: sending failed", exc_info=True)
                self._hurry.wait(_PAUSE[1])
        self._disconnect()

    def _wait(self) -> bool:
        """Wait until there is something to send; False once all is sent, or time is up, and nothing will come."""
        with self._lock:
            while not (self._waiting or self._spool):
                if self._closing_at is not None:
                    return False
                due = self._look_at - time.monotonic()
                if due <= 0:
                    break
                self._lock.wait(due)
            return self._closing_at is None or time.monotonic() < self._closing_at

    def _send_some(self) -> None:
        with self._lock:
            message = self._waiting[0] if self._waiting else None
            record = self._spool.first() if message is None and self._spool else None
        if message is not None:
            self._send_waiting(message)
        elif record is not None:
            self._send_spooled(record)
        else:
            self._look_at = time.monotonic() + _LOOK_FOR_ORPHANS_EVERY
            self._send_orphans()

    def _send_waiting(self, message: Outgoing) -> None:
        try:
            self._send(message, uncertain=False)
        except Exception as error:  # noqa: BLE001 - a client library's bug must not end the thread
            self._complaints.warn(f"the bus does not take them: {error}")
            with self._lock:
                self._put_aside(uncertain=isinstance(error, UncertainError))
        else:
            with self._lock:
                self._waiting.popleft()
                self._bytes -= len(message.value)
            self._counts.add("exported", message.spans, message.events)

    def _send_spooled(self, record: Record) -> None:
        """Send the oldest message on disk, repeating with growing pauses until the bus has it or time is up."""
        message, uncertain, pause = record.message, record.uncertain, _PAUSE[0]
        while True:
            try:
                self._send(message, uncertain=uncertain)
                break
            except Exception as error:  # noqa: BLE001 - as above
                uncertain = uncertain or isinstance(error, UncertainError)
                self._complaints.warn(f"the bus does not take them: {error}")
            if self._closing_at is not None and time.monotonic() >= self._closing_at:
                return
            self._hurry.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
            self._hurry.clear()
            pause = min(pause * 2, _PAUSE[1])
        with self._lock:
            if self._spool is not None:
                self._spool.drop(record)
        self._counts.move("spooled", "exported", message.spans, message.events)

    def _send_orphans(self) -> None:
        """Send what processes left on disk that have ended; what fails is for later, or for another process."""
        for orphan in adopt(self._folder) if self._folder is not None else ():
            try:
                while (record := orphan.first()) is not None and self._closing_at is None:
                    self._send(record.message, uncertain=record.uncertain)
                    orphan.drop(record)
                    self._counts.add("recovered", record.message.spans, record.message.events)
            finally:
                orphan.close()

    def _send(self, message: Outgoing, *, uncertain: bool) -> None:
        """Send a message, unless it is one that may be on the bus and is found there."""
        if uncertain and self._bus.holds(message.topic, message.value, since=message.made - _SLACK):
            return
        if self._producer is None:
            self._producer = self._bus.producer(persistent=True)
        self._producer.send(message.topic, message.value, key=message.key)

    def _put_aside(self, *, uncertain: bool = False) -> None:
        """Move what waits in memory to the disk, before what is there already."""
        waiting, self._waiting, self._bytes = list(self._waiting), deque(), 0
        self._to_disk(waiting, first=True, uncertain=uncertain)

    def _to_disk(self, messages: list[Outgoing], *, first: bool = False, uncertain: bool = False) -> None:
        if not messages:
            return
        spans, events = sum(each.spans for each in messages), sum(each.events for each in messages)
        try:
            spool = self._own_spool()
            if first:
                spool.prepend(messages, uncertain=uncertain)
            else:
                spool.append(messages[0])
            self._counts.add("spooled", spans, events)
        except OSError as error:
            self._complaints.warn(f"they cannot be kept on disk: {error}")
            self._counts.add("dropped", spans, events)

    def _own_spool(self) -> Spool:
        if self._spool is None:
            if self._folder is None:
                raise OSError("there is no folder for a spool")
            self._spool = open_spool(self._folder, self._limit)
        return self._spool

    def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close()
            except Exception:  # noqa: BLE001 - a broken connection may fail to close in any way
                _log.debug("driftline: the producer did not close cleanly", exc_info=True)


def suppress_key() -> str:
    """The key in the context by which other instrumentations leave our own requests alone."""
    return str(getattr(otel, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"))
