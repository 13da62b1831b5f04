"""The queue: each request once, with its content wherever it was recorded."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from driftline_processors.judge.queue import Queue
from driftline_processors.judge.results import Results
from driftline_processors.judge.task import Judgement, Task
from driftline_store.failures import StoreUnavailableError
from processors_support import enqueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_processors.judge.results import Batch
    from driftline_processors.judge.task import Key
    from driftline_store.client import Client

NOW = datetime.now(UTC)


def drain(queue: Queue, page: int = 100) -> list[Task]:
    tasks: list[Task] = []
    while taken := queue.take(page):
        tasks += taken
    return tasks


def store(client: Client, queue: Queue, *tasks: Task) -> None:
    results = Results(client, queue, queue.name, "judge 1", {})
    for task in tasks:
        results.add(task, Judgement(0.9, "pass"))
    results.store()


def test_each_request_is_handed_out_once_in_order(client: Client) -> None:
    keys = [enqueue(client, age=age) for age in (30, 20, 10)]
    queue = Queue(client, "quality")
    first = queue.take(1)
    assert [task.key for task in first + drain(queue)] == keys
    assert drain(queue) == []


def test_a_task_tells_all_that_its_evaluation_needs(client: Client) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    key = enqueue(client, request_start=start, service="s", model="m", system="Be brief.")
    [task] = drain(Queue(client, "quality"))
    assert task == Task(*key, start, ("s", "", "chat", "m", "", "", ""), 0.01, "Be brief.", "A question?", "An answer.")


def test_more_than_a_page(client: Client) -> None:
    now = datetime.now(UTC)
    rows = [
        [secrets.token_hex(16), "0" * 16, now - timedelta(seconds=10 + n % 3), NOW, 0.5, "An answer."]
        for n in range(450)
    ]
    columns = ["trace_id", "span_id", "queued_at", "request_start", "inclusion_probability", "output"]
    client.insert("judge_queue", rows, column_names=columns)
    queue = Queue(client, "quality")
    tasks = drain(queue, page=7)
    assert sorted(task.trace_id for task in tasks) == sorted(str(row[0]) for row in rows)
    store(client, queue, *tasks[:300])
    assert {t.key for t in drain(Queue(client, "quality"))} == {t.key for t in tasks[300:]}


def test_what_is_judged_is_not_handed_out_after_a_restart(client: Client) -> None:
    enqueue(client)
    left = enqueue(client)
    queue = Queue(client, "quality")
    [done, _] = drain(queue)
    store(client, queue, done)
    assert [task.key for task in drain(Queue(client, "quality"))] == [left]
    assert len(drain(Queue(client, "another rubric"))) == 2


def test_rows_that_become_visible_late_are_found_by_the_rescan(client: Client) -> None:
    queue = Queue(client, "quality")
    enqueue(client, age=10)
    [task] = drain(queue)
    store(client, queue, task)
    late = enqueue(client, age=60)
    assert drain(queue) == []
    queue._rescan_at = 0.0
    assert [task.key for task in drain(queue)] == [late]


def test_too_young_and_too_old(client: Client) -> None:
    enqueue(client, age=0)
    enqueue(client, age=8 * 24 * 3600)
    assert drain(Queue(client, "quality")) == []
    assert len(drain(Queue(client, "quality", settle=0))) == 1


def content(client: Client, trace: str, span: str, seconds: int = 0, **said: str) -> None:
    row = {"trace_id": trace, "span_id": span, "at": NOW + timedelta(seconds=seconds), **said}
    client.insert("llm_content", [list(row.values())], column_names=list(row))


def test_content_of_log_events_is_waited_for(client: Client) -> None:
    trace, span = enqueue(client, output="", input="", age=5)
    queue = Queue(client, "quality", content_pause=0)
    assert drain(queue) == []
    content(client, trace, "another", output="A step.")
    content(client, trace, span, input="Why?", output="Because.")
    [task] = drain(queue)
    assert (task.input, task.output) == ("Why?", "Because.")
    assert drain(queue) == []


def test_events_of_one_message_each_that_came_apart_belong_together(client: Client) -> None:
    trace, span = enqueue(client, output="", input="")
    content(client, trace, span, 1, input="Why?")
    queue = Queue(client, "quality", content_pause=0)
    assert drain(queue) == []
    content(client, trace, span, 2, output="Because.")
    [task] = drain(queue)
    assert (task.input, task.output) == ("Why?", "Because.")


def test_content_of_the_calls_of_a_request(client: Client) -> None:
    trace, _ = enqueue(client, output="", input="")
    content(client, trace, "first call", input="Why?", output="I look it up.", system="Be brief.")
    columns = ["trace_id", "span_id", "start", "is_call", "input", "output"]
    span = [trace, "second call", NOW + timedelta(seconds=9), True, "The tool says so.", "Because."]
    client.insert("llm_spans", [span], column_names=columns)
    [task] = drain(Queue(client, "quality"))
    assert (task.system, task.input, task.output) == ("Be brief.", "Why?", "Because.")


def test_without_content_a_task_comes_in_the_end(client: Client) -> None:
    key = enqueue(client, output="", age=31)
    [task] = drain(Queue(client, "quality"))
    assert (task.key, task.output) == (key, "")
    assert drain(Queue(client, "quality", content_wait=60)) == []


def test_a_repeated_insert_is_no_second_row(client: Client) -> None:
    enqueue(client)
    queue = Queue(client, "quality")
    [task] = drain(queue)
    results = Results(client, queue, "quality", "judge 1", {})
    results.add(task, Judgement(0.4, "fail", "Vague."))
    batch = results.batch | results._open
    results.store()
    results.batch.update(batch)  # as after an insert whose answer was lost
    results.store()
    assert client.query("SELECT score, label FROM evaluations").result_rows == [(0.4, "fail")]
    assert judged_sums(client) == (1, 100.0, 40.0)


def test_a_batch_whose_sums_were_lost_with_the_store_is_completed_by_its_repeat(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(client)
    queue = Queue(client, "quality")
    [task] = drain(queue)
    unsettled: Batch = {}
    results = Results(client, queue, "quality", "judge 1", unsettled)
    results.add(task, Judgement(0.4, "fail", "Vague."))
    insert = results._insert

    def cut_off(keys: Sequence[Key]) -> None:
        client.command("DETACH TABLE evaluations_to_rollups")
        insert(keys)
        client.command("ATTACH TABLE evaluations_to_rollups")
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(results, "_insert", cut_off)
    with pytest.raises(StoreUnavailableError):
        results.store()
    assert judged_sums(client) == (0, 0.0, 0.0)
    assert list(unsettled) == [task.key]

    # The next leadership of the same process begins with new objects and the same batch.
    Results(client, Queue(client, "quality"), "quality", "judge 1", unsettled).store()

    assert judged_sums(client) == (1, 100.0, 40.0)
    assert client.query("SELECT count() FROM evaluations").result_rows == [(1,)]
    assert unsettled == {}


def judged_sums(client: Client) -> tuple[int, float, float]:
    [row] = client.query(
        "SELECT sum(judged), sum(judged_w), sum(judged_ws) FROM llm_rollups WHERE resolution = 'day'"
    ).result_rows
    return int(row[0]), float(row[1]), float(row[2])


def test_a_replaced_leader_stores_nothing_twice(client: Client) -> None:
    enqueue(client)
    old, new = Queue(client, "quality"), Queue(client, "quality")
    [task] = drain(old)
    store(client, new, *drain(new))
    store(client, old, task)
    assert client.query("SELECT count() FROM evaluations").result_rows == [(1,)]
