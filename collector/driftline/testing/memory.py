"""A bus in memory."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from driftline.bus.protocol import Batch, Message, Standing, Stretch, unfinished
from driftline.errors import BusError, FencedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@dataclass
class _Group:
    done: int = 0
    claim: tuple[int, int] | None = None
    members: list[InMemoryConsumer] = field(default_factory=list)


class InMemoryBus:
    """A bus that lives and ends with the process; every topic has one partition.

    Attributes:
        failure: when set, every ``send`` and every new producer raises ``BusError`` with this text.
        max_message_bytes: when set, longer messages are refused, as a broker would.
    """

    def __init__(self, *, bus_id: str = "memory", max_message_bytes: int | None = None) -> None:
        self.url = f"memory://{uuid.uuid4().hex}"
        self.bus_id = bus_id
        self.max_message_bytes = max_message_bytes
        self.failure: str | None = None
        self.changed = threading.Condition()
        self.groups: dict[tuple[str, str], _Group] = {}
        self._topics: dict[str, list[tuple[bytes | None, bytes]]] = {}
        self._times: dict[str, list[float]] = {}

    def producer(self, *, persistent: bool = False) -> InMemoryProducer:  # noqa: ARG002 - nothing is ever uncertain
        """Open a producer."""
        self.check()
        return InMemoryProducer(self)

    def consumer(self, topic: str, *, group: str) -> InMemoryConsumer:
        """Join a group; its first member owns the partition."""
        return InMemoryConsumer(self, topic, self.groups.setdefault((group, topic), _Group()))

    def lag(self, topic: str, *, group: str) -> int:
        """Messages that the group has not finished."""
        return len(self.values(topic)) - self.groups.get((group, topic), _Group()).done

    def members(self, topic: str, *, group: str) -> int:
        """Members of the group."""
        return len(self.groups.get((group, topic), _Group()).members)

    def finished(self, topic: str, *, group: str, since: float, until: float) -> list[Stretch]:
        """What the group has finished of the messages sent within a time range.

        Raises:
            BusError: the group left a batch unfinished.
        """
        state = self.groups.get((group, topic), _Group())
        if state.claim is not None:
            raise unfinished(topic, 0, group)
        offsets = [offset for offset, at in enumerate(self._times.get(topic, [])) if since <= at < until]
        end = min(offsets[-1] + 1, state.done) if offsets else 0
        return [Stretch(topic, 0, offsets[0], end)] if offsets and offsets[0] < end else []

    def read(self, stretch: Stretch) -> Iterator[Message]:
        """The messages of a stretch."""
        values = self.values(stretch.topic)
        return (Message(offset, values[offset]) for offset in range(stretch.first, stretch.end))

    def holds(self, topic: str, value: bytes, *, since: float) -> bool:
        """Whether the topic has this message."""
        return any(
            at >= since and known == value
            for at, known in zip(self._times.get(topic, []), self.values(topic), strict=True)
        )

    def prune(self, older_than_seconds: float) -> int:  # noqa: ARG002
        """Nothing to do: tests look at what was sent."""
        return 0

    def close(self) -> None:
        """Nothing to release."""

    def check(self) -> None:
        """Raise what the test wants the bus to fail with."""
        if self.failure is not None:
            raise BusError(self.failure)

    def append(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Store one message."""
        self.check()
        if self.max_message_bytes is not None and len(value) > self.max_message_bytes:
            raise BusError(f"message of {len(value)} bytes exceeds {self.max_message_bytes}")
        with self.changed:
            self._topics.setdefault(topic, []).append((key, value))
            self._times.setdefault(topic, []).append(time.time())
            self.changed.notify_all()

    def values(self, topic: str) -> list[bytes]:
        """All messages of a topic, oldest first."""
        return [value for _, value in self._topics.get(topic, [])]

    def keys(self, topic: str) -> list[bytes | None]:
        """The keys of all messages of a topic, oldest first."""
        return [key for key, _ in self._topics.get(topic, [])]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InMemoryProducer:
    """Appends to an ``InMemoryBus``."""

    def __init__(self, bus: InMemoryBus) -> None:
        self._bus = bus

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:
        """Append one message.

        Raises:
            BusError: the test set ``failure``, or the message is too long.
        """
        self._bus.append(topic, key, value)

    def close(self) -> None:
        """Nothing to release."""


class InMemoryConsumer:
    """A member of a group of an ``InMemoryBus``."""

    def __init__(self, bus: InMemoryBus, topic: str, group: _Group) -> None:
        self._bus = bus
        self._topic = topic
        self._group = group
        group.members.append(self)

    def take(self, *, max_bytes: int, timeout: float, linger: float = 0.0) -> Batch | None:  # noqa: ARG002
        """Claim the next messages, the unfinished claim first."""
        deadline = time.monotonic() + timeout
        with self._bus.changed:
            while not self.assigned() or (self._group.claim is None and self._waiting() == 0):
                if not self._bus.changed.wait(deadline - time.monotonic()):
                    return None
            values = self._bus.values(self._topic)
            if self._group.claim is None:
                self._group.claim = (self._group.done, self._last(values, max_bytes))
            first, last = self._group.claim
            messages = tuple(Message(offset, values[offset]) for offset in range(first, last + 1))
            return Batch(self._bus.bus_id, self._topic, 0, first, last, messages)

    def _last(self, values: list[bytes], max_bytes: int) -> int:
        last = self._group.done
        size = len(values[last])
        while last + 1 < len(values) and size + len(values[last + 1]) <= max_bytes:
            last += 1
            size += len(values[last])
        return last

    def done(self, batch: Batch) -> None:
        """Move the group past a batch.

        Raises:
            FencedError: another member owns the partition now.
        """
        with self._bus.changed:
            if not self.assigned() or self._group.claim != (batch.first, batch.last):
                raise FencedError(f"batch {batch.token} belongs to another member now; drop it")
            self._group.claim = None
            self._group.done = batch.last + 1

    def assigned(self) -> bool:
        """Whether this is the group's oldest member."""
        return bool(self._group.members) and self._group.members[0] is self

    def standing(self) -> Standing:
        """How far behind the group is, if this member leads it."""
        return Standing({0: self._waiting()} if self.assigned() else {}, 0)

    def _waiting(self) -> int:
        return len(self._bus.values(self._topic)) - self._group.done

    def close(self) -> None:
        """Leave the group; the next member takes over, with the unfinished claim."""
        with self._bus.changed:
            if self in self._group.members:
                self._group.members.remove(self)
            self._bus.changed.notify_all()
