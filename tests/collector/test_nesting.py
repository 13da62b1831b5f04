"""The nested rule: of spans inside one another, only the innermost calls carry tokens."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Status, StatusCode

import driftline
from driftline import observe
from driftline.assembly import _tracker
from driftline.spans import Tracker
from driftline.testing import InMemoryBus, recorded_spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai.types import CreateEmbeddingResponse
    from openai.types.chat import ChatCompletion

    from collector_support import Recording
    from driftline.testing import RecordedSpan


def billed(spans: list[RecordedSpan]) -> list[str]:
    return [
        span.name.rsplit(".", 1)[-1]
        for span in spans
        if any(key.startswith("gen_ai.usage.") for key in span.attributes)
    ]


def kinds(spans: list[RecordedSpan]) -> dict[str, str | None]:
    return {span.name: span.attributes.get("driftline.span.kind") for span in spans}


def test_two_decorators_returning_one_completion_bill_once(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def inner() -> ChatCompletion:
        return completion

    @observe
    def outer() -> ChatCompletion:
        return inner()

    assert outer() is completion
    spans = recording.spans()
    assert billed(spans) == ["inner"]
    assert kinds(spans) == {"inner": "call", "outer": "workflow"}
    workflow = recording.span("outer").attributes
    assert workflow["gen_ai.operation.name"] == "invoke_workflow"
    assert workflow["gen_ai.workflow.name"] == "outer"
    assert workflow["driftline.answer.model"] == "gpt-4o-mini-2024-07-18"
    assert "It is on its way." in workflow["gen_ai.output.messages"]
    assert not {"gen_ai.response.model", "gen_ai.response.id"} & set(workflow)
    call = recording.span("inner")
    assert call.attributes["gen_ai.operation.name"] == "chat"
    assert call.parent_id == recording.span("outer").span_id


async def test_two_async_decorators_bill_once(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    async def inner() -> ChatCompletion:
        await asyncio.sleep(0)
        return completion

    @observe
    async def outer() -> ChatCompletion:
        return await inner()

    await outer()
    assert billed(recording.spans()) == ["inner"]


def test_a_decorator_on_a_decorated_function_bills_once(recording: Recording, completion: ChatCompletion) -> None:
    observe(name="outer")(observe(name="inner")(lambda: completion))()
    assert billed(recording.spans()) == ["inner"]


async def test_gathered_calls_each_bill_and_the_outer_does_not(
    recording: Recording, completion: ChatCompletion
) -> None:
    @observe
    async def ask(delay: float) -> ChatCompletion:
        await asyncio.sleep(delay)
        return completion

    @observe
    async def vote() -> ChatCompletion:
        answers = await asyncio.gather(ask(0.02), ask(0.0), ask(0.01))
        return answers[0]

    await vote()
    spans = recording.spans()
    assert billed(spans) == ["ask"] * 3
    outer = recording.span("vote")
    assert {span.parent_id for span in spans if span.name == "ask"} == {outer.span_id}


def test_calls_in_threads_with_the_context_copied_count_as_inside(
    recording: Recording, completion: ChatCompletion
) -> None:
    @observe
    def ask() -> ChatCompletion:
        return completion

    @observe
    def vote() -> ChatCompletion:
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(contextvars.copy_context().run, ask) for _ in range(4)]
            return next(future.result() for future in futures)

    vote()
    assert billed(recording.spans()) == ["ask"] * 4
    assert recording.span("vote").attributes["driftline.span.kind"] == "workflow"


def test_to_thread_counts_as_inside(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def ask() -> ChatCompletion:
        return completion

    @observe
    async def answer() -> ChatCompletion:
        return await asyncio.to_thread(ask)

    asyncio.run(answer())
    assert billed(recording.spans()) == ["ask"]


def test_other_spans_in_between_do_not_hide_a_call(recording: Recording, completion: ChatCompletion) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe
    def inner() -> ChatCompletion:
        return completion

    @observe
    def outer() -> ChatCompletion:
        with tracer.start_as_current_span("database"), tracer.start_as_current_span("retry"):
            return inner()

    outer()
    assert billed(recording.spans()) == ["inner"]
    assert recording.span("outer").attributes["driftline.span.kind"] == "workflow"


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, "workflow"),
        ({"gen_ai.operation.name": "text_completion"}, "workflow"),
        ({"gen_ai.operation.name": "generate_content"}, "workflow"),
        ({"gen_ai.operation.name": "embeddings"}, "workflow"),
        ({"openinference.span.kind": "LLM"}, "workflow"),
        ({"openinference.span.kind": "EMBEDDING"}, "workflow"),
        ({"langfuse.observation.type": "generation"}, "workflow"),
        ({"gen_ai.operation.name": "execute_tool"}, "call"),
        ({"gen_ai.operation.name": "invoke_agent"}, "call"),
        ({"openinference.span.kind": "CHAIN"}, "call"),
        ({"db.system": "postgresql"}, "call"),
    ],
)
def test_which_spans_of_others_are_calls(
    recording: Recording, completion: ChatCompletion, attributes: dict[str, str], kind: str
) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe
    def outer() -> ChatCompletion:
        with tracer.start_as_current_span("other") as span:
            span.set_attributes(attributes)
        return completion

    outer()
    assert recording.span("outer").attributes["driftline.span.kind"] == kind


def test_a_call_that_ends_after_the_outer_span_does_not_mark_it(
    recording: Recording, completion: ChatCompletion
) -> None:
    tracer = recording.provider.get_tracer("app")
    late: list[trace.Span] = []

    @observe
    def outer() -> None:
        late.append(tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}))

    outer()
    late[0].end()
    assert recording.span("outer").attributes["driftline.span.kind"] == "step"
    assert [span.name for span in recording.spans()] == ["outer", "chat"]


async def test_a_call_below_a_span_that_has_ended_still_marks_those_around(
    recording: Recording, completion: ChatCompletion
) -> None:
    @observe
    def ask() -> ChatCompletion:
        return completion

    tasks: list[asyncio.Task[None]] = []

    async def later() -> None:
        await asyncio.sleep(0.01)
        ask()

    @observe
    async def middle() -> None:
        tasks.append(asyncio.create_task(later()))

    @observe
    async def outer() -> ChatCompletion:
        await middle()
        await tasks[0]
        return completion

    await outer()
    spans = recording.spans()
    assert billed(spans) == ["ask"]
    assert kinds(spans) == {"middle": "step", "ask": "call", "outer": "workflow"}


def test_a_span_given_by_hand_hands_down_too(recording: Recording, completion: ChatCompletion) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe(feature="search")
    def outer() -> ChatCompletion:
        only_the_span = trace.set_span_in_context(trace.get_current_span(), otel.Context())
        tracer.start_span("chat", context=only_the_span, attributes={"gen_ai.operation.name": "chat"}).end()
        return completion

    outer()
    assert recording.span("chat").attributes["driftline.feature"] == "search"
    assert recording.span("outer").attributes["driftline.span.kind"] == "workflow"


def test_the_answering_model_is_the_last_that_answered(recording: Recording) -> None:
    tracer = recording.provider.get_tracer("app")

    def call(model: str, *, fails: bool = False, operation: str = "chat") -> None:
        with tracer.start_as_current_span("call") as span:
            span.set_attributes({"gen_ai.operation.name": operation, "gen_ai.request.model": model})
            if fails:
                span.set_status(Status(StatusCode.ERROR))

    @observe
    def outer() -> None:
        call("first")
        call("second")
        call("third", fails=True)
        call("vectors", operation="embeddings")

    outer()
    assert recording.span("outer").attributes["driftline.answer.model"] == "second"


def test_when_all_calls_failed_the_model_is_the_last_that_was_tried(recording: Recording) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe
    def outer() -> None:
        for model in ("first", "second"):
            with tracer.start_as_current_span("call") as span:
                span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": model})
                span.set_status(Status(StatusCode.ERROR))

    outer()
    assert recording.span("outer").attributes["driftline.answer.model"] == "second"


def test_embeddings_inside_make_a_workflow_without_an_answer(
    recording: Recording, embedding: CreateEmbeddingResponse
) -> None:
    @observe
    def embed() -> CreateEmbeddingResponse:
        return embedding

    @observe
    def search() -> str:
        embed()
        return "found"

    search()
    assert recording.span("embed").attributes["gen_ai.operation.name"] == "embeddings"
    assert recording.span("search").attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert "driftline.answer.model" not in recording.span("search").attributes


def test_a_failed_workflow_keeps_its_calls(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def ask() -> ChatCompletion:
        return completion

    @observe
    def outer() -> None:
        ask()
        raise ValueError("could not use the answer")

    with pytest.raises(ValueError, match="could not use"):
        outer()
    assert recording.span("outer").attributes["driftline.span.kind"] == "workflow"
    assert recording.span("outer").status == "error"
    assert recording.span("ask").status == "unset"


def test_spans_that_never_end_do_not_leak() -> None:

    tracker = Tracker(max_live=100)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(tracker)
    tracer = provider.get_tracer("app")
    kept = [tracer.start_span(str(number)) for number in range(1000)]
    assert len(tracker._live) == 100
    for span in kept:
        span.end()
    assert not tracker._live


async def test_a_task_that_starts_its_successor_does_not_grow_a_chain(recording: Recording) -> None:
    lengths: list[int] = []
    done = asyncio.Event()

    @observe
    async def poll(left: int) -> None:
        entry = recorder_entry()
        length = 0
        while entry is not None:
            length, entry = length + 1, entry.parent
        lengths.append(length)
        if left:
            asyncio.get_running_loop().call_soon(lambda: tasks.append(asyncio.create_task(poll(left - 1))))
        else:
            done.set()

    def recorder_entry() -> Any:
        return _tracker.entry(trace.get_current_span().get_span_context().span_id)

    tasks = [asyncio.create_task(poll(50))]
    await done.wait()
    await asyncio.gather(*tasks)
    assert max(lengths) <= 2


def test_spans_that_do_not_concern_models_are_left_alone(record: Callable[..., Recording]) -> None:
    recording = record()
    tracer = recording.provider.get_tracer("app")
    with tracer.start_as_current_span("GET /health"), tracer.start_as_current_span("SELECT"):
        pass
    with tracer.start_as_current_span("POST /answer"):
        with tracer.start_as_current_span("SELECT user"):
            pass
        observe(name="answer")(lambda: tracer.start_span("SELECT parcel").end())()
    assert {span.name for span in recording.spans()} == {"SELECT parcel", "answer", "POST /answer"}


def test_unsampled_traces_are_not_recorded() -> None:

    bus = InMemoryBus()
    driftline.init(bus=bus, tracer_provider=TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    try:
        assert observe(lambda: driftline.current() is not None)() is True
        assert driftline.flush()
        assert recorded_spans(bus) == []
    finally:
        driftline.shutdown()


def test_many_threads_at_once_lose_nothing(recording: Recording, completion: ChatCompletion) -> None:
    @observe
    def ask() -> ChatCompletion:
        return completion

    @observe
    def answer() -> ChatCompletion:
        return ask()

    def work() -> None:
        for _ in range(100):
            answer()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = recording.spans()
    assert len(spans) == 1600
    assert billed(spans) == ["ask"] * 800
    assert driftline.current() is None


def test_the_outermost_observed_span_says_that_it_is_the_request_even_below_a_foreign_root(
    recording: Recording, completion: ChatCompletion
) -> None:
    @observe
    def inner() -> ChatCompletion:
        return completion

    @observe
    def outer() -> ChatCompletion:
        return inner()

    with trace.get_tracer("a.web.framework").start_as_current_span("GET /answer"):
        outer()

    requests = [span.name for span in recording.spans() if span.attributes.get("driftline.request")]
    assert [name.rsplit(".", 1)[-1] for name in requests] == ["outer"]


@pytest.mark.parametrize(
    ("outer", "inner", "calls"),
    [
        ({"gen_ai.usage.input_tokens": 142}, {"gen_ai.usage.input_tokens": 142}, 1),
        ({"gen_ai.usage.output_tokens": 5}, {"llm.token_count.completion": 5}, 1),
        ({}, {}, 1),  # both failed
        ({}, {"gen_ai.usage.input_tokens": 142}, 1),
        ({"gen_ai.usage.input_tokens": 142}, {}, 2),
        ({"gen_ai.usage.input_tokens": 300}, {"gen_ai.usage.input_tokens": 142}, 2),  # a tool that calls a model
    ],
)
def test_a_call_that_a_framework_and_its_client_both_report_is_one(
    recording: Recording, outer: dict[str, Any], inner: dict[str, Any], calls: int
) -> None:
    theirs = InMemorySpanExporter()
    recording.provider.add_span_processor(SimpleSpanProcessor(theirs))
    tracer = recording.provider.get_tracer("app")
    for tokens in (outer, inner):
        tokens["gen_ai.operation.name"] = "chat"
    with tracer.start_as_current_span("outer", attributes=outer), tracer.start_as_current_span("http"):
        tracer.start_span("inner", attributes=inner).end()
    operations = [span.attributes.get("gen_ai.operation.name") for span in recording.spans()]
    assert operations.count("chat") == calls
    assert operations.count("invoke_workflow") == 2 - calls
    assert {
        span.name: (span.attributes or {}).get("gen_ai.operation.name") for span in theirs.get_finished_spans()
    } == {
        "outer": "chat",
        "http": None,
        "inner": "chat",
    }
