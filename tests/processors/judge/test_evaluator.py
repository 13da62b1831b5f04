"""The evaluator against a real HTTP endpoint, through the real openai client."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openai
import pytest

from driftline_processors.judge.evaluator import Evaluator
from driftline_processors.judge.failure import Retry
from driftline_processors.judge.rubric import load_rubric
from driftline_processors.judge.task import Judgement, Task
from driftline_processors.prices import GenaiPriceBook
from judge_support import KEY, Reply, completion, error, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from judge_support import Endpoint

BOOK = GenaiPriceBook()
QUICK = Retry(attempts=4, first=0.01, longest=0.02)
ONE_CALL = Decimal("0.000165")
"""800 plain, 200 cached and 50 output tokens of gpt-4o-mini at 0.15, 0.075 and 0.60 USD per million."""

TASK = Task(
    trace_id="ab" * 16,
    span_id="cd" * 8,
    request_start=datetime.now(UTC),
    segment=("", "", "", "", "", ""),
    inclusion_probability=0.01,
    system="",
    input=json.dumps([{"role": "user", "content": "What is the capital of France?"}]),
    output=json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}]}]),
)


@pytest.fixture
async def evaluator(endpoint: Endpoint) -> AsyncIterator[Evaluator]:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=endpoint.url, max_retries=0, timeout=0.5) as client:
        yield Evaluator(client, "gpt-4o-mini", load_rubric(), BOOK, retry=QUICK)


async def test_a_verdict(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(verdict(9, "Right."))
    assert await evaluator.judge(TASK) == Judgement(0.9, "pass", "Right.", ONE_CALL)
    (request,) = endpoint.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["temperature"] == 0
    assert request["response_format"]["json_schema"]["strict"] is True
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == schema["required"] == ["explanation", "score"]
    assert "What is the capital of France?" in request["messages"][1]["content"]


@pytest.mark.parametrize(("score", "label"), [(0, "fail"), (6, "fail"), (7, "pass"), (10, "pass")])
async def test_the_grid_of_scores(endpoint: Endpoint, evaluator: Evaluator, score: int, label: str) -> None:
    endpoint.script(verdict(score))
    judged = await evaluator.judge(TASK)
    assert (judged.score, judged.label) == (score / 10, label)


async def test_a_rate_limit_passes(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(error(429, "rate_limit_exceeded", retry_after="0.05"), error(429), verdict())
    assert (await evaluator.judge(TASK)).score == 0.9
    assert len(endpoint.requests) == 3


async def test_a_server_error_that_stays(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(error(500))
    assert await evaluator.judge(TASK) == Judgement(error="server_error")
    assert len(endpoint.requests) == QUICK.attempts


async def test_a_timeout(endpoint: Endpoint, evaluator: Evaluator) -> None:
    slow = verdict()
    slow.seconds = 0.8
    endpoint.script(slow, verdict())
    assert (await evaluator.judge(TASK)).score == 0.9


async def test_an_endpoint_that_is_away() -> None:
    async with openai.AsyncOpenAI(api_key=KEY, base_url="http://127.0.0.1:9/v1", max_retries=0) as client:
        judged = await Evaluator(client, "gpt-4o-mini", load_rubric(), BOOK, retry=QUICK).judge(TASK)
    assert judged == Judgement(error="connection")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (error(401, "invalid_api_key"), "authentication"),
        (error(403), "authentication"),
        (error(400), "invalid_request"),
        (error(404, "model_not_found"), "invalid_request"),
        (error(400, "context_length_exceeded"), "context_length"),
        (error(400, "content_filter"), "content_policy"),
        (error(429, "insufficient_quota"), "quota"),
    ],
)
async def test_what_will_not_pass_is_not_repeated_and_told_once(
    endpoint: Endpoint,
    evaluator: Evaluator,
    reply: Reply,
    expected: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint.script(reply)
    for _ in range(3):
        assert await evaluator.judge(TASK) == Judgement(error=expected)
    assert len(endpoint.requests) == 3
    told = [record for record in caplog.records if record.name.startswith("driftline")]
    assert len(told) == 1
    assert f"{expected} (HTTP status {reply.status})" in told[0].getMessage()
    assert KEY not in "".join(record.getMessage() for record in told)


@pytest.mark.parametrize(
    "reply",
    [
        completion("no JSON at all"),
        completion(""),
        completion(None),
        completion('{"explanation": "x", "score": 11}'),
        completion('{"explanation": "x", "score": "high"}'),
        completion('{"score": 5}'),
        completion('{"explanation": "x", "score": 5', finish_reason="length"),
    ],
)
async def test_invalid_output_is_repeated_once(endpoint: Endpoint, evaluator: Evaluator, reply: Reply) -> None:
    endpoint.script(reply)
    assert await evaluator.judge(TASK) == Judgement(cost=2 * ONE_CALL, error="invalid_output")
    assert len(endpoint.requests) == 2
    endpoint.script(reply, verdict(8))
    assert (await evaluator.judge(TASK)).score == 0.8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"unexpected": True}),
        Reply(200, "<html>a proxy's page</html>"),
        Reply(200, "<html>a proxy's page</html>", {"content-type": "text/html"}),
        Reply(200, []),
        Reply(200, {"choices": []}),
        Reply(200, {"choices": [{"message": None}]}),
    ],
)
async def test_an_answer_that_is_no_completion(endpoint: Endpoint, evaluator: Evaluator, reply: Reply) -> None:
    endpoint.script(reply)
    assert (await evaluator.judge(TASK)).error == "invalid_output"


async def test_json_in_a_code_block(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(completion('```json\n{"explanation": "x", "score": 5}\n```'))
    assert (await evaluator.judge(TASK)).score == 0.5


async def test_a_refusal(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(completion(None, refusal="I can't"))
    assert await evaluator.judge(TASK) == Judgement(cost=ONE_CALL, error="content_policy")


async def test_a_model_without_temperature_is_asked_without(endpoint: Endpoint, evaluator: Evaluator) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        return error(400, "unsupported_value", "temperature") if "temperature" in body else verdict()

    endpoint.answer = answer
    assert [(await evaluator.judge(TASK)).score for _ in range(2)] == [0.9, 0.9]
    assert ["temperature" in request for request in endpoint.requests] == [True, False, False]


async def test_an_unknown_price_is_no_cost(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(verdict(model="our-own-judge"))
    assert (await evaluator.judge(TASK)).cost is None
    endpoint.script(verdict(usage=None))
    assert (await evaluator.judge(TASK)).cost is None
