"""Judged beside production: anchors, complaints, and history once more."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftline_processors.judge import anchors, event
from driftline_processors.judge.again import judge_again
from driftline_processors.judge.anchors import Anchor, AnchorError
from driftline_processors.judge.boosts import queue_complaints
from driftline_processors.judge.plan import Sampled
from driftline_processors.judge.queue import Queue
from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.judge.task import Judgement, Task
from processors_support import send_many

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client

NOW = datetime.now(UTC)
SPAN = {"gen_ai.output.messages": "An answer.", "driftline.feature": "chat"}


def judged(client: Client, count: int, **values: Any) -> list[str]:
    traces = [secrets.token_hex(16) for _ in range(count)]
    tasks = [Task(t, "", NOW, ("", "", "chat", "", "", "", ""), 0.1, "", "", "", unit_id=t, **values) for t in traces]
    messages = [event.encode(event.row_of(task, Judgement(0.9), "judge 1")) for task in tasks]
    JudgementTarget().insert(client, messages, secrets.token_hex(8))
    return traces


def queued(client: Client, columns: str = "unit_id") -> list[tuple[Any, ...]]:
    return list(client.query(f"SELECT {columns} FROM judge_queue ORDER BY queued_at, unit_id").result_rows)  # type: ignore[arg-type]


def test_anchors_take_turns_and_their_share_of_the_judgements(client: Client) -> None:
    golden = [Anchor(name, 0.5, f"Answer {name}") for name in "abc"]
    anchors.put(client, golden)
    assert anchors.anchors(client) == golden
    evaluators = [Sampled("quality"), Sampled("traces", unit="trace")]
    judged(client, 20)
    assert [anchors.interleave(client, evaluators, 0.1) for _ in range(2)] == [2, 0]
    assert queued(client) == [("a",), ("b",)]
    judged(client, 20)
    assert anchors.interleave(client, evaluators, 0.1) == 2
    assert [row[0] for row in queued(client)] == ["a", "b", "a", "c"], "the one whose turn it is comes with the first"
    tasks = Queue(client, "quality", settle=0).take(10)
    assert {(task.unit, task.output, task.inclusion_probability) for task in tasks} == {
        ("anchor", f"Answer {name}", 1.0) for name in "abc"
    }
    assert anchors.interleave(client, evaluators, 0) == 0


def test_a_request_becomes_an_anchor_with_its_content(client: Client) -> None:
    trace = secrets.token_bytes(16)
    send_many(client, [trace], {**SPAN, "gen_ai.input.messages": "Why?"})
    found = anchors.of_trace(client, trace.hex(), 0.25, "vague")
    assert (found.id, found.input, found.output, found.score) == (trace.hex(), "Why?", "An answer.", 0.25)
    assert found.segment[2] == "chat"
    with pytest.raises(AnchorError, match="no trace"):
        anchors.of_trace(client, "e" * 32, 1.0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "expected an object"),
        ('{"id": "a", "output": "x"}', "'score' must be a number"),
        ('{"id": "a", "output": "x", "score": 2}', "'score' must be a number from 0 to 1, not 2"),
        ('{"id": "", "output": "x", "score": 1}', "'id' must be a text"),
        ('{"id": "a", "output": "x", "score": 1, "by": "me"}', "unknown key 'by'"),
    ],
)
def test_a_file_of_anchors_is_refused_by_its_line(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text('{"id": "ok", "output": "x", "score": 1}\n\n' + line)
    with pytest.raises(AnchorError, match=f"golden.jsonl line 3: .*{reason}"):
        list(anchors.read_file(path))


def test_history_is_judged_again_beside_the_old_scores(client: Client) -> None:
    traces = judged(client, 3)
    judged(client, 1, run="again 1")
    hour = timedelta(hours=1)
    assert judge_again(client, "quality", since=NOW - hour, until=NOW + hour, run="r2") == 3
    assert judge_again(client, "quality", since=NOW - hour, until=NOW + hour, run="r2") == 3
    assert judge_again(client, "quality", since=NOW + hour, until=NOW + 2 * hour, run="r3") == 0
    assert sorted(queued(client, "unit_id, run, inclusion_probability")) == sorted((t, "r2", 0.1) for t in traces)


def test_complaints_are_judged_apart_from_production(client: Client) -> None:
    high, low, praised = b"\xff" * 16, b"\xff" * 9 + b"\x00" * 7, b"\xff" * 15 + b"\xfe"
    send_many(client, [high, low, praised], SPAN)
    for trace, label in ((high, "thumbs_down"), (low, "report"), (praised, "thumbs_up")):
        row = {"trace_id": trace.hex(), "request_start": datetime.now(UTC), "at": datetime.now(UTC), "source": "human"}
        client.insert("evaluations", [[*row.values(), label]], column_names=[*row, "label"])
    for _ in range(2):
        queue_complaints(client, [Sampled("quality", feedback_rate=0.5), Sampled("other")])
    columns = "trace_id, evaluator, run, tier, inclusion_probability, output"
    assert queued(client, columns) == [(high.hex(), "quality", "feedback", "boost", 0.5, "An answer.")]
