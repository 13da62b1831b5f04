"""A Kafka topic full of spans, on a broker of its own."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import kafka_server
from support.load import SPANS, preload
from support.watch import NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Topic:
    """A Kafka topic that has been filled.

    Attributes:
        address: of the broker.
        spans: in the topic.
        size: of all messages, in bytes before compression.
    """

    address: str
    spans: int
    size: int


@contextlib.contextmanager
def filled(folder: Path, messages: int, *, partitions: int, compression: str | None = "zstd") -> Iterator[Topic]:
    """Start a broker in the folder and fill its spans topic; it ends with the block.

    Raises:
        NotRunError: this machine has no Kafka and cannot fetch it.
    """
    try:
        broker = kafka_server.OwnBroker(folder)
    except pytest.skip.Exception as error:
        raise NotRunError(str(error)) from None
    try:
        size = preload(broker.address, messages, partitions=partitions, compression=compression)
        yield Topic(broker.address, messages * SPANS, size)
    finally:
        broker.stop()
