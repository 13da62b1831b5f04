"""From the bus to the store: batches of OTLP request bytes into the Null tables, each exactly once.

A batch is claimed on the bus before its bytes are inserted, and its name is the insert's deduplication
token. Whatever dies in between, the same bytes come again under the same name, and the engine leaves
out what it has. A batch that cannot be parsed is searched for the messages at fault; those go to
the dead letters with their place and error, the others into the store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import FencedError
from driftline.otlp.decode import UnreadableError, from_json, is_json
from driftline.otlp.signals import LOGS, TRACES
from driftline_processors.otlp import LOG_SCHEMA, TRACE_SCHEMA, frame, insert_settings
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.bus import Batch, Consumer, Message
    from driftline.otlp.signals import Signal

logger = logging.getLogger(__name__)

GROUP: Final = "ingest"


@dataclass(frozen=True)
class Target:
    """Where a topic's messages go and how the engine reads them.

    Attributes:
        table: Null table that the views read.
        probe: Null table of the same form without views, to find unreadable messages with.
    """

    signal: Signal
    table: str
    probe: str
    schema: str

    @property
    def topic(self) -> str:
        """Where its messages come from."""
        return self.signal.topic


TARGETS: Final = (
    Target(TRACES, "otlp_traces", "otlp_traces_probe", TRACE_SCHEMA),
    Target(LOGS, "otlp_logs", "otlp_logs_probe", LOG_SCHEMA),
)


@dataclass
class Counts:
    """What one worker has done since it started."""

    batches: int = 0
    messages: int = 0
    bytes: int = 0
    dead_letters: int = 0


@dataclass
class Ingest:
    """Moves one topic's messages into the store, a batch at a time."""

    target: Target
    consumer: Consumer
    client: Client
    max_bytes: int
    counts: Counts = field(default_factory=Counts)

    def step(self, timeout: float) -> Batch | None:
        """Store one batch, waiting for it at most ``timeout`` seconds.

        Returns:
            the batch that was stored, or None if there was none or it belongs to another member now.

        Raises:
            BusError: the bus is away; nothing was lost, call again.
            clickhouse_connect.driver.exceptions.Error: the store is away; the same batch comes again.
        """
        batch = self.consumer.take(max_bytes=self.max_bytes, timeout=timeout)
        if batch is None:
            return None
        self._store(batch)
        try:
            self.consumer.done(batch)
        except FencedError:
            logger.info("batch %s went to another member, who repeats it without effect", batch.token)
            return None
        self.counts.batches += 1
        self.counts.messages += len(batch.messages)
        self.counts.bytes += sum(len(message.value) for message in batch.messages)
        return batch

    def _store(self, batch: Batch) -> None:
        try:
            self._insert(self.target.table, batch.messages, batch.token)
        except (DatabaseError, UnreadableError) as error:
            if is_transient(error):
                raise
            self._store_around_bad_messages(batch, error)

    def _insert(self, table: str, messages: tuple[Message, ...], token: str) -> None:
        self.client.raw_insert(
            table,
            insert_block=b"".join(frame(self._protobuf(message.value)) for message in messages),
            fmt="Protobuf",
            settings=insert_settings(self.target.schema, token),
        )

    def _protobuf(self, value: bytes) -> bytes:
        """The message as the engine reads it; a Collector may have written JSON."""
        if not is_json(value):
            return value
        return bytes(from_json(self.target.signal, value).SerializeToString())

    def _store_around_bad_messages(self, batch: Batch, error: DatabaseError | UnreadableError) -> None:
        bad = self._unreadable(batch.messages)
        if not bad:
            # Every message can be read, so the fault is in our views or the store: repeating is right, dropping is not.
            raise error
        letters = [
            [batch.topic, batch.partition, message.offset, reason, message.value] for message, reason in bad.values()
        ]
        self.client.insert(
            "dead_letters",
            letters,
            column_names=["topic", "partition", "offset", "error", "value"],
            settings={"insert_deduplication_token": batch.token + "/dead", "async_insert": 0},
        )
        self.counts.dead_letters += len(letters)
        first, reason = next(iter(bad.values()))
        logger.warning(
            "%d of %d messages of topic %s, partition %d cannot be read and are dead letters now; first: offset %d, %s",
            len(bad), len(batch.messages), batch.topic, batch.partition, first.offset, reason,
        )  # fmt: skip
        good = tuple(message for message in batch.messages if message.offset not in bad)
        if good:
            self._insert(self.target.table, good, batch.token)

    def _unreadable(self, messages: tuple[Message, ...]) -> dict[int, tuple[Message, str]]:
        """Messages that the engine cannot parse, by offset, found by halving."""
        try:
            self._insert(self.target.probe, messages, "")
        except (DatabaseError, UnreadableError) as error:
            if is_transient(error):
                raise
            if len(messages) == 1:
                return {messages[0].offset: (messages[0], _reason(error))}
            middle = len(messages) // 2
            return self._unreadable(messages[:middle]) | self._unreadable(messages[middle:])
        return {}


def _reason(error: DatabaseError | UnreadableError) -> str:
    """The engine's sentence, without its version and our bytes."""
    return str(error).partition("(for url")[0].strip()[:500]
