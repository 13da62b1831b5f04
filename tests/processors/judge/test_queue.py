"""The queue: each request once, with its content wherever it was recorded."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from driftline_processors.judge import event
from driftline_processors.judge.queue import Queue
from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.judge.task import Judgement, Task
from processors_support import enqueue

if TYPE_CHECKING:
    from driftline_store.client import Client

NOW = datetime.now(UTC)


def drain(queue: Queue, page: int = 100) -> list[Task]:
    tasks: list[Task] = []
    while taken := queue.take(page):
        tasks += taken
    return tasks


def store(client: Client, *tasks: Task) -> None:
    values = [event.encode(event.row_of(task, Judgement(0.9, "pass"), "judge 1")) for task in tasks]
    JudgementTarget().insert(client, values, secrets.token_hex(8))


def test_each_request_is_handed_out_once_in_order(client: Client) -> None:
    keys = [enqueue(client, age=age) for age in (30, 20, 10)]
    queue = Queue(client, "quality")
    first = queue.take(1)
    assert [(task.trace_id, task.span_id) for task in first + drain(queue)] == keys
    assert drain(queue) == []


def test_a_task_tells_all_that_its_evaluation_needs(client: Client) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    key = enqueue(client, request_start=start, service="s", model="m", system="Be brief.")
    [task] = drain(Queue(client, "quality"))
    segment = ("s", "", "chat", "m", "", "", "")
    said = ("Be brief.", "A question?", "An answer.")
    unit = {"unit": "request", "unit_id": key[0], "evaluator": "quality", "tier": "base", "uniform_probability": 0.01}
    assert task == Task(*key, start, segment, 0.01, *said, **unit)  # type: ignore[arg-type]


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
    store(client, *tasks[:300])
    assert {t.key for t in drain(Queue(client, "quality"))} == {t.key for t in tasks[300:]}


def test_what_is_judged_is_not_handed_out_after_a_restart(client: Client) -> None:
    enqueue(client)
    left = enqueue(client)
    queue = Queue(client, "quality")
    [done, _] = drain(queue)
    store(client, done)
    assert [task.trace_id for task in drain(Queue(client, "quality"))] == [left[0]]


def test_each_evaluator_judges_for_itself(client: Client) -> None:
    trace, _ = enqueue(client)
    enqueue(client, trace_id=trace, evaluator="tone")
    store(client, *drain(Queue(client, "quality")))
    assert drain(Queue(client, "quality")) == []
    assert [task.key for task in drain(Queue(client, "tone"))] == [("tone", "", "request", trace)]


def test_rows_that_become_visible_late_are_found_by_the_rescan(client: Client) -> None:
    queue = Queue(client, "quality")
    enqueue(client, age=10)
    [task] = drain(queue)
    store(client, task)
    late = enqueue(client, age=60)
    assert drain(queue) == []
    queue._rescan_at = 0.0
    assert [task.trace_id for task in drain(queue)] == [late[0]]


def test_too_young_and_too_old(client: Client) -> None:
    enqueue(client, age=0)
    enqueue(client, age=8 * 24 * 3600)
    assert drain(Queue(client, "quality")) == []
    assert len(drain(Queue(client, "quality", settle=0))) == 1


def span(client: Client, trace: str, span_id: str, seconds: int, **values: object) -> None:
    start = NOW + timedelta(seconds=seconds)
    row = {"trace_id": trace, "span_id": span_id, "parent_span_id": "p", "name": span_id, "start": start, **values}
    client.insert("llm_spans", [list(row.values())], column_names=list(row))


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
    span(client, trace, "second call", 9, is_call=True, input="The tool says so.", output="Because.")
    [task] = drain(Queue(client, "quality"))
    assert (task.system, task.input, task.output) == ("Be brief.", "Why?", "Because.")


def test_without_content_a_task_comes_in_the_end(client: Client) -> None:
    key = enqueue(client, output="", age=31)
    [task] = drain(Queue(client, "quality"))
    assert (task.trace_id, task.output) == (key[0], "")
    assert drain(Queue(client, "quality", content_wait=60)) == []


def test_a_trace_is_judged_with_its_steps(client: Client) -> None:
    trace, _ = enqueue(client, output="", input="", unit="trace", span_id="")
    span(client, trace, "root", 0, parent_span_id="", is_request=True, input="Why?", output="Because.")
    span(client, trace, "search", 1, input="why", is_error=True, error_class="timeout")
    span(client, trace, "answer", 2, is_call=True, input="why, anyway", output="Because of it.")
    [task] = drain(Queue(client, "quality"))
    assert (task.input, task.output) == ("Why?", "Because.")
    assert json.loads(task.steps) == [
        {"name": "search", "input": "why", "output": "", "error": "timeout"},
        {"name": "answer", "input": "why, anyway", "output": "Because of it.", "error": ""},
    ]


def test_a_session_is_judged_by_its_last_answer_with_its_turns(client: Client) -> None:
    enqueue(client, trace_id="", span_id="", unit="session", unit_id="s1", output="", input="", request_start=NOW)
    for number, trace in enumerate(("first", "second")):
        start = NOW + timedelta(minutes=number)
        columns = ["trace_id", "session_id", "start", "settled_at"]
        client.insert("llm_traces", [[trace, "s1", start, start]], column_names=columns)
        said = {"input": f"Question {number}", "output": f"Answer {number}"}
        span(client, trace, "root", 60 * number, parent_span_id="", is_request=True, **said)
    [task] = drain(Queue(client, "quality"))
    assert (task.unit_id, task.trace_id, task.output) == ("s1", "second", "Answer 1")
    assert [step["output"] for step in json.loads(task.steps)] == ["Answer 0", "Answer 1"]
