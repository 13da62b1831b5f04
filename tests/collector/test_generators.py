"""Generators and coroutines of observed functions: unchanged for their consumer, recorded to their end."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

from collector_support import output_of, wait_until
from driftline import observe, session
from driftline.testing import recorded_spans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

    from collector_support import Recording


@observe
def words(text: str) -> Iterator[str]:
    yield from text.split(" ")


@observe
async def async_words(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        await asyncio.sleep(0)
        yield word


def test_a_generator_is_recorded_with_what_it_yielded(recording: Recording) -> None:
    assert list(words("to be")) == ["to", "be"]
    span = recording.span()
    assert output_of(span) == "tobe"
    assert span.attributes["gen_ai.request.stream"] is True
    assert 0 <= span.attributes["gen_ai.response.time_to_first_chunk"] < 5
    assert "driftline.stream.abandoned" not in span.attributes


async def test_an_async_generator_is_recorded_as_fully(recording: Recording) -> None:
    assert [word async for word in async_words("to be")] == ["to", "be"]
    span = recording.span()
    assert output_of(span) == "tobe"
    assert '"to be"' in span.attributes["gen_ai.input.messages"]


def test_the_kind_of_function_and_of_what_it_returns_is_kept() -> None:
    assert inspect.isgeneratorfunction(words)
    assert inspect.isasyncgenfunction(async_words)
    assert inspect.isgenerator(words(""))
    assert inspect.isasyncgen(async_words(""))


def test_sent_thrown_and_returned_values_pass_through(recording: Recording) -> None:
    @observe
    def echo() -> Generator[Any, Any, str]:
        got = yield "ready"
        try:
            yield got
        except KeyError:
            yield "caught"
        return "result"

    generator = echo()
    assert next(generator) == "ready"
    assert generator.send(7) == 7
    assert generator.throw(KeyError()) == "caught"
    with pytest.raises(StopIteration) as end:
        next(generator)
    assert end.value.value == "result"
    assert recording.span().status == "unset"


async def test_sent_and_thrown_values_pass_through_an_async_generator(recording: Recording) -> None:
    @observe
    async def echo() -> Any:
        got = yield "ready"
        try:
            yield got
        except KeyError:
            yield "caught"

    generator = echo()
    assert await anext(generator) == "ready"
    assert await generator.asend(7) == 7
    assert await generator.athrow(KeyError()) == "caught"
    with pytest.raises(StopAsyncIteration):
        await anext(generator)
    recording.span()


def test_whoever_stops_early_has_abandoned_it(recording: Recording) -> None:
    cleaned = []

    @observe
    def numbers() -> Iterator[str]:
        try:
            yield "1"
            yield "2"
        finally:
            cleaned.append(True)

    for _ in numbers():
        break
    assert cleaned == [True]
    span = recording.span()
    assert span.attributes["driftline.stream.abandoned"] is True
    assert output_of(span) == "1"
    assert span.status == "unset"


async def test_an_async_generator_that_is_closed_is_abandoned(recording: Recording) -> None:
    generator = async_words("a b")
    assert await anext(generator) == "a"
    await generator.aclose()  # type: ignore[attr-defined]
    assert recording.span().attributes["driftline.stream.abandoned"] is True


def test_a_generator_that_is_collected_is_abandoned(recording: Recording) -> None:
    generator = words("a b")
    next(generator)
    del generator
    gc.collect()
    assert recording.span().attributes["driftline.stream.abandoned"] is True


def test_a_generator_that_nobody_starts_is_not_recorded(recording: Recording) -> None:
    words("a")
    gc.collect()
    assert recording.spans() == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_error_in_the_body_is_recorded_with_what_came_before(recording: Recording, kind: str) -> None:
    @observe
    def broken() -> Iterator[str]:
        yield "half"
        raise TimeoutError("slow")

    @observe
    async def async_broken() -> AsyncIterator[str]:
        yield "half"
        raise TimeoutError("slow")

    async def consume() -> list[str]:
        return [piece async for piece in async_broken()]

    with pytest.raises(TimeoutError):
        list(broken()) if kind == "sync" else asyncio.run(consume())
    span = recording.span()
    assert span.status == "error"
    assert span.attributes["error.type"] == "TimeoutError"
    assert output_of(span) == "half"


async def test_a_cancelled_consumer_is_no_error(recording: Recording) -> None:
    @observe
    async def endless() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(60)

    async def consume() -> None:
        async for _ in endless():
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = recording.span()
    assert span.status == "unset"
    assert span.attributes["driftline.cancelled"] is True


def test_the_body_runs_inside_the_span_and_the_consumer_outside(recording: Recording) -> None:
    @observe
    def inner() -> str:
        return "x"

    @observe
    def outer() -> Iterator[str]:
        yield inner()
        with session("within"):
            yield inner()
            inner()
        inner()

    generator = outer()
    for _ in generator:
        assert not trace.get_current_span().get_span_context().is_valid
        observe(name="elsewhere")(lambda: None)()
    spans = {span.span_id: span for span in recording.spans()}
    inside = [span for span in spans.values() if span.name.endswith("inner")]
    assert {spans[span.parent_id].name.rsplit(".", 1)[-1] for span in inside} == {"outer"}
    assert [span.attributes.get("gen_ai.conversation.id") for span in inside] == [None, "within", "within", None]
    assert {span.parent_id for span in spans.values() if span.name == "elsewhere"} == {""}


def test_wrong_arguments_are_the_functions_own_error(recording: Recording) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        list(words())  # type: ignore[call-arg]
    assert recording.span().status == "error"


def test_a_generator_that_an_ordinary_function_returns_is_followed(recording: Recording) -> None:
    @observe
    def make() -> Iterator[str]:
        return (letter for letter in "abc")

    generator = make()
    assert inspect.isgenerator(generator)
    assert recorded_spans(recording.bus) == []
    assert list(generator) == ["a", "b", "c"]
    assert output_of(recording.span()) == "abc"


async def test_a_coroutine_that_an_ordinary_function_returns_is_followed(recording: Recording) -> None:
    async def answer() -> str:
        observe(name="inner")(lambda: None)()
        return "done"

    @observe
    def start() -> Any:
        return answer()

    coroutine = start()
    assert inspect.iscoroutine(coroutine)
    assert await coroutine == "done"
    assert not trace.get_current_span().get_span_context().is_valid
    outer = recording.span(start.__qualname__.rsplit("<locals>.", 1)[-1])
    assert output_of(outer) == "done"
    assert recording.span("inner").parent_id == outer.span_id


def test_what_is_yielded_may_be_data(recording: Recording) -> None:
    @observe
    def events() -> Iterator[dict[str, Any]]:
        event = {"type": "token", "text": "a"}
        yield event
        event["text"] = "changed later"
        yield {"type": "end"}

    list(events())
    assert output_of(recording.span()) == '[{"type": "token", "text": "a"}, {"type": "end"}]'


def test_without_recording_generators_work_as_ever(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftline.runtime.recorder", lambda: None)

    async def consume() -> list[str]:
        generator = async_words("a b")
        first = await anext(generator)
        return [first, *[word async for word in generator]]

    assert list(words("a b")) == ["a", "b"]
    assert asyncio.run(consume()) == ["a", "b"]
    assert recording.spans() == []


def test_a_span_is_closed_once_whatever_comes_after(recording: Recording) -> None:
    generator = words("a")
    list(generator)
    generator.close()  # type: ignore[attr-defined]
    del generator
    gc.collect()
    wait_until(lambda: len(recording.spans()) == 1)
    assert "driftline.stream.abandoned" not in recording.span().attributes
