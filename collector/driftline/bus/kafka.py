"""The bus on Apache Kafka: topics with several partitions, split over the members of a group."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Self

from kafka.structs import TopicPartition

from driftline.bus.kafka_client import REQUEST_SECONDS, explained, group_id, open_consumer
from driftline.bus.kafka_consumer import KafkaBusConsumer
from driftline.bus.kafka_past import after, finished, read
from driftline.bus.kafka_producer import KafkaBusProducer
from driftline.bus.kafka_topics import Topics
from driftline.bus.kafka_url import parse_kafka_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from driftline.bus.protocol import Message, Stretch


class KafkaBus:
    """A Kafka cluster.

    Attributes:
        url: with the password replaced by ``***``.
    """

    def __init__(self, url: str, *, max_message_bytes: int) -> None:
        self._url = parse_kafka_url(url)
        self.url = self._url.shown
        self._max_message_bytes = max_message_bytes

    def producer(self, *, persistent: bool = False) -> KafkaBusProducer:
        """Connect a producer.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        return KafkaBusProducer(self._url, max_message_bytes=self._max_message_bytes, persistent=persistent)

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

    def holds(self, topic: str, value: bytes, *, since: float) -> bool:
        """Whether the topic has this message, read from ``since`` to its present end.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        doing = f"looking for a message in the topic {topic!r}"
        with closing(open_consumer(self._url, None)) as client, explained(self._url, doing):
            return any(
                message.value == value for stretch in after(client, topic, since) for message in read(client, stretch)
            )

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
