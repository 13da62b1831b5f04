"""Reads what a Kafka group has finished, outside of the group."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kafka.structs import TopicPartition

from driftline.bus.kafka_client import REQUEST_SECONDS
from driftline.bus.kafka_partition import Partition
from driftline.bus.protocol import Message, Stretch, unfinished
from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = int(REQUEST_SECONDS * 1000)
_SILENCE_SECONDS = 30.0
"""How long brokers may deliver nothing of what they said they have."""


def finished(client: Any, topic: str, group: str, bus_id: str, *, since: float, until: float) -> list[Stretch]:
    """The runs that a time range and the group's commits cut out of the topic's partitions.

    Args:
        client: a kafka-python consumer with the group's id; it does not join.
        topic: where to look.
        group: our name of the group, for errors.
        bus_id: the topic's identity, as in commits.
        since: time of the first message, in seconds since 1970.
        until: time before which the last one came.

    Raises:
        BusError: a batch was left unfinished.
        kafka.errors.KafkaError: the brokers did not answer.
    """
    places = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
    firsts = client.offsets_for_times(dict.fromkeys(places, int(since * 1000)), timeout_ms=_PATIENCE)
    ends = client.offsets_for_times(dict.fromkeys(places, int(until * 1000)), timeout_ms=_PATIENCE)
    found = []
    for place in places:
        committed = client.committed(place, metadata=True, timeout_ms=_PATIENCE)
        if committed is None or firsts[place] is None:
            continue
        part = Partition.from_committed((committed.offset, committed.metadata or ""), bus_id)
        if part.last is not None:
            raise unfinished(topic, place.partition, group)
        done = part.next or 0
        end = done if ends[place] is None else min(ends[place].offset, done)
        if firsts[place].offset < end:
            found.append(Stretch(topic, place.partition, firsts[place].offset, end))
    return found


def after(client: Any, topic: str, since: float) -> list[Stretch]:
    """The runs from a time to the present end of the topic's partitions.

    Args:
        client: a kafka-python consumer without a group.
        topic: where to look.
        since: time of the first message, in seconds since 1970.

    Raises:
        kafka.errors.KafkaError: the brokers did not answer.
    """
    places = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
    firsts = client.offsets_for_times(dict.fromkeys(places, int(since * 1000)), timeout_ms=_PATIENCE)
    ends = client.end_offsets(places, timeout_ms=_PATIENCE)
    return [
        Stretch(topic, place.partition, firsts[place].offset, ends[place])
        for place in places
        if firsts[place] is not None
    ]


def read(client: Any, stretch: Stretch) -> Iterator[Message]:
    """The messages of a stretch, in order.

    Args:
        client: a kafka-python consumer without a group.
        stretch: what to read.

    Raises:
        BusError: the brokers deliver nothing any more.
        kafka.errors.KafkaError: they did not answer.
    """
    place = TopicPartition(stretch.topic, stretch.partition)
    client.assign([place])
    client.seek(place, stretch.first)
    heard = time.monotonic()
    # The position also moves over what is no message: gaps of compaction and marks of transactions.
    while client.position(place, timeout_ms=_PATIENCE) < stretch.end:
        records = client.poll(timeout_ms=1000).get(place, [])
        for record in records:
            if record.offset >= stretch.end:
                return
            yield Message(record.offset, record.value or b"")
        if records:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_SECONDS:
            raise BusError(
                f"Kafka has delivered nothing of partition {stretch.partition} of {stretch.topic!r} for "
                f"{_SILENCE_SECONDS:.0f} s though messages before offset {stretch.end} are missing; see that it runs"
            )
