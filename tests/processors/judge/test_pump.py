"""A worker: many judgements under way at once, each put on the bus, whatever the bus and the judges do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus
from driftline_processors.judge import event, pump
from driftline_processors.judge.pump import Pump
from driftline_processors.judge.task import JUDGEMENTS_TOPIC, PAUSED, TASKS_TOPIC, WORKERS, Judgement, Task, encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.bus import Bus
    from driftline_processors.judge.event import Row


@dataclass
class Fake:
    """A judge that takes its time.

    Attributes:
        answers: what it says, in order; the last one again and again.
        most: judgements that were under way at once.
    """

    concurrency: int = 4
    seconds: float = 0.01
    answers: list[Judgement] = field(default_factory=lambda: [Judgement(0.5, "fail")])
    asked: list[str] = field(default_factory=list)
    most: int = 0
    _now: int = 0

    fingerprint = "fake 1"

    def content_key(self, task: Task) -> str:
        return f"content of {task.unit_id}"

    async def judge(self, task: Task) -> Judgement:
        self.asked.append(task.unit_id)
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(self.seconds)
        self._now -= 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with open_bus(f"sqlite:///{tmp_path / 'bus.db'}") as opened:
        yield opened


def send(bus: Bus, *names: str, evaluator: str = "quality", output: str = "Yes.") -> None:
    producer = bus.producer()
    for name in names:
        task = Task("ab" * 16, "", datetime.now(UTC), ("",) * 7, 1.0, "", "", output, unit_id=name, evaluator=evaluator)
        producer.send(TASKS_TOPIC, encode(task, 100_000))
    producer.close()


def results(bus: Bus) -> list[Row]:
    consumer = bus.consumer(JUDGEMENTS_TOPIC, group="test")
    found = []
    while batch := consumer.take(max_bytes=10**7, timeout=0):
        found += [row for message in batch.messages for row in event.decode(message.value)]
        consumer.done(batch)
    consumer.close()
    return found


def work(bus: Bus, judges: dict[str, Fake], until: int) -> Pump:
    """Run a worker until it has put so many judgements on the bus."""
    consumer, producer = bus.consumer(TASKS_TOPIC, group=WORKERS), bus.producer()
    worker = Pump(judges, consumer, producer)
    deadline = time.monotonic() + 30
    asyncio.run(worker.run(lambda: worker.judged >= until or time.monotonic() > deadline))
    consumer.close()
    producer.close()
    assert worker.judged >= until
    return worker


def test_every_task_is_judged_once_and_as_many_at_once_as_may_be(bus: Bus) -> None:
    names = [f"unit {number}" for number in range(40)]
    send(bus, *names)
    judge = Fake(concurrency=8)
    work(bus, {"quality": judge}, until=40)
    assert sorted(judge.asked) == sorted(names)
    assert judge.most == 8
    rows = results(bus)
    assert sorted(row["unit_id"] for row in rows) == sorted(names)
    assert {(row["name"], row["evaluator"], row["score"]) for row in rows} == {("quality", "fake 1", 0.5)}
    assert rows[0]["content_hash"] == f"content of {rows[0]['unit_id']}"


def test_a_task_that_comes_again_is_not_paid_for_again(bus: Bus) -> None:
    send(bus, "a", "b", "a", "c")
    judge = Fake()
    worker = work(bus, {"quality": judge}, until=3)
    assert sorted(judge.asked) == ["a", "b", "c"]
    assert worker.known == 1


def test_a_slow_judge_does_not_keep_another_one_waiting(bus: Bus) -> None:
    slow, fast = Fake(concurrency=2, seconds=60), Fake(concurrency=2)
    send(bus, *"abcdefgh", evaluator="slow")
    send(bus, *"abcdefgh", evaluator="fast")
    work(bus, {"slow": slow, "fast": fast}, until=8)
    assert (len(slow.asked), len(fast.asked)) == (2, 8)
    assert {row["name"] for row in results(bus)} == {"fast"}


def test_without_an_answer_nobody_is_asked(bus: Bus) -> None:
    judge = Fake()
    send(bus, "a", output="")
    work(bus, {"quality": judge}, until=1)
    assert judge.asked == []
    assert [(row["error"], row["score"]) for row in results(bus)] == [("no content", None)]


def test_a_postponed_task_is_judged_later_and_stored_once(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "_POSTPONED_SECONDS", 0.01)
    judge = Fake(answers=[Judgement(error=PAUSED), Judgement(error=PAUSED), Judgement(0.9, "pass")])
    send(bus, "a")
    work(bus, {"quality": judge}, until=1)
    assert judge.asked == ["a", "a", "a"]
    assert [row["score"] for row in results(bus)] == [0.9]


def test_what_is_no_task_or_for_nobody_here_is_passed_over(bus: Bus) -> None:
    producer = bus.producer()
    producer.send(TASKS_TOPIC, b"not a task")
    send(bus, "a", evaluator="unknown")
    send(bus, "b")
    judge = Fake()
    work(bus, {"quality": judge}, until=1)
    producer.close()
    assert judge.asked == ["b"]
