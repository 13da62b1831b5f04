"""The bus on Apache Kafka: topics with several partitions, split over the members of a group."""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

import kafka
import kafka.errors as kafka_errors
from kafka.structs import TopicPartition

from driftline.bus.kafka_client import REQUEST_SECONDS, explained, group_id, open_client, open_consumer
from driftline.bus.kafka_consumer import KafkaBusConsumer
from driftline.bus.kafka_past import finished, read
from driftline.bus.kafka_topics import Topics
from driftline.bus.kafka_url import parse_kafka_url
from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from driftline.bus.kafka_url import KafkaUrl
    from driftline.bus.protocol import Message, Stretch

_SEND_SECONDS = 10.0
"""How long a message may wait for its acknowledgement, all repetitions included."""

_ENVELOPE_BYTES = 64 * 1024
"""Room in a request for key, headers and framing around the longest message."""


class KafkaBus:
    """A Kafka cluster.

    Attributes:
        url: with the password replaced by ``***``.
    """

    def __init__(self, url: str, *, max_message_bytes: int) -> None:
        self._url = parse_kafka_url(url)
        self.url = self._url.shown
        self._max_message_bytes = max_message_bytes

    def producer(self) -> KafkaBusProducer:
        """Connect a producer.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        return KafkaBusProducer(self._url, max_message_bytes=self._max_message_bytes)

    def consumer(self, topic: str, *, group: str) -> KafkaBusConsumer:
        """Join ``group`` on ``topic``, from the oldest message when the group is new.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        return KafkaBusConsumer(self._url, topic, group)

    def lag(self, topic: str, *, group: str) -> int:
        """Messages that the group has not finished, whoever reads them.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        patience = int(REQUEST_SECONDS * 1000)
        doing = f"counting what waits in the topic {topic!r}"
        with closing(open_consumer(self._url, group_id(topic, group))) as client, explained(self._url, doing):
            places = [TopicPartition(topic, number) for number in client.partitions_for_topic(topic) or ()]
            ends = client.end_offsets(places, timeout_ms=patience)
            starts = client.beginning_offsets(places, timeout_ms=patience)
            done = {place: client.committed(place, timeout_ms=patience) for place in places}
        return sum(max(0, ends[place] - (done[place] or starts[place])) for place in places)

    def members(self, topic: str, *, group: str) -> int:
        """Members of the group that the brokers take to be alive.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        with closing(Topics(self._url)) as topics:
            return topics.members(group_id(topic, group))

    def finished(self, topic: str, *, group: str, since: float, until: float) -> list[Stretch]:
        """Where the messages are that came within a time range and that the group has finished.

        Raises:
            BusError: the brokers cannot be reached or refuse us, or a batch was left unfinished.
        """
        with closing(Topics(self._url)) as topics:
            bus_id = topics.identity(topic)
        if bus_id is None:
            return []
        doing = f"looking for a time in the topic {topic!r}"
        with closing(open_consumer(self._url, group_id(topic, group))) as client, explained(self._url, doing):
            return finished(client, topic, group, bus_id, since=since, until=until)

    def read(self, stretch: Stretch) -> Iterator[Message]:
        """The messages of a stretch that are still there, in order; outside of any group.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        doing = f"reading the topic {stretch.topic!r}"
        with closing(open_consumer(self._url, None)) as client, explained(self._url, doing):
            yield from read(client, stretch)

    def prune(self, older_than_seconds: float) -> int:  # noqa: ARG002
        """Nothing to do: brokers delete by the retention of the topic."""
        return 0

    def close(self) -> None:
        """Nothing to release: producers and consumers hold their own connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class KafkaBusProducer:
    """Appends to topics, which it creates when they are absent."""

    def __init__(self, url: KafkaUrl, *, max_message_bytes: int) -> None:
        self._url = url
        self._max_message_bytes = max_message_bytes
        self._known: set[str] = set()
        self._inherited: list[Any] = []
        self._retired: list[Any] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._client: Any = self._connect()

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:
        """Append one message; returns once all in-sync replicas have it.

        Raises:
            BusError: the message is too long, or no acknowledgement came.
        """
        if len(value) > self._max_message_bytes:
            raise BusError(
                f"a message for {topic!r} has {len(value)} bytes but the bus takes up to "
                f"{self._max_message_bytes}; split it, or raise the setting 'max_message_bytes' "
                "and the topic's max.message.bytes"
            )
        client = self._current(topic)
        with explained(self._url, f"sending {len(value)} bytes to {topic!r}"):
            try:
                client.send(topic, value=value, key=key).get(timeout=_SEND_SECONDS + 1)
            except kafka_errors.KafkaTimeoutError:
                self._retire(client)
                raise

    def close(self) -> None:
        """Disconnect; every message that ``send`` returned for is stored already."""
        if self._pid != os.getpid():
            return
        with self._lock:
            clients = [*self._retired, self._client]
            self._retired, self._client = [], None
        for client in clients:
            if client is not None:
                _shut(client)

    def _retire(self, client: Any) -> None:
        """Stop using a client that gave up on a message.

        After an expired message kafka-python asks for a new producer id, and when the brokers are away
        then, it never gets over it. Also, the next message learns at once whether they are back.
        """
        with self._lock:
            if client is self._client:
                self._client = None
                self._retired.append(client)
                _force(client)

    def _current(self, topic: str) -> Any:
        """The client of this process, with the topic known to exist."""
        if self._pid != os.getpid():
            # The I/O thread did not come along through the fork. The parent's client is kept, as
            # letting it go would have it wait for that thread.
            self._inherited.append((self._client, self._retired))
            self._pid, self._lock = os.getpid(), threading.Lock()
            self._client, self._retired = None, []
        client = self._client
        if client is not None and topic in self._known:
            return client
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            if topic not in self._known:
                with closing(Topics(self._url)) as topics:
                    topics.ensure(topic)
                self._known.add(topic)
            return self._client

    def _connect(self) -> Any:
        return open_client(
            kafka.KafkaProducer,
            self._url,
            acks="all",
            enable_idempotence=True,
            # The one codec that both kafka-python and every reader have without further packages;
            # lz4 and zstd would need extension modules in the application and in the processors.
            compression_type="gzip",
            max_request_size=self._max_message_bytes + _ENVELOPE_BYTES,
            delivery_timeout_ms=int(_SEND_SECONDS * 1000),
            max_block_ms=int(_SEND_SECONDS * 1000),
            metrics_enabled=False,
        )


def _force(client: Any) -> None:
    """Let the I/O thread end although a message has not been delivered.

    ``close`` cannot do that: it waits for such messages first, and raises before it stops the thread.
    """
    client._sender.force_close()  # noqa: SLF001


def _shut(client: Any) -> None:
    try:
        client.close(timeout=REQUEST_SECONDS)
    except kafka_errors.KafkaError:
        _force(client)
        with suppress(kafka_errors.KafkaError):
            client.close(timeout=REQUEST_SECONDS)
