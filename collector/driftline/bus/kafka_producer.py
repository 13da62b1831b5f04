"""Appends to Kafka's topics: each message acknowledged by all in-sync replicas before its sender goes on."""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import kafka
import kafka.errors as kafka_errors

from driftline.bus.kafka_client import REQUEST_SECONDS, explained, open_client, reason
from driftline.bus.kafka_topics import Topics
from driftline.errors import BusError, UncertainError

if TYPE_CHECKING:
    from driftline.bus.kafka_url import KafkaUrl

_SEND_SECONDS = 10.0
"""How long a message may wait for its acknowledgement, all repetitions included."""

_PERSISTENT_SECONDS = 7 * 86_400.0
"""How long a persistent producer's client repeats a message by itself."""

_ENVELOPE_BYTES = 64 * 1024
"""Room in a request for key, headers and framing around the longest message."""


class KafkaBusProducer:
    """Appends to topics, which it creates when they are absent.

    Args:
        url: of the cluster.
        max_message_bytes: longest message, before compression.
        persistent: a message without acknowledgement in time stays under way, under the producer id and sequence
            number by which brokers recognise repetitions. Sending it again waits for the same acknowledgement, so
            that it is on the bus once, however often and long brokers were away.
    """

    def __init__(self, url: KafkaUrl, *, max_message_bytes: int, persistent: bool = False) -> None:
        self._url = url
        self._max_message_bytes = max_message_bytes
        self._persistent = persistent
        self._under_way: tuple[str, bytes, Any] | None = None
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
        with explained(self._url, f"sending {len(value)} bytes to {topic!r}"):
            if self._persistent:
                self._insist(topic, value, key)
            else:
                self._send(topic, value, key)

    def _send(self, topic: str, value: bytes, key: bytes | None) -> None:
        client = self._current(topic)
        try:
            client.send(topic, value=value, key=key).get(timeout=_SEND_SECONDS + 1)
        except kafka_errors.KafkaTimeoutError:
            self._retire(client)
            raise

    def _insist(self, topic: str, value: bytes, key: bytes | None) -> None:
        """Wait for the acknowledgement of this message, sending it unless it is under way already.

        Raises:
            UncertainError: the client gave it up, so that it may or may not be on the bus.
        """
        client = self._current(topic)
        if self._under_way is None or self._under_way[:2] != (topic, value):
            self._under_way = (topic, value, client.send(topic, value=value, key=key))
        future = self._under_way[2]
        try:
            future.get(timeout=_SEND_SECONDS)
        except kafka_errors.KafkaError as error:
            if not future.is_done:
                raise BusError(
                    f"Kafka at {','.join(self._url.servers)} has not acknowledged {len(value)} bytes for {topic!r} "
                    f"within {_SEND_SECONDS:.0f} s; see that the brokers run and are reachable under the names that "
                    "they advertise"
                ) from None
            self._under_way = None
            self._retire(client)
            raise UncertainError(
                f"Kafka at {','.join(self._url.servers)} gave up {len(value)} bytes for {topic!r}: {reason(error)}"
            ) from None
        self._under_way = None

    def close(self) -> None:
        """Disconnect; every message that ``send`` returned for is stored already."""
        if self._pid != os.getpid():
            return
        with self._lock:
            clients = [*self._retired, self._client]
            self._retired, self._client = [], None
        for client in clients:
            if client is not None:
                if self._under_way is not None:
                    _force(client)  # it would wait for the acknowledgement
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
            self._inherited.append((self._client, self._retired, self._under_way))
            self._pid, self._lock = os.getpid(), threading.Lock()
            self._client, self._retired, self._under_way = None, [], None
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
            compression_type="zstd",  # a fifth of gzip's CPU time here, and a sixth of it in ingest
            max_request_size=self._max_message_bytes + _ENVELOPE_BYTES,
            delivery_timeout_ms=int((_PERSISTENT_SECONDS if self._persistent else _SEND_SECONDS) * 1000),
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
