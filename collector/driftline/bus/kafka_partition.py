"""What a Kafka consumer knows of one of its partitions: how far it is done, what is claimed and read."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftline.bus.protocol import MAX_MESSAGES

if TYPE_CHECKING:
    from driftline.bus.protocol import Message

Committed = tuple[int, str]
"""An offset and its metadata, as the broker keeps them for the group."""


@dataclass
class Partition:
    """State of one partition since it was last compared with what the broker has committed.

    Attributes:
        committed: what the broker has, to be compared after a rebalance; None if nothing.
        next: first offset that is not done; None for a group that starts at the oldest message.
        last: last offset of the unfinished claim, whose first is ``next``.
        buffer: messages read ahead, from ``next`` on, without a hole.
        size: bytes of values in the buffer.
    """

    committed: Committed | None = None
    next: int | None = None
    last: int | None = None
    buffer: deque[Message] = field(default_factory=deque)
    size: int = 0

    @classmethod
    def from_committed(cls, committed: Committed | None, bus_id: str) -> Partition:
        """Understand a commit; one that was made for another topic of this name counts as none."""
        if committed is None:
            return cls()
        offset, metadata = committed
        kind, _, rest = metadata.partition(":")
        last, _, owner = rest.partition(":") if kind == "claim" else ("", "", rest)
        if kind in {"claim", "done"} and owner != bus_id:
            return cls(committed=committed)
        return cls(committed=committed, next=offset, last=int(last) if last else None)

    @property
    def end(self) -> int | None:
        """The offset to read from; None for the oldest that is kept."""
        return self.buffer[-1].offset + 1 if self.buffer else self.next

    def add(self, messages: list[Message]) -> bool:
        """Append what was read.

        Returns:
            False if it does not follow what is there: the log was recreated or cut.
        """
        if messages and self.end is not None and messages[0].offset < self.end:
            return False
        self.buffer.extend(messages)
        self.size += sum(len(message.value) for message in messages)
        return True

    def holds(self, size: int) -> bool:
        """Whether the buffer has so many bytes, or as many messages as a batch may have."""
        return self.size >= size or len(self.buffer) >= MAX_MESSAGES

    def fitting(self, max_bytes: int) -> tuple[Message, ...]:
        """The messages of the next batch: at least one, and no more than ``max_bytes`` or ``MAX_MESSAGES``."""
        taken: list[Message] = []
        total = 0
        for message in self.buffer:
            total += len(message.value)
            if taken and (total > max_bytes or len(taken) == MAX_MESSAGES):
                break
            taken.append(message)
        return tuple(taken)

    def claimed(self) -> tuple[Message, ...]:
        """The messages of the unfinished claim that have been read so far."""
        last = -1 if self.last is None else self.last
        taken: list[Message] = []
        for message in self.buffer:
            if message.offset > last:
                break
            taken.append(message)
        return tuple(taken)

    def has_whole_claim(self) -> bool:
        """Whether the buffer reaches the end of the unfinished claim; true if nothing is claimed."""
        return self.last is None or bool(self.buffer and self.buffer[-1].offset >= self.last)

    def move(self, offset: int, last: int | None, committed: Committed) -> None:
        """Remember what the broker has accepted: a claim, or without ``last`` the end of one."""
        while self.buffer and self.buffer[0].offset < offset:
            self.size -= len(self.buffer.popleft().value)
        self.next, self.last, self.committed = offset, last, committed
