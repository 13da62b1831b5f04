"""What kafka-python's clients have to do for us."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from driftline.bus import open_bus
from driftline.bus.kafka_url import parse_kafka_url

WAIT = 15.0


@pytest.mark.kafka
def test_a_partition_that_was_paused_with_records_at_hand_is_read_on(kafka_url: str, fresh_topic: str) -> None:
    wanted = f"{kafka_url}?partitions=2"
    with open_bus(wanted) as bus, contextlib.closing(bus.consumer(fresh_topic, group="creates")):
        pass
    # Only now: open_bus sees to it that kafka-python's own warnings end no test.
    import kafka  # noqa: PLC0415

    from driftline.bus.kafka_client import open_consumer  # noqa: PLC0415

    url = parse_kafka_url(wanted)
    first, second = (kafka.TopicPartition(fresh_topic, number) for number in range(2))
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=list(url.servers))) as producer:
        for value in range(3):
            producer.send(fresh_topic, b"%d" % value, partition=0)
        producer.flush()
        with contextlib.closing(open_consumer(url, fresh_topic)) as consumer:
            consumer.assign([first, second])
            assert read(consumer, 1) == [b"0"]
            consumer.pause(first)
            producer.send(fresh_topic, b"other", partition=1)
            producer.flush()
            assert read(consumer, 1) == [b"other"]
            consumer.resume(first)
            assert read(consumer, 2) == [b"1", b"2"]


def read(consumer: Any, count: int) -> list[bytes]:
    """That many values, one a poll."""
    found: list[bytes] = []
    deadline = time.monotonic() + WAIT
    while len(found) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=200, max_records=1).values():
            found += [record.value for record in records]
    return found
