"""From the bus to the store: batches of OTLP request bytes into the Null tables, each exactly once.

A batch is claimed on the bus before its bytes are inserted, and its name is the insert's deduplication
token. Whatever dies in between, the same bytes come again under the same name, and the engine leaves
out what it has. A batch that cannot be parsed is searched for the messages at fault; those go to
the dead letters with their place and error, the others into the store.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import FencedError
from driftline.otlp.decode import UnreadableError
from driftline_processors.targets import may_be_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Batch, Consumer

logger = logging.getLogger(__name__)

GROUP: Final = "ingest"


class Destination(Protocol):
    """Where a topic's messages go."""

    @property
    def topic(self) -> str:
        """Where they come from."""

    def insert(self, client: Client, values: Iterable[bytes], token: str) -> None:
        """Insert them as one block, which a repeat with the same token does not change."""

    def unreadable(self, client: Client, values: Sequence[bytes]) -> dict[int, str]:
        """Which of them cannot be read, and why, by their number."""


@dataclass
class Counts:
    """What one worker has done since it started; ``fenced`` batches went to another member meanwhile."""

    batches: int = 0
    messages: int = 0
    bytes: int = 0
    insert_seconds: float = 0.0
    dead_letters: int = 0
    fenced: int = 0


@dataclass
class Ingest:
    """Moves one topic's messages into the store, a batch at a time."""

    target: Destination
    consumer: Consumer
    client: Client
    max_bytes: int
    linger: float = 0.0
    counts: Counts = field(default_factory=Counts)

    def step(self, timeout: float) -> Batch | None:
        """Store one batch, waiting for it at most ``timeout`` seconds.

        Returns:
            the batch that was stored, or None if there was none or it belongs to another member now.

        Raises:
            BusError: the bus is away; nothing was lost, call again.
            clickhouse_connect.driver.exceptions.Error: the store is away; the same batch comes again.
        """
        batch = self.consumer.take(max_bytes=self.max_bytes, timeout=timeout, linger=self.linger)
        if batch is None:
            return None
        began = time.monotonic()
        self._store(batch)
        self.counts.insert_seconds += time.monotonic() - began
        try:
            self.consumer.done(batch)
        except FencedError:
            logger.info("batch %s went to another member, who repeats it without effect", batch.token)
            self.counts.fenced += 1
            return None
        self.counts.batches += 1
        self.counts.messages += len(batch.messages)
        self.counts.bytes += sum(len(message.value) for message in batch.messages)
        return batch

    def _store(self, batch: Batch) -> None:
        try:
            self.target.insert(self.client, (message.value for message in batch.messages), batch.token)
        except (DatabaseError, UnreadableError) as error:
            if not may_be_unreadable(error):
                raise
            self._store_around_bad_messages(batch, error)

    def _store_around_bad_messages(self, batch: Batch, error: DatabaseError | UnreadableError) -> None:
        values = [message.value for message in batch.messages]
        bad = self.target.unreadable(self.client, values)
        if not bad:
            # Every message can be read, so the fault is in our views or the store: repeating is right, dropping is not.
            raise error
        letters = [
            [batch.bus_id, batch.topic, batch.partition, batch.messages[number].offset, why, values[number]]
            for number, why in bad.items()
        ]
        self.client.insert(
            "dead_letters",
            letters,
            column_names=["bus_id", "topic", "partition", "offset", "error", "value"],
            settings={"insert_deduplication_token": batch.token + "/dead", "async_insert": 0},
        )
        self.counts.dead_letters += len(letters)
        first = min(bad)
        logger.warning(
            "%d of %d messages of topic %s, partition %d cannot be read and are dead letters now; first: offset %d, %s",
            len(bad), len(batch.messages), batch.topic, batch.partition,
            batch.messages[first].offset, bad[first],
        )  # fmt: skip
        good = [value for number, value in enumerate(values) if number not in bad]
        if good:
            self.target.insert(self.client, good, batch.token)
