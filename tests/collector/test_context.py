"""What spans inherit: feature, prompt, session, user; and the request under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import driftline
from driftline import observe, session

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

    from collector_support import Recording


def test_everything_started_below_inherits(recording: Recording) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe(feature="search", prompt_name="rewrite", prompt_version="v2")
    def outer() -> None:
        inner()

    @observe
    def inner() -> None:
        tracer.start_span("auto").end()

    with session("s-1", user="u-1"):
        outer()
    for span in recording.spans():
        assert (
            span.attributes.items()
            >= {
                "driftline.feature": "search",
                "gen_ai.prompt.name": "rewrite",
                "gen_ai.prompt.version": "v2",
                "gen_ai.conversation.id": "s-1",
                "user.id": "u-1",
            }.items()
        ), span.name


def test_nearer_wins(recording: Recording) -> None:
    tracer = recording.provider.get_tracer("app")

    @observe(feature="outer", prompt_name="one", prompt_version="v1")
    def outer() -> None:
        inner()

    @observe(feature="inner", prompt_name="two")
    def inner() -> None:
        tracer.start_span("auto", attributes={"driftline.feature": "own"}).end()

    outer()
    assert recording.span("auto").attributes["driftline.feature"] == "own"
    found = recording.span("inner").attributes
    assert (found["driftline.feature"], found["gen_ai.prompt.name"]) == ("inner", "two")
    assert "gen_ai.prompt.version" not in found  # a version belongs to its prompt
    assert recording.span("outer").attributes["driftline.feature"] == "outer"


def test_sessions_nest_and_end(recording: Recording) -> None:
    @observe
    def step() -> None: ...

    with session("a", user="u"):
        with session("b"):
            step()
        step()
    step()
    found = [
        (span.attributes.get("gen_ai.conversation.id"), span.attributes.get("user.id")) for span in recording.spans()
    ]
    assert found == [("b", "u"), ("a", "u"), (None, None)]


async def test_sessions_of_concurrent_tasks_do_not_mix(recording: Recording) -> None:
    @observe
    async def answer() -> None:
        await asyncio.sleep(0.01)

    async def serve(user: str) -> None:
        async with session(f"session of {user}", user=user):
            await answer()

    await asyncio.gather(*(serve(user) for user in "abc"))
    assert sorted(span.attributes["gen_ai.conversation.id"] for span in recording.spans()) == [
        "session of a",
        "session of b",
        "session of c",
    ]


def test_a_session_object_can_be_entered_again(recording: Recording) -> None:
    again = session("a")
    for _ in range(2):
        with again:
            observe(lambda: None)()
    assert [span.attributes["gen_ai.conversation.id"] for span in recording.spans()] == ["a", "a"]


def test_a_session_passes_exceptions_on(recording: Recording) -> None:
    with pytest.raises(KeyError), session("a"):
        raise KeyError


def test_a_session_takes_any_id(recording: Recording) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    with session(17):  # type: ignore[arg-type]
        observe(name="number")(lambda: None)()
    with session(Broken()):  # type: ignore[arg-type]
        observe(name="broken")(lambda: None)()
    with session("x\ud800" * 1000):
        observe(name="long")(lambda: None)()
    assert recording.span("number").attributes["gen_ai.conversation.id"] == "17"
    assert "gen_ai.conversation.id" not in recording.span("broken").attributes
    assert recording.span("long").attributes["gen_ai.conversation.id"] == "x?" * 128


def test_current_is_the_outermost_request(recording: Recording) -> None:
    handles = []

    @observe
    def inner() -> None:
        handles.append(driftline.current())

    @observe
    def outer() -> None:
        handles.append(driftline.current())
        inner()

    assert driftline.current() is None
    outer()
    assert driftline.current() is None
    first, second = handles
    assert first is not None
    assert second is not None
    assert first.span_id == second.span_id == recording.span("outer").span_id
    assert first.trace_id == recording.span("outer").trace_id
    assert first.span_id in repr(first)


def test_a_handle_learns_of_the_answer(recording: Recording, completion: ChatCompletion) -> None:
    handles: list[driftline.Handle] = []

    @observe
    def answer() -> ChatCompletion:
        handle = driftline.current()
        assert handle is not None
        handles.append(handle)
        return completion

    answer()
    assert handles[0].info.model == "gpt-4o-mini-2024-07-18"
    assert handles[0].info.response_id == "chatcmpl-1"


def test_a_fallback_marks_the_outermost_span(recording: Recording) -> None:
    @observe
    def inner() -> None:
        driftline.fallback("second_model", model="gpt-4o-mini")

    @observe
    def outer() -> None:
        inner()

    outer()
    found = recording.span("outer").attributes
    assert found["driftline.fallback.reason"] == "second_model"
    assert found["driftline.fallback.model"] == "gpt-4o-mini"
    assert "driftline.fallback.reason" not in recording.span("inner").attributes


async def test_a_fallback_outside_of_a_request_does_nothing(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    driftline.fallback("handover")
    later: list[asyncio.Task[None]] = []

    async def too_late() -> None:
        await asyncio.sleep(0.01)
        driftline.fallback("handover")

    @observe
    async def outer() -> None:
        later.append(asyncio.create_task(too_late()))

    await outer()
    await later[0]
    assert "driftline.fallback.reason" not in recording.span("outer").attributes
    assert caplog.records == []
