"""The bus as the rest of Driftline sees it: a partitioned, replayable log of OTLP request bytes.

A consumer reads *batches*: a contiguous run of offsets of one partition, claimed before it is handed
out. A batch that was claimed but never finished is handed out again with the same first and last
offset, also to another member and after a crash, so its ``token`` always names the same bytes. That
makes the token usable as ClickHouse's ``insert_deduplication_token``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

SPANS_TOPIC = "otlp_spans"
"""Values are serialized ``ExportTraceServiceRequest`` messages; the OTel Collector's default name."""

LOGS_TOPIC = "otlp_logs"
"""Values are serialized ``ExportLogsServiceRequest`` messages."""

MAX_MESSAGES = 20_000
"""Most messages in one batch: of tiny ones, what each costs beside its bytes counts."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record of the log: its place and its value, bare OTLP request bytes."""

    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A claimed, contiguous run of one partition.

    Attributes:
        bus_id: identity of the log (Kafka topic id, UUID of the SQLite file), so that a recreated
            topic, whose offsets start again, does not repeat old tokens.
        messages: in offset order; gaps are possible (compaction, transaction markers).
        first: first offset of the claim.
        last: last offset of the claim, inclusive.
    """

    bus_id: str
    topic: str
    partition: int
    first: int
    last: int
    messages: tuple[Message, ...]

    @property
    def token(self) -> str:
        """Name of these bytes for ever: ``bus_id/topic/partition/first-last``."""
        return f"{self.bus_id}/{self.topic}/{self.partition}/{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of one partition that a group has finished, to be read again.

    Attributes:
        first: its first offset.
        end: the offset after its last one; with gaps there are fewer messages than offsets.
    """

    topic: str
    partition: int
    first: int
    end: int


def unfinished(topic: str, partition: int, group: str) -> BusError:
    """The error of a claim whose owner ended before it was done."""
    return BusError(
        f"group {group!r} has left a batch of partition {partition} of {topic!r} unfinished; start that part, which "
        "finishes it, and stop it with Ctrl-C or SIGTERM"
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one member of a group stands.

    Attributes:
        lag: messages that are not finished, by partition that this member owns.
        rebalances: how often the partitions were shared out anew since it joined.
    """

    lag: Mapping[int, int]
    rebalances: int


class Producer(Protocol):
    """Appends to the bus. Safe for use from several threads."""

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:
        """Append one message durably, as the bus understands it, before returning.

        Raises:
            UncertainError: the message may be on the bus.
            BusError: the bus is away or refused the message; nothing was promised to be stored.
        """

    def close(self) -> None:
        """Release connections; nothing sent before is lost."""


class Consumer(Protocol):
    """A member of a consumer group on one topic. Not safe for use from several threads."""

    def take(self, *, max_bytes: int, timeout: float, linger: float = 0.0) -> Batch | None:
        """Claim and return the next batch, or None if nothing arrived within ``timeout`` seconds.

        An unfinished claim, ours or a dead member's, comes first and whole, whatever ``max_bytes``.
        A new batch has at least one message and stops before ``max_bytes`` of values or ``MAX_MESSAGES``
        is exceeded. After one that was not full, the next that is not full comes no sooner than
        ``linger`` seconds later, so that messages share batches; partitions take turns.

        Raises:
            BusError: the bus is away.
        """

    def done(self, batch: Batch) -> None:
        """Move the group past a batch that is safely stored.

        Raises:
            FencedError: the partition was given to another member, who redoes the batch; or, after the bus
                was away, it is unknown whether it was, and if not, ``take`` returns the same batch again.
            BusError: the bus is away; ``take`` will return the same batch again.
        """

    def assigned(self) -> bool:
        """Whether this member owns any partition: with one-partition topics, whether it is the leader.

        Raises:
            BusError: the bus is away, so nobody knows.
        """

    def standing(self) -> Standing:
        """What this member owns and how far behind it is; nothing while that is being settled.

        Raises:
            BusError: the bus is away.
        """

    def close(self) -> None:
        """Leave the group, so that others take over at once."""


class Bus(Protocol):
    """A place to send messages to and read them from, named by one URL."""

    url: str
    """The URL with any password replaced by ``***``."""

    def producer(self, *, persistent: bool = False) -> Producer:
        """Open a producer.

        Args:
            persistent: sending a message again that was not acknowledged in time does not store it twice; it is the
                only thing that is sent until then.

        Raises:
            BusError: the bus cannot be reached.
        """

    def consumer(self, topic: str, *, group: str) -> Consumer:
        """Join ``group`` on ``topic``, from the oldest message when the group is new.

        Raises:
            BusError: the bus cannot be reached.
        """

    def lag(self, topic: str, *, group: str) -> int:
        """Messages that the group has not finished, whoever reads them; joins nothing.

        Raises:
            BusError: the bus cannot be reached.
        """

    def members(self, topic: str, *, group: str) -> int:
        """Members of the group that are alive, as far as the bus knows; joins nothing.

        A member that was killed counts until its membership lapses, some ten seconds later.

        Raises:
            BusError: the bus cannot be reached.
        """

    def finished(self, topic: str, *, group: str, since: float, until: float) -> list[Stretch]:
        """Where the messages are that came within a time range and that the group has finished.

        Args:
            topic: where they are.
            group: who has finished them.
            since: bus time of the first message, in seconds since 1970.
            until: bus time before which the last one came.

        Raises:
            BusError: the bus cannot be reached, or the group left a batch unfinished, of which nobody knows
                whether it is stored.
        """

    def read(self, stretch: Stretch) -> Iterator[Message]:
        """The messages of a stretch that are still there, in order; outside of any group.

        Raises:
            BusError: the bus cannot be reached.
        """

    def holds(self, topic: str, value: bytes, *, since: float) -> bool:
        """Whether the topic has this message, sent no earlier than ``since``: for who died before it knew.

        Args:
            topic: where to look.
            value: the message's bytes.
            since: bus time, in seconds since 1970.

        Raises:
            BusError: the bus cannot be reached.
        """

    def prune(self, older_than_seconds: float) -> int:
        """Delete messages that every known group has finished and that are older than this.

        Returns:
            How many were deleted; 0 on a bus that does this by itself.

        Raises:
            BusError: the bus cannot be reached.
        """

    def close(self) -> None:
        """Release what the bus itself holds."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
