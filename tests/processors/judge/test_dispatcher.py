"""Handing out: as much as the workers need, and again what nobody answered."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus
from driftline_processors.ingest import GROUP as INGEST
from driftline_processors.judge import dispatcher as module
from driftline_processors.judge import event
from driftline_processors.judge.dispatcher import Dispatcher, caught_up
from driftline_processors.judge.queue import Queue
from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.judge.task import JUDGEMENTS_TOPIC, TASKS_TOPIC, WORKERS, Judgement, Task, decode
from processors_support import enqueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.bus import Bus
    from driftline_store.client import Client


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0)
    with open_bus(f"sqlite:///{tmp_path / 'bus.db'}") as opened:
        yield opened


def handed_out(bus: Bus) -> list[Task]:
    """What a worker takes off the bus."""
    consumer = bus.consumer(TASKS_TOPIC, group=WORKERS)
    found = []
    while batch := consumer.take(max_bytes=10**7, timeout=0):
        found += [decode(message.value) for message in batch.messages]
        consumer.done(batch)
    consumer.close()
    return found


def answer(client: Client, *tasks: Task) -> None:
    values = [event.encode(event.row_of(task, Judgement(0.9), "judge 1")) for task in tasks]
    JudgementTarget().insert(client, values, secrets.token_hex(8))


def test_no_more_is_on_its_way_than_the_workers_need(client: Client, bus: Bus) -> None:
    keys = [enqueue(client, age=60 - number)[0] for number in range(5)]
    dispatcher = Dispatcher(client, bus, bus.producer(), Queue(client, "quality"), depth=2)
    assert [dispatcher.step(), dispatcher.step()] == [2, 0]
    first = handed_out(bus)
    assert [task.trace_id for task in first] == keys[:2]
    answer(client, first[0])
    assert dispatcher.step() == 1
    assert [task.trace_id for task in handed_out(bus)] == [keys[2]]
    assert dispatcher.away == 2


def test_what_nobody_answered_is_handed_out_again_once_nothing_is_on_its_way(client: Client, bus: Bus) -> None:
    enqueue(client)
    producer = bus.producer()
    dispatcher = Dispatcher(client, bus, producer, Queue(client, "quality"), depth=2, lease=0)
    assert dispatcher.step() == 1
    assert dispatcher.step() == 0, "it waits for a worker"
    [task] = handed_out(bus)
    consumer = bus.consumer(JUDGEMENTS_TOPIC, group=INGEST)
    producer.send(JUDGEMENTS_TOPIC, b"of something else")
    assert not caught_up(bus)
    assert dispatcher.step() == 0, "its judgement may wait for ingest"
    batch = consumer.take(max_bytes=100, timeout=1)
    assert batch is not None
    consumer.done(batch)
    consumer.close()
    assert caught_up(bus)
    assert (dispatcher.step(), dispatcher.repeated) == (1, 1)
    assert handed_out(bus) == [task]
