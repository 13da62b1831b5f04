"""The evaluator against a real HTTP endpoint, through the real openai client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from driftline_processors.judge.breaker import THRESHOLDS
from driftline_processors.judge.build import evaluator as build
from driftline_processors.judge.config import JudgeConfig
from driftline_processors.judge.failure import INVALID_OUTPUT, LONGEST_HINT, PLANS, Plan, failure_of
from driftline_processors.judge.task import Judgement, Task
from driftline_processors.prices import GenaiPriceBook
from judge_support import KEY, Reply, completion, error, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from driftline_processors.judge.evaluator import Evaluator
    from judge_support import Endpoint

BOOK = GenaiPriceBook()
QUICK = {kind: Plan(plan.calls, plan.first / 1000, plan.longest / 1000) for kind, plan in PLANS.items()}
CONFIG = JudgeConfig(name="quality", kind="judge", rubric="quality")
ONE_CALL = Decimal("0.000165")
"""800 plain, 200 cached and 50 output tokens of gpt-4o-mini at 0.15, 0.075 and 0.60 USD per million."""

TASK = Task(
    trace_id="ab" * 16,
    span_id="cd" * 8,
    request_start=datetime.now(UTC),
    segment=("",) * 7,
    inclusion_probability=0.01,
    system="",
    input=json.dumps([{"role": "user", "content": "What is the capital of France?"}]),
    output=json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Paris."}]}]),
)


@pytest.fixture
async def evaluator(endpoint: Endpoint) -> AsyncIterator[Evaluator]:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=endpoint.url, max_retries=0, timeout=0.5) as client:
        yield replace(build(CONFIG, client, BOOK), plans=QUICK)


def another(text: str) -> Task:
    """A task that the cache does not know."""
    return replace(TASK, output=text)


def other_than_instrument(judgement: Judgement) -> Judgement:
    return replace(judgement, fingerprint="", response_model="", tokens_in=0, tokens_out=0, calls=0)


async def test_a_verdict(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(verdict(9, "Right."))
    judged = await evaluator.judge(TASK)
    assert other_than_instrument(judged) == Judgement(0.9, "pass", "Right.", ONE_CALL)
    assert (judged.tokens_in, judged.tokens_out, judged.calls) == (1000, 50, 1)
    (request,) = endpoint.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["temperature"] == 0
    assert request["response_format"]["json_schema"]["strict"] is True
    assert "What is the capital of France?" in request["messages"][1]["content"]


async def test_the_fingerprint_names_the_model_that_answered(endpoint: Endpoint, evaluator: Evaluator) -> None:
    judged = await evaluator.judge(TASK)
    assert judged.response_model == "gpt-4o-mini-2024-07-18"
    assert judged.fingerprint.startswith("quality 1 gpt-4o-mini-2024-07-18 ")
    assert evaluator.fingerprint == judged.fingerprint.replace("-2024-07-18", "")
    endpoint.script(verdict(model="gpt-4o-mini-2026-01-01"))
    assert (await evaluator.judge(another("x"))).fingerprint != judged.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"}, {"temperature": 0.5}, {"temperature": None}, {"rubric": "rag"},
    ],
)  # fmt: skip
async def test_another_instrument_has_another_fingerprint(evaluator: Evaluator, change: dict[str, Any]) -> None:
    changed = build(CONFIG.model_copy(update=change), evaluator.endpoint.client, BOOK)
    assert changed.fingerprint != evaluator.fingerprint
    assert build(CONFIG, evaluator.endpoint.client, BOOK).fingerprint == evaluator.fingerprint


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
    judged = await evaluator.judge(TASK)
    assert (judged.error, judged.score, judged.cost) == ("server_error", None, None)
    assert judged.calls == len(endpoint.requests) == PLANS["server_error"].calls


async def test_a_timeout(endpoint: Endpoint, evaluator: Evaluator) -> None:
    slow = verdict()
    slow.seconds = 0.8
    endpoint.script(slow, verdict())
    assert (await evaluator.judge(TASK)).score == 0.9


async def test_an_endpoint_that_never_comes_to_an_end() -> None:
    ended = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        ended.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
            slow = replace(build(CONFIG, client, BOOK), plans={})
            slow.endpoint.seconds = 0.2
            assert (await slow.judge(TASK)).error == "timeout"
        await ended.wait()


async def test_a_task_that_cannot_be_read_does_not_raise(
    evaluator: Evaluator, caplog: pytest.LogCaptureFixture
) -> None:
    judged = await evaluator.judge(replace(TASK, unit="trace", steps='["secret"]'))
    assert (judged.error, judged.calls) == ("other", 0)
    assert "secret" not in caplog.text


async def test_an_endpoint_that_is_away() -> None:
    async with openai.AsyncOpenAI(api_key=KEY, base_url="http://127.0.0.1:9/v1", max_retries=0) as client:
        judged = await replace(build(CONFIG, client, BOOK), plans=QUICK).judge(TASK)
    assert (judged.error, judged.calls) == ("connection", PLANS["connection"].calls)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (error(401, "invalid_api_key"), "authentication"),
        (error(403), "authentication"),
        (error(400), "invalid_request"),
        (error(404, "model_not_found"), "invalid_request"),
        (error(400, "content_filter"), "content_policy"),
        (error(429, "insufficient_quota"), "quota"),
        (error(402), "quota"),
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
    for _ in range(2):
        assert (await evaluator.judge(TASK)).error == expected
    assert len(endpoint.requests) == 2
    told = [record for record in caplog.records if record.name.startswith("driftline")]
    assert len(told) == 1
    assert f"{expected} (HTTP status {reply.status})" in told[0].getMessage()
    assert KEY not in "".join(record.getMessage() for record in told)


async def test_an_answer_in_another_form_is_asked_for_again_with_the_reason(
    endpoint: Endpoint, evaluator: Evaluator
) -> None:
    endpoint.script(completion('{"explanation": "x", "score": 11}'), verdict(8))
    judged = await evaluator.judge(TASK)
    assert (judged.score, judged.cost, judged.calls) == (0.8, 2 * ONE_CALL, 2)
    first, second = (request["messages"][1]["content"] for request in endpoint.requests)
    assert second.startswith(first)
    assert 'could not be used: "score" must be there, as a whole number from 0' in second


async def test_one_that_stays_in_another_form_is_a_failure_that_cost_money(
    endpoint: Endpoint, evaluator: Evaluator
) -> None:
    endpoint.script(completion("no JSON at all"))
    judged = await evaluator.judge(TASK)
    assert (judged.error, judged.cost) == (INVALID_OUTPUT, 2 * ONE_CALL)


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "context_length_exceeded"),
        error(413),
        Reply(400, {"error": {"message": "This model's maximum context length is 8192 tokens", "code": 400}}),
    ],
)
async def test_what_is_too_long_loses_its_middle_until_it_fits(
    endpoint: Endpoint, evaluator: Evaluator, refusal: Reply
) -> None:
    long = another("begin " + "x" * 40_000 + " end")

    def answer(body: dict[str, Any]) -> Reply:
        return refusal if len(body["messages"][1]["content"]) > 11_000 else verdict()

    endpoint.answer = answer
    judged = await evaluator.judge(long)
    assert (judged.score, judged.calls) == (0.9, 3)
    shown = endpoint.requests[-1]["messages"][1]["content"]
    assert "characters left out" in shown
    assert "begin x" in shown
    assert "x end" in shown


async def test_what_stays_too_long_is_a_failure(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(error(400, "context_length_exceeded"))
    assert (await evaluator.judge(TASK)).error == "context_length"
    assert len(endpoint.requests) == PLANS["context_length"].calls


async def test_identical_answers_are_paid_once(endpoint: Endpoint, evaluator: Evaluator) -> None:
    await evaluator.judge(TASK)
    again = await evaluator.judge(replace(TASK, trace_id="ef" * 16))
    assert (again.score, again.cached, again.cost) == (0.9, True, Decimal(0))
    assert len(endpoint.requests) == 1


async def test_an_anchor_is_never_remembered(endpoint: Endpoint, evaluator: Evaluator) -> None:
    anchor = replace(TASK, unit="anchor")
    assert [(await evaluator.judge(anchor)).cached for _ in range(3)] == [False] * 3
    await evaluator.judge(TASK)
    assert len(endpoint.requests) == 4


async def test_an_endpoint_that_keeps_refusing_is_left_alone(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(error(401, "invalid_api_key"))
    judged = [await evaluator.judge(another(str(n))) for n in range(10)]
    tried = THRESHOLDS["authentication"]
    assert [one.error for one in judged] == ["authentication"] * tried + ["paused"] * (10 - tried)
    assert [one.is_postponed for one in judged] == [False] * tried + [True] * (10 - tried)
    assert len(endpoint.requests) == tried
    assert evaluator.breaker.state == "open"


async def test_so_many_calls_at_once_and_no_more(endpoint: Endpoint, evaluator: Evaluator) -> None:
    under_way, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(CONFIG.concurrency)

    def answer(_: dict[str, Any]) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(10)  # none is answered before so many are asked, however slow the machine is
        time.sleep(0.02)
        with lock:
            under_way -= 1
        return verdict()

    endpoint.answer = answer
    await asyncio.gather(*(evaluator.judge(another(str(n))) for n in range(12)))
    assert most == CONFIG.concurrency


def test_a_pause_is_what_the_endpoint_asks_for_and_a_little_more() -> None:
    request = httpx2.Request("POST", "http://x")

    def told(headers: dict[str, str]) -> float:
        response = httpx2.Response(429, headers=headers, request=request)
        return failure_of(openai.RateLimitError("", response=response, body=None)).retry_after

    assert told({"retry-after": "7"}) == 7
    assert told({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5
    assert told({"retry-after": "86400"}) == LONGEST_HINT
    assert told({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}) == told({"retry-after": "-1"}) == told({}) == 0
    assert all(7 <= PLANS["rate_limit"].pause(1, 7) <= 7.7 for _ in range(100))


def test_pauses_are_spread_and_grow_to_a_bound() -> None:
    plan = Plan(9, first=1.0, longest=10.0)
    spread = [[plan.pause(failures) for _ in range(300)] for failures in (1, 2, 3, 8)]
    assert [max(pauses) > 0.9 * bound for pauses, bound in zip(spread, (1, 2, 4, 10), strict=True)] == [True] * 4
    assert [max(pauses) <= bound for pauses, bound in zip(spread, (1, 2, 4, 10), strict=True)] == [True] * 4
    assert min(spread[3]) < 1


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


async def test_a_refusal(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(completion(None, refusal="I can't"))
    judged = await evaluator.judge(TASK)
    assert (judged.error, judged.cost, judged.calls) == ("content_policy", ONE_CALL, 1)


async def test_a_parameter_that_is_refused_is_left_out_from_then_on(endpoint: Endpoint, evaluator: Evaluator) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if "temperature" in body:
            return error(400, "unsupported_value", "temperature")
        if "response_format" in body:
            return Reply(400, {"error": {"message": "response_format is not supported here"}})
        return verdict()

    endpoint.answer = answer
    assert [(await evaluator.judge(another(text))).score for text in "ab"] == [0.9, 0.9]
    sent = [("temperature" in request, "response_format" in request) for request in endpoint.requests]
    assert sent == [(True, True), (False, True), (False, False), (False, False)]


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(400, {"error": {"message": f"invalid prompt: {'x' * 300} what is the temperature in Rome?"}}),
        Reply(400, {"error": {"message": "blocked: temperature in Rome", "code": "content_filter"}}),
    ],
)
async def test_a_refusal_that_quotes_the_prompt_does_not_change_the_parameters(
    endpoint: Endpoint, evaluator: Evaluator, refusal: Reply
) -> None:
    endpoint.script(refusal, verdict())
    await evaluator.judge(another("a"))
    await evaluator.judge(another("b"))
    assert all("temperature" in request for request in endpoint.requests)


async def test_an_unknown_price_is_no_cost(endpoint: Endpoint, evaluator: Evaluator) -> None:
    endpoint.script(verdict(model="our-own-judge"))
    assert (await evaluator.judge(another("a"))).cost is None
    endpoint.script(verdict(usage=None))
    assert (await evaluator.judge(another("b"))).cost is None
