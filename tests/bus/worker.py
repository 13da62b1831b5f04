"""A process of its own for the tests of the bus: writes messages, or holds a batch.

worker.py write URL TOPIC NAME COUNT   sends NAME-0, NAME-1, …
worker.py hold URL TOPIC GROUP         takes a batch, prints it, and finishes it once a line comes in
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING

from driftline.bus import kafka_client, open_bus, sqlite_consumer
from driftline.errors import FencedError

if TYPE_CHECKING:
    from driftline.bus import Batch


def fingerprint(batch: Batch) -> str:
    """The token and a hash of the bytes it names."""
    values = b"\0".join(message.value for message in batch.messages)
    return f"{batch.token} {hashlib.sha256(values).hexdigest()}"


def write(url: str, topic: str, name: str, count: int) -> None:
    with open_bus(url) as bus:
        producer = bus.producer()
        for number in range(count):
            producer.send(topic, f"{name}-{number}".encode())
        producer.close()


def hold(url: str, topic: str, group: str) -> None:
    with open_bus(url) as bus:
        consumer = bus.consumer(topic, group=group)
        batch = consumer.take(max_bytes=20, timeout=30)
        assert batch is not None
        sys.stdout.write(fingerprint(batch) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()
        try:
            consumer.done(batch)
        except FencedError:
            sys.stdout.write("fenced\n")
        else:
            sys.stdout.write("done\n")
        consumer.close()


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        # Whoever waits for a holder that sleeps or died waits a third of what users do, with the same code.
        kafka_client.SESSION_SECONDS = sqlite_consumer.LEASE_SECONDS = 3.0
        hold(sys.argv[2], sys.argv[3], sys.argv[4])
