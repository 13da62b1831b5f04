"""What is put beside a finding: whom it touched, the worst of it, and what else changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drift_support import LEAF, MINUTE, SUPPORT, T0, put, spans, stream
from driftline_alerts.drift.events import told, write
from driftline_alerts.drift.evidence import Touched, evidence
from driftline_alerts.drift.mix import Shift
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_alerts.drift.worst import SEARCHES, worst
from driftline_store.metrics import ERROR_CLASSES
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from driftline_store.client import Client

HOUR = timedelta(hours=1)
UNTIL = T0 + HOUR
FEATURE = LEAF[:2]


def requests(client: Client, *rows: dict[str, Any]) -> None:
    blank = {"is_first": True, "duration": 1.0, "cost": 0.01, "error_class": "", "is_error": False}
    blank |= {"fallback_reason": "", "start": T0 + MINUTE, **SUPPORT}
    put(client, "llm_traces", [{**blank, **row} for row in rows])


def of_request(trace: str, **values: Any) -> dict[str, Any]:
    return {"trace_id": trace, **values}


def found(client: Client, metric: str) -> list[str]:
    return [one.trace_id for one in worst(client, stream(metric, **dict(FEATURE)), T0, UNTIL)]


def test_the_worst_requests_are_those_that_the_metric_counts(client: Client) -> None:
    failed = [of_request(name, is_error=True, error_class=of) for name, of in ERROR_CLASSES.items()]
    requests(
        client,
        *failed,
        of_request("slow", duration=60.0, fallback_reason="dont_know"),
        *(of_request(f"dear {number}", cost=number) for number in range(1, 6)),
        of_request("elsewhere", feature="search", is_error=True, error_class="timeout", duration=99.0, cost=99),
        of_request("before", start=T0 - MINUTE, is_error=True, error_class="timeout", duration=99.0, cost=99),
    )
    for metric in ERROR_CLASSES:
        assert found(client, metric) == [metric]
    assert set(found(client, "error_rate")) <= set(ERROR_CLASSES)
    assert found(client, "latency_p95")[0] == "slow"
    assert found(client, "fallback_rate") == ["slow"]
    for metric in ("cost_per_request_p95", "cost_per_session_p95"):
        assert found(client, metric) == ["dear 5", "dear 4", "dear 3"]
    assert worst(client, stream("latency_p95"), T0, UNTIL)[0].trace_id == "elsewhere"


def test_the_worst_calls_are_those_that_the_metric_counts(client: Client) -> None:
    blank: dict[str, Any] = {
        "is_error": False,
        "failed_checks": [],
        "time_to_first_token": None,
        "cost": 0.01,
        "output_tokens": 5,
    }
    rows: list[dict[str, Any]] = [
        {"trace_id": "failed", "is_error": True},
        {"trace_id": "unfit", "failed_checks": ["no-link", "closed"]},
        {"trace_id": "late", "time_to_first_token": 9.0},
        {"trace_id": "dear", "cost": 2},
        {"trace_id": "long", "output_tokens": 5000},
    ]
    spans(client, [{**blank, **row} for row in rows])
    assert found(client, "call_error_rate") == ["failed"]
    assert found(client, "time_to_first_token_p95") == ["late"]
    assert found(client, "cost_per_call_p95")[0] == "dear"
    assert found(client, "output_length_p50")[0] == "long"
    length = stream("output_length_p50", **dict(FEATURE))
    fallen = worst(client, length, T0, UNTIL, most=10, falls=True)
    assert (fallen[0].value, fallen[-1].trace_id) == (5, "long"), "where answers became short, the short ones are bad"
    [unfit] = worst(client, stream("failed_check_rate"), T0, UNTIL)
    assert (unfit.trace_id, unfit.why, unfit.value) == ("unfit", "no-link, closed", None)


def test_the_worst_scores_come_with_what_the_judge_said(client: Client) -> None:
    blank: dict[str, Any] = {
        "name": "quality",
        "source": "judge",
        "evaluator": "f1",
        "score": 0.1,
        "unit": "request",
        "run": "",
    }
    blank |= {"at": T0 + 2 * MINUTE, "request_start": T0, "explanation": "", "label": "", "span_id": "s", **SUPPORT}
    human: dict[str, Any] = {"source": "human", "evaluator": "", "score": None, "name": "user_feedback"}
    rows: list[dict[str, Any]] = [
        *({"trace_id": f"scored {n}", "score": n / 10, "explanation": f"It is {n}.\nMore."} for n in range(2, 7)),
        {"trace_id": "another judge", "evaluator": "f2"},
        {"trace_id": "judged again", "run": "x"},
        {"trace_id": "anchor", "unit": "anchor"},
        {"trace_id": "down", **human, "label": "thumbs_down", "explanation": "useless"},
        {"trace_id": "report", **human, "label": "report"},
        {"trace_id": "edit", **human, "name": "edited"},
    ]
    put(client, "evaluations", [{**blank, **row} for row in rows])
    spans(client, [{"trace_id": "scored 2", "span_id": "s", "input": "\n Where is it? \nNow!", "output": "Here."}])
    examples = worst(client, StreamKey("quality", "f1", FEATURE, "quality"), T0, UNTIL)
    assert [(one.trace_id, one.value) for one in examples] == [("scored 2", 0.2), ("scored 3", 0.3), ("scored 4", 0.4)]
    assert (examples[0].asked, examples[0].answered, examples[0].why) == ("Where is it?", "Here.", "It is 2.")
    assert (examples[1].asked, examples[1].answered, examples[1].why) == ("", "", "It is 3.")
    assert [one.why for one in worst(client, stream("satisfaction"), T0, UNTIL)] == ["useless"]
    assert found(client, "report_rate") == ["report"]
    assert found(client, "edit_rate") == ["edit"]


@pytest.mark.parametrize("metric", MONITORED)
def test_there_are_examples_of_every_metric(metric: str) -> None:
    assert metric in SEARCHES


def test_a_failed_request_says_its_message(client: Client) -> None:
    requests(client, of_request("t", is_error=True, error_class="timeout"))
    errors = [("call", "root", "Read timed out."), ("root", "", "Model did not answer."), ("other", "root", "")]
    spans(
        client,
        [
            {"trace_id": "t", "span_id": span, "parent_span_id": above, "is_error": True, "error_message": text}
            for span, above, text in errors
        ],
    )
    [example] = worst(client, stream("error_rate"), T0, UNTIL)
    assert example.why == "timeout Model did not answer."


def test_a_finding_says_whom_it_touched_and_what_else_changed(client: Client) -> None:
    states = ", ".join(
        f"uniqCombinedStateIf(13)(toString(number % {distinct}), number >= 0) AS {name}"
        for name, distinct in (("sessions", 20), ("users", 7))
    )

    def calls(at: str, version: str, model: str, n: int, feature: str = "support") -> None:
        client.command(
            "INSERT INTO llm_rollups (resolution, at, environment, feature, model, prompt_name, prompt_version, "
            "requests, calls, sessions, users) "
            f"SELECT level, if(level = 'hour', toStartOfHour(toDateTime('{at}', 'UTC')), toDateTime('{at}', 'UTC')), "
            f"'production', '{feature}', '{model}', 'answer', '{version}', {n}, {n}, sessions, users "
            f"FROM (SELECT {states} FROM numbers({n})) ARRAY JOIN ['minute', 'hour'] AS level"
        )

    calls("2026-11-02 09:30:00", "4", "gpt-5-mini", 400)
    calls("2026-11-02 09:31:00", "4", "gpt-5", 40)
    calls("2026-11-02 10:10:00", "5", "gpt-5-mini", 300)
    calls("2026-11-02 10:10:00", "4", "gpt-5", 30)
    calls("2026-11-02 10:10:00", "9", "gpt-5", 999, feature="search")
    near, far = (told("near", T0 + 6 * MINUTE), told("far", T0 - 3 * HOUR))
    elsewhere = told("elsewhere", T0, segment=(("feature", "search"),))
    write(client, [near, far, elsewhere, told("nearer", T0 + 4 * MINUTE, segment=FEATURE)])
    all_of_it = evidence(client, stream("error_rate", **dict(FEATURE)), (T0, T0 + 8 * MINUTE), UNTIL)
    assert all_of_it.touched == Touched(330, 20, 7)
    assert [event.text for event in all_of_it.events] == ["nearer", "near"]
    assert all_of_it.shifts == [
        Shift("prompt_version", "4", 1.0, 30 / 330),
        Shift("prompt_version", "5", 0.0, 300 / 330),
    ]
    anchors = evidence(client, StreamKey("quality", "f1", ANCHORS, "quality"), (T0, T0 + 8 * MINUTE), UNTIL)
    assert (anchors.touched.requests, anchors.examples, anchors.shifts) == (0, [], [])
