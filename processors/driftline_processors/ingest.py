"""From the bus to the store: batches of OTLP request bytes into the Null tables, each exactly once.

A batch is claimed on the bus before its bytes are inserted, and its name is the insert's deduplication
token. Whatever dies in between, the same bytes come again under the same name, and the engine leaves
out what it has. A batch that the engine cannot parse is searched for the messages at fault; those go to
the dead letters with their place and error, the others into the store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from clickhouse_connect.driver.exceptions import DatabaseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from driftline.errors import FencedError
from driftline_processors.otlp import LOG_SCHEMA, TRACE_SCHEMA, frame, insert_settings
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Batch, Consumer, Message

logger = logging.getLogger(__name__)

GROUP: Final = "ingest"

_MEMORY_LIMIT: Final = 241
"""Passes by itself, or comes from a damaged message that announces a text of terabytes."""


@dataclass(frozen=True)
class Target:
    """Where a topic's messages go and how the engine reads them.

    Attributes:
        table: Null table that the views read.
        probe: Null table of the same form without views, to find unreadable messages with.
        request: the messages' type.
    """

    topic: str
    table: str
    probe: str
    schema: str
    request: type[Any]


TARGETS: Final = (
    Target(SPANS_TOPIC, "otlp_traces", "otlp_traces_probe", TRACE_SCHEMA, ExportTraceServiceRequest),
    Target(LOGS_TOPIC, "otlp_logs", "otlp_logs_probe", LOG_SCHEMA, ExportLogsServiceRequest),
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
        except DatabaseError as error:
            if is_transient(error) and error.code != _MEMORY_LIMIT:
                raise
            self._store_around_bad_messages(batch, error)

    def _insert(self, table: str, messages: tuple[Message, ...], token: str) -> None:
        insert(self.client, table, self.target.schema, [message.value for message in messages], token)

    def _store_around_bad_messages(self, batch: Batch, error: DatabaseError) -> None:
        bad = self._unreadable(batch.messages)
        if not bad:
            # Every message can be read, so the fault is in our views or the store: repeating is right, dropping is not.
            raise error
        letters = [
            [batch.bus_id, batch.topic, batch.partition, message.offset, why, message.value]
            for message, why in bad.values()
        ]
        self.client.insert(
            "dead_letters",
            letters,
            column_names=["bus_id", "topic", "partition", "offset", "error", "value"],
            settings={"insert_deduplication_token": batch.token + "/dead", "async_insert": 0},
        )
        self.counts.dead_letters += len(letters)
        first, why = bad[min(bad)]
        logger.warning(
            "%d of %d messages of topic %s, partition %d cannot be read and are dead letters now; first: offset %d, %s",
            len(bad), len(batch.messages), batch.topic, batch.partition, first.offset, why,
        )  # fmt: skip
        good = tuple(message for message in batch.messages if message.offset not in bad)
        if good:
            self._insert(self.target.table, good, batch.token)

    def _unreadable(self, messages: tuple[Message, ...]) -> dict[int, tuple[Message, str]]:
        """Messages that the engine cannot parse, by offset.

        Those that protobuf's own parser refuses are tried one by one and the rest by halving, as few are bad
        there. The engine decides: it takes texts that are no UTF-8, for one.
        """
        kinds: dict[bool, list[Message]] = {True: [], False: []}
        for message in messages:
            kinds[self._is_whole(message)].append(message)
        bad = self._probed(tuple(kinds[True]))
        for message in kinds[False]:
            bad |= self._probed((message,), damaged=True)
        return bad

    def _is_whole(self, message: Message) -> bool:
        try:
            self.target.request.FromString(message.value)
        except DecodeError:
            return False
        return True

    def _probed(self, messages: tuple[Message, ...], *, damaged: bool = False) -> dict[int, tuple[Message, str]]:
        """Messages that the engine cannot parse, found by halving."""
        if not messages:
            return {}
        try:
            self._insert(self.target.probe, messages, "")
        except DatabaseError as error:
            if is_transient(error) and not (damaged and error.code == _MEMORY_LIMIT):
                raise
            if len(messages) == 1:
                return {messages[0].offset: (messages[0], reason(error))}
            middle = len(messages) // 2
            return self._probed(messages[:middle]) | self._probed(messages[middle:])
        return {}


def insert(client: Client, table: str, schema: str, values: Sequence[bytes], token: str) -> None:
    """Insert messages as one block.

    Args:
        client: of the store.
        table: a Null table that takes OTLP.
        schema: of its messages.
        values: the messages' bytes.
        token: names the bytes; a repeat with the same token changes nothing; '': no repeat is recognised.

    Raises:
        clickhouse_connect.driver.exceptions.Error: a message cannot be read, or the store is away.
    """
    client.raw_insert(
        table,
        insert_block=b"".join(frame(value) for value in values),
        fmt="Protobuf",
        settings=insert_settings(schema, token),
    )


def reason(error: DatabaseError) -> str:
    """The engine's sentence, without the client's words before it, its version and our bytes."""
    return str(error).rpartition("DB::Exception: ")[2].partition("(for url")[0].strip()[:500]
