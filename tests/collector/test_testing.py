"""The bus in memory keeps the contract of the real ones."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from driftline.errors import BusError, FencedError
from driftline.testing import InMemoryBus

if TYPE_CHECKING:
    from driftline.bus.protocol import Bus


@pytest.fixture
def bus() -> InMemoryBus:
    bus = InMemoryBus()
    producer = bus.producer()
    for number in range(5):
        producer.send("t", b"%d" % number * 10, key=b"k")
    producer.close()
    return bus


def test_it_is_a_bus(bus: InMemoryBus) -> None:
    as_protocol: Bus = bus
    with as_protocol as opened:
        assert opened.url.startswith("memory://")
    assert bus.keys("t") == [b"k"] * 5


def test_batches_stop_before_the_limit_and_have_at_least_one_message(bus: InMemoryBus) -> None:
    consumer = bus.consumer("t", group="g")
    sizes = []
    while (batch := consumer.take(max_bytes=25, timeout=0)) is not None:
        sizes.append(len(batch.messages))
        consumer.done(batch)
    assert sizes == [2, 2, 1]
    bus.append("t", None, b"x" * 100)
    batch = consumer.take(max_bytes=25, timeout=0)
    assert batch is not None
    assert batch.token == "memory/t/0/5-5"


def test_an_unfinished_batch_comes_again_whole_to_the_next_member(bus: InMemoryBus) -> None:
    first, second = bus.consumer("t", group="g"), bus.consumer("t", group="g")
    batch = first.take(max_bytes=35, timeout=0)
    assert batch is not None
    assert (first.assigned(), second.assigned(), bus.lag("t", group="g")) == (True, False, 5)
    assert second.take(max_bytes=1, timeout=0.01) is None
    first.close()
    again = second.take(max_bytes=1, timeout=0)
    assert again == batch
    with pytest.raises(FencedError):
        first.done(batch)
    second.done(batch)
    assert bus.lag("t", group="g") == 2


def test_taking_waits_for_messages() -> None:
    bus = InMemoryBus()
    consumer = bus.consumer("t", group="g")
    threading.Timer(0.05, bus.append, ("t", None, b"x")).start()
    begun = time.monotonic()
    assert consumer.take(max_bytes=10, timeout=5) is not None
    assert time.monotonic() - begun < 2
    assert bus.lag("t", group="g") == 1


def test_failures_on_demand(bus: InMemoryBus) -> None:
    producer = bus.producer()
    bus.failure = "away"
    with pytest.raises(BusError, match="away"):
        producer.send("t", b"x")
    with pytest.raises(BusError, match="away"):
        bus.producer()
    bus.failure, bus.max_message_bytes = None, 3
    with pytest.raises(BusError, match="exceeds 3"):
        producer.send("t", b"four")
