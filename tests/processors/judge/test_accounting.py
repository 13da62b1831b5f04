"""What became of a trace, and what an evaluator may spend."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from driftline_processors.judge import event
from driftline_processors.judge.accounting import coverage, why
from driftline_processors.judge.ledger import Spent, exhausted, spent, together
from driftline_processors.judge.plan import Sampled, put_plan
from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.judge.task import NO_CONTENT, Judgement, Task
from processors_support import enqueue, send_many

if TYPE_CHECKING:
    from driftline_store.client import Client

LOW = "00" * 16
"""A trace that only a rate of 1 chooses."""

SPAN = {"gen_ai.output.messages": "An answer.", "driftline.feature": "chat"}


def judged(client: Client, trace: str, judgement: Judgement, **values: Any) -> None:
    task = Task(trace, "", datetime.now(UTC), ("",) * 7, 0.1, "", "", "", unit_id=trace, **values)
    JudgementTarget().insert(client, [event.encode(event.row_of(task, judgement, "judge 1"))], secrets.token_hex(8))


def states(client: Client, trace: str) -> dict[str, str]:
    return {account.evaluator: account.state for account in why(client, trace)}


def test_every_evaluator_says_what_became_of_a_trace(client: Client) -> None:
    plan = [
        Sampled("quality", rate=0.1),
        Sampled("failing", rate=0.1),
        Sampled("empty", rate=0.1),
        Sampled("waiting", rate=0.1),
        Sampled("poor", rate=0.1, per_day=Decimal("0.5")),
        Sampled("seldom", rate=0.01),
        Sampled("elsewhere", rate=0.1, features=("search",)),
    ]
    put_plan(client, plan)
    send_many(client, [bytes.fromhex(LOW)], SPAN)
    judged(client, LOW, Judgement(0.75))
    judged(client, LOW, Judgement(error="timeout"), evaluator="failing")
    judged(client, LOW, Judgement(error=NO_CONTENT), evaluator="empty")
    judged(client, "f" * 32, Judgement(0.5, cost=Decimal("0.6")), evaluator="poor")
    for name in ("waiting", "poor"):
        enqueue(client, trace_id=LOW, evaluator=name)
    assert states(client, LOW) == {
        "quality": "judged",
        "failing": "failed",
        "empty": "no content",
        "waiting": "queued",
        "poor": "budget",
        "seldom": "not sampled",
        "elsewhere": "filtered",
    }
    said = {account.evaluator: account.why for account in why(client, LOW)}
    assert said["seldom"] == "its trace id stands at 0.000000 of the range, and a rate of 0.01 chooses from 0.990000 on"
    assert said["elsewhere"] == "its feature is 'chat'; it applies to search"
    assert "0.5" in said["poor"]
    assert why(client, "e" * 32) == []


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai.response.finish_reasons": '["content_filter"]'}, "it failed, and failed requests are not judged"),
        ({"gen_ai.operation.name": "embeddings"}, "embeddings have no answer"),
        ({"driftline.stream.abandoned": "true"}, "nobody waited for its end"),
    ],
)
def test_what_cannot_be_judged_at_all_is_told(client: Client, attributes: dict[str, str], reason: str) -> None:
    put_plan(client, [Sampled("quality", rate=1.0)])
    send_many(client, [bytes.fromhex(LOW)], SPAN | attributes)
    [account] = why(client, LOW)
    assert (account.state, account.why) == ("not eligible", reason)


def test_coverage_counts_what_was_chosen_and_scored(client: Client) -> None:
    put_plan(client, [Sampled("quality", rate=1.0)])
    traces = [secrets.token_bytes(16) for _ in range(3)]
    send_many(client, traces, SPAN)
    judged(client, traces[0].hex(), Judgement(0.75))
    judged(client, traces[1].hex(), Judgement(error="timeout"))
    [found] = coverage(client)
    assert (found.sampled, found.judged, found.failed, found.eligible) == (3, 1, 1, 3)


def test_what_was_spent_is_what_is_stored(client: Client) -> None:
    judged(client, "a" * 32, Judgement(0.5, cost=Decimal("0.25")))
    judged(client, "b" * 32, Judgement(error="invalid_output", cost=Decimal("0.05")))
    judged(client, "c" * 32, Judgement(0.5))
    assert spent(client) == {"quality": Spent(Decimal("0.3"), Decimal("0.3"))}


def test_a_budget_is_exhausted_when_it_is_reached() -> None:
    day, month = Decimal(5), Decimal(50)
    assert exhausted(day, month, Spent(Decimal("4.99"), Decimal("49.99"))) == ""
    assert exhausted(day, month, Spent(Decimal(5), Decimal(20))).startswith("5 USD for today are spent")
    assert exhausted(day, month, Spent(Decimal(1), Decimal(50))).startswith("50 USD for this month are spent")
    assert exhausted(None, None, Spent(Decimal(10**6), Decimal(10**6))) == ""
    assert exhausted(Decimal(0), None, Spent()) != ""


def test_all_evaluators_together_have_spent_the_sum() -> None:
    spendings = {"tone": Spent(Decimal(1), Decimal(5)), "facts": Spent(Decimal(2), Decimal(7))}
    assert together(spendings) == Spent(Decimal(3), Decimal(12))
    assert together({}) == Spent()
