"""The way out of the application: a bounded queue and one thread that empties it onto the bus."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry import context as otel
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline.courier import Complaints, Courier

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from driftline.exporter import Outbox

_log = logging.getLogger("driftline")

CAPACITY = 8192
CAPACITY_BYTES = 64 * 1024 * 1024
BATCH = 512
DELAY = 0.2
GIVE_UP = 60.0


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of spans and feedback events since the start; ``emitted`` is the sum of the others.

    Attributes:
        emitted: handed over by the application.
        exported: on the bus.
        dropped: lost, because the bus was away for too long, the queue full or the record unusable.
        pending: still waiting.
    """

    emitted: int = 0
    exported: int = 0
    dropped: int = 0
    pending: int = 0


class Pipeline:
    """Takes spans and events without ever blocking, and sends them from a thread of its own.

    A message that the bus does not take is retried with growing pauses for ``give_up`` seconds. The
    queue is bounded in number and, roughly, in bytes; what does not fit is dropped and counted.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
        delay: float = DELAY,
        give_up: float = GIVE_UP,
    ) -> None:
        self._outbox = outbox
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._delay = delay
        self._give_up = give_up
        self._reset()

    def _reset(self) -> None:
        self._queue: deque[tuple[ReadableSpan | LogRecord, int]] = deque()
        self._bytes = 0
        self._emitted = self._exported = self._dropped = 0
        self._complaints = Complaints()
        self._courier = Courier(self._outbox, self._complaints, give_up=self._give_up)
        self._some = threading.Event()  # there is something to send
        self._changed = threading.Condition()  # guards the queue and the counters
        self._thread: threading.Thread | None = None

    def put(self, item: ReadableSpan | LogRecord) -> None:
        """Hand over a span or an event; returns at once."""
        weight = _weight(item)
        with self._changed:
            self._emitted += 1
            full = len(self._queue) >= self._capacity or self._bytes + weight > self._capacity_bytes
            if full or self._courier.until is not None:
                self._dropped += 1
            else:
                self._queue.append((item, weight))
                self._bytes += weight
            if self._thread is None and self._queue:
                self._start()
            if len(self._queue) >= BATCH:
                self._courier.hurry.set()
            self._some.set()
        if full:
            self._complaints.warn("the queue is full", self._dropped)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="driftline-export", daemon=True)
        thread.start()  # raises while the interpreter exits
        self._thread = thread

    def flush(self, timeout: float) -> bool:
        """Wait until all handed over so far is on the bus or dropped.

        Returns:
            Whether that happened within ``timeout`` seconds.
        """
        with self._changed:
            target = self._emitted
            self._courier.hurry.set()
            return self._changed.wait_for(lambda: self._exported + self._dropped >= target, timeout)

    def close(self, timeout: float) -> bool:
        """Flush, then stop; what is not on the bus within ``timeout`` seconds is dropped."""
        with self._changed:
            self._courier.until = time.monotonic() + timeout
        self._some.set()
        done = self._thread is None or self.flush(timeout)
        self._courier.hurry.set()
        if self._thread is not None:
            self._thread.join(1.0)
        return done

    def stats(self) -> Stats:
        """Count what became of everything handed over."""
        with self._changed:
            pending = self._emitted - self._exported - self._dropped
            return Stats(self._emitted, self._exported, self._dropped, pending)

    def after_fork(self) -> None:
        """Begin anew in a child process: the queue is the parent's, which sends it, and so is the thread."""
        self._outbox.after_fork()
        self._reset()

    def _run(self) -> None:
        # Whatever the bus's client does is not to be traced: that would be sent too, and so on.
        otel.attach(otel.set_value(_suppress_key(), True))
        while True:
            self._some.wait()
            if self._courier.until is None:
                self._courier.hurry.wait(self._delay)
            self._some.clear()
            self._courier.hurry.clear()
            while batch := self._take():
                self._ship(batch)
            if self._courier.until is not None:
                self._outbox.close()
                return

    def _take(self) -> list[ReadableSpan | LogRecord]:
        with self._changed:
            batch: list[ReadableSpan | LogRecord] = []
            while self._queue and len(batch) < BATCH:
                item, weight = self._queue.popleft()
                self._bytes -= weight
                batch.append(item)
            return batch

    def _ship(self, batch: list[ReadableSpan | LogRecord]) -> None:
        left = len(batch)
        try:
            events = [item for item in batch if isinstance(item, LogRecord)]
            spans = [item for item in batch if not isinstance(item, LogRecord)]
            for encoded in (self._outbox.encode_spans(spans), self._outbox.encode_events(events)):
                left -= encoded.dropped
                self._settle(dropped=encoded.dropped)
                for message in encoded.messages:
                    left -= message.count
                    if self._courier.deliver(message, self._dropped):
                        self._settle(exported=message.count)
                    else:
                        self._settle(dropped=message.count)
        except Exception:  # noqa: BLE001 - the thread has to survive whatever it meets
            _log.debug("driftline: a batch was not exported", exc_info=True)
        if left > 0:
            self._settle(dropped=left)
            self._complaints.warn("they could not be encoded", self._dropped)

    def _settle(self, *, exported: int = 0, dropped: int = 0) -> None:
        with self._changed:
            self._exported += exported
            self._dropped += dropped
            self._changed.notify_all()


def _suppress_key() -> str:
    return str(getattr(otel, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"))


def _weight(item: ReadableSpan | LogRecord) -> int:
    """About how many bytes an item holds on to."""
    if isinstance(item, LogRecord):
        return int(item.ByteSize())
    values = (item.attributes or {}).values()
    return 512 + sum(len(value) for value in values if isinstance(value, str))
