"""Sends messages of the bus through the views of a replay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.otlp.decode import UnreadableError
from driftline_processors.ingest import GROUP
from driftline_processors.replay.shadow import NEW
from driftline_processors.targets import TARGETS, may_be_unreadable
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Bus, Message, Stretch
    from driftline_processors.targets import Target


@dataclass(frozen=True)
class Range:
    """Bus time of the messages, in seconds since 1970: from ``since`` until before ``until``."""

    since: float
    until: float


@dataclass(frozen=True)
class Read:
    """What was read: how many messages, and how many of them nobody can parse."""

    messages: int = 0
    unreadable: int = 0


_BY_TOPIC: Final = {target.topic: target for target in TARGETS}


def stretches(bus: Bus, span: Range) -> list[Stretch]:
    """Where the messages are that ingest has stored and that came in the range.

    Raises:
        BusError: the bus is away, or ingest left a batch unfinished.
    """
    return [
        stretch
        for target in TARGETS
        for stretch in bus.finished(target.topic, group=GROUP, since=span.since, until=span.until)
    ]


def derive(client: Client, bus: Bus, found: list[Stretch], *, batch_bytes: int, moved: Callable[[int], None]) -> Read:
    """Put the messages of all stretches through the views.

    Args:
        client: of the store.
        bus: where the messages are.
        found: which messages.
        batch_bytes: most bytes of messages in one insert.
        moved: told how many offsets were passed since it was told last.

    Raises:
        BusError: the bus is away.
        StoreError: the store failed an insert.
    """
    total = Read()
    for stretch in found:
        passed = stretch.first
        for batch in _batches(bus.read(stretch), batch_bytes):
            with store_errors("deriving rows again"):
                bad = _insert(client, _BY_TOPIC[stretch.topic], batch)
            total = Read(total.messages + len(batch), total.unreadable + bad)
            moved(batch[-1].offset + 1 - passed)
            passed = batch[-1].offset + 1
        moved(stretch.end - passed)
    return total


def _insert(client: Client, target: Target, batch: list[Message]) -> int:
    """Insert what can be parsed; gives how many messages cannot, which are dead letters already."""
    moved = replace(target, table=target.table + NEW)
    values = [message.value for message in batch]
    try:
        moved.insert(client, values, "")
    except (DatabaseError, UnreadableError) as error:
        if not may_be_unreadable(error):
            raise
        bad = target.unreadable(client, values)
        if not bad:
            raise
        if good := [value for number, value in enumerate(values) if number not in bad]:
            moved.insert(client, good, "")
        return len(bad)
    return 0


def _batches(messages: Iterator[Message], batch_bytes: int) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for message in messages:
        if batch and size + len(message.value) > batch_bytes:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.value)
    if batch:
        yield batch
