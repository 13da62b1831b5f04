"""The receiver in front of a real Kafka."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from driftline import settings as table
from receiver_support import free_port, on_bus, receiving, spans_request


@pytest.mark.kafka
def test_what_is_acknowledged_is_on_kafka_byte_for_byte(kafka_url: str) -> None:
    bodies = {spans_request(100, 100, trace_id=uuid.uuid4().bytes).SerializeToString() for _ in range(40)}
    settings = table.load({}, bus=kafka_url, receiver_port=free_port())
    with receiving(settings) as sender, ThreadPoolExecutor(4) as pool:
        assert {answer.status for answer in pool.map(sender.post, bodies)} == {200}
    # The topic is shared with other tests, and a new group takes a moment to get its partitions.
    found: list[bytes] = []
    group, deadline = uuid.uuid4().hex, time.monotonic() + 60
    while len(found) < len(bodies) and time.monotonic() < deadline:
        found += [value for value in on_bus(kafka_url, group=group) if value in bodies]
    assert sorted(found) == sorted(bodies)
