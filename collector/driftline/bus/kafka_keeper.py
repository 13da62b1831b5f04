"""Keeps a Kafka group member polling between the calls of its consumer.

A group comes to rest only when all members poll at the same time: kafka-python throws the outcome of a
join away when it arrives while nobody polls (it then joins anew), so that members which call only now
and then, or stay in an insert, would keep each other from ever agreeing. With this thread a rebalance
takes milliseconds, also while a batch is being inserted.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.bus.kafka_member import KafkaMember

MAX_SILENCE_SECONDS = 600.0
"""How long the consumer may make no call, that is the longest insert, before its membership lapses."""

_PAUSE_SECONDS = 0.2
_POLL_SECONDS = 0.02
"""Long enough for a join to begin, which shows in the member's state, and short for a caller to wait."""


class Keeper:
    """The thread that polls for one consumer, and the lock by which the two take turns."""

    def __init__(self, member: KafkaMember) -> None:
        """Start polling."""
        self._member = member
        self._lock = threading.Lock()
        self._wanted = False
        self._called = time.monotonic()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="driftline-kafka-keeper", daemon=True)
        self._thread.start()

    @contextmanager
    def call(self) -> Iterator[KafkaMember]:
        """Have the member to oneself for one call of the consumer."""
        self._wanted = True
        with self._lock:
            self._wanted = False
            self._called = time.monotonic()
            yield self._member
        if not self._member.settled:
            self._wake.set()  # a join is under way: see to it without a gap

    def stop(self) -> None:
        """Leave the group and end the thread."""
        self._stopped = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(_PAUSE_SECONDS)
            self._wake.clear()
            if self._wanted or time.monotonic() - self._called > MAX_SILENCE_SECONDS:
                continue
            with self._lock:
                self._poll()
        self._member.leave()

    def _poll(self) -> None:
        wait = _POLL_SECONDS
        while self._member.joined and not self._stopped:
            try:
                self._member.poll(wait)
            except BusError:
                return  # the consumer's next call joins anew, and reports it if that fails
            if self._member.settled or self._wanted:
                return
            wait = _PAUSE_SECONDS
