from __future__ import annotations

import asyncio
import functools
import inspect
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from driftline import observe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from openai.types.chat import ChatCompletion

    from collector_support import Recording


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"type": "text", "content": text}]}]


def assistant(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]


def test_a_function_is_recorded_with_input_and_output(recording: Recording) -> None:
    @observe(feature="greeting", prompt_name="hello", prompt_version="v2")
    def greet(name: str) -> str:
        return f"Hello {name}"

    assert greet("Ada") == "Hello Ada"
    span = recording.span()
    assert span.name == "greet"
    assert span.scope == "driftline"
    assert span.status == "unset"
    assert span.attributes == {
        "driftline.observed": True,
        "driftline.request": True,
        "driftline.span.kind": "step",
        "driftline.feature": "greeting",
        "gen_ai.prompt.name": "hello",
        "gen_ai.prompt.version": "v2",
        "gen_ai.input.messages": json.dumps(user("Ada"), separators=(",", ":")),
        "gen_ai.output.messages": json.dumps(assistant("Hello Ada"), separators=(",", ":")),
    }


async def test_an_async_function_is_recorded(recording: Recording) -> None:
    @observe
    async def greet(name: str) -> str:
        await asyncio.sleep(0.05)
        return f"Hello {name}"

    assert await greet("Ada") == "Hello Ada"
    span = recording.span()
    assert json.loads(span.attributes["gen_ai.output.messages"]) == assistant("Hello Ada")
    assert 0.04e9 < span.end_ns - span.start_ns < 2e9


def test_several_arguments_become_json(recording: Recording) -> None:
    @observe
    def answer(question: str, *, tries: int = 3, options: dict[str, Any] | None = None) -> None:
        pass

    answer("why?", options={"deep": True})
    (message,) = json.loads(recording.span().attributes["gen_ai.input.messages"])
    assert json.loads(message["parts"][0]["content"]) == {"question": "why?", "options": {"deep": True}}


def test_a_list_of_chat_messages_is_the_conversation(recording: Recording) -> None:
    @observe
    def answer(messages: list[dict[str, Any]], temperature: float) -> None:
        pass

    answer([{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}], 0.5)
    messages = json.loads(recording.span().attributes["gen_ai.input.messages"])
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[1]["parts"] == [{"type": "text", "content": "Hi"}]


def test_no_arguments_and_no_result_record_no_content(recording: Recording) -> None:
    @observe
    def tick() -> None:
        pass

    tick()
    assert recording.span().attributes == {
        "driftline.observed": True,
        "driftline.request": True,
        "driftline.span.kind": "step",
    }


def test_the_result_is_the_same_object(recording: Recording, completion: ChatCompletion) -> None:
    assert observe(lambda: completion)() is completion


def test_a_lazy_result_is_not_consumed(recording: Recording) -> None:
    numbers = iter([1, 2, 3])

    @observe
    def stream() -> Iterator[int]:
        return numbers

    assert stream() is numbers
    assert list(numbers) == [1, 2, 3]
    assert "gen_ai.output.messages" not in recording.span().attributes


def test_a_returned_coroutine_is_left_to_the_caller(recording: Recording) -> None:
    async def work() -> int:
        return 7

    assert asyncio.run(observe(functools.partial(work))()) == 7


def test_the_exception_is_the_same_object(recording: Recording) -> None:
    error = KeyError("lost")
    cause = ValueError("why")

    @observe
    def fail() -> None:
        raise error from cause

    with pytest.raises(KeyError) as caught:
        fail()
    assert caught.value is error
    assert caught.value.__cause__ is cause
    assert caught.value.__context__ is None  # ours did not get in between
    span = recording.span()
    assert span.status == "error"
    assert span.attributes["error.type"] == "KeyError"


async def test_the_exception_of_an_async_function_is_the_same_object(recording: Recording) -> None:
    error = RuntimeError("no")

    @observe
    async def fail() -> None:
        raise error

    with pytest.raises(RuntimeError) as caught:
        await fail()
    assert caught.value is error
    assert recording.span().status_message == "no"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_exits_pass_through_and_end_the_span(recording: Recording, kind: type[BaseException]) -> None:
    @observe
    def leave() -> None:
        raise kind

    with pytest.raises(kind):
        leave()
    assert recording.span().attributes["error.type"] == kind.__name__


async def test_a_cancelled_call_is_no_error(recording: Recording) -> None:
    @observe
    async def wait() -> None:
        await asyncio.sleep(10)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = recording.span()
    assert span.attributes["driftline.cancelled"] is True
    assert span.status == "unset"
    assert "error.type" not in span.attributes


def test_a_wrong_call_raises_the_functions_own_error(recording: Recording) -> None:
    @observe
    def one(argument: int) -> int:
        return argument

    with pytest.raises(TypeError, match="one\\(\\) missing 1 required positional argument"):
        one()  # type: ignore[call-arg]
    assert recording.span().attributes["error.type"] == "TypeError"


def test_the_wrapper_looks_like_the_function() -> None:
    def original(question: str, /, *, n: int = 1) -> str:
        """Answer."""
        return question * n

    wrapped = observe(feature="f")(original)
    assert inspect.signature(wrapped) == inspect.signature(original)
    assert (wrapped.__name__, wrapped.__doc__, wrapped.__module__) == ("original", "Answer.", __name__)
    assert wrapped.__wrapped__ is original  # type: ignore[attr-defined]
    assert wrapped.__annotations__ == original.__annotations__


def test_the_kind_of_function_is_kept() -> None:
    async def coroutine() -> None: ...
    def plain() -> None: ...
    def generator() -> Iterator[int]:
        yield 1

    async def asyncgen() -> AsyncIterator[int]:
        yield 1

    assert inspect.iscoroutinefunction(observe(coroutine))
    assert not inspect.iscoroutinefunction(observe(plain))
    assert inspect.isgeneratorfunction(observe(generator))
    assert inspect.isasyncgenfunction(observe(asyncgen))


async def test_generators_work_undecorated(recording: Recording) -> None:
    @observe
    def count() -> Iterator[int]:
        yield 1
        yield 2

    @observe(feature="f")
    async def letters() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    generator = count()
    assert next(generator) == 1
    assert [letter async for letter in letters()] == ["a", "b"]


def test_methods_of_every_kind(recording: Recording) -> None:
    class Bot:
        @observe
        def answer(self, question: str) -> str:
            return question.upper()

        @classmethod
        @observe
        def build(cls, size: int) -> type[Bot]:
            return cls if size else Bot

        @staticmethod
        @observe
        def shout(text: str) -> str:
            return text + "!"

        @observe
        @staticmethod
        def whisper(text: str) -> str:
            return text + "."

        def __call__(self, text: str) -> str:
            return text

    bot = Bot()
    assert (bot.answer("a"), Bot.build(2), Bot.shout("b"), bot.whisper("c")) == ("A", Bot, "b!", "c.")
    assert observe(bot)("d") == "d"
    spans = recording.spans()
    assert [span.name for span in spans] == ["Bot.answer", "Bot.build", "Bot.shout", "Bot.whisper", "Bot"]
    assert json.loads(spans[0].attributes["gen_ai.input.messages"]) == user("a")


def test_partials_and_builtins(recording: Recording) -> None:
    def power(base: int, exponent: int) -> int:
        return int(base**exponent)

    assert observe(functools.partial(power, exponent=2))(3) == 9
    assert observe(max)(1, 2) == 2
    assert [span.name for span in recording.spans()] == ["power", "max"]


def test_decorating_what_is_no_function_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="options are passed by keyword"):
        observe("feature")  # type: ignore[call-overload]


def test_a_version_may_be_given_as_a_number(recording: Recording) -> None:
    observe(prompt_name="p", prompt_version=3)(lambda: None)()  # type: ignore[call-overload]
    assert recording.span().attributes["gen_ai.prompt.version"] == "3"


def test_content_can_be_switched_off(record: Callable[..., Recording]) -> None:
    recording = record(capture_content=False)

    @observe
    def answer(question: str) -> str:
        if question == "secret":
            raise ValueError(question)
        return question

    answer("private")
    with pytest.raises(ValueError, match="secret"):
        answer("secret")
    ok, failed = recording.spans()
    assert ok.attributes == {"driftline.observed": True, "driftline.request": True, "driftline.span.kind": "step"}
    assert failed.status_message == ""
    assert failed.attributes["error.type"] == "ValueError"
    assert b"private" not in b"".join(recording.bus.values("otlp_spans"))
    assert b"secret" not in b"".join(recording.bus.values("otlp_spans"))


def test_content_can_be_switched_off_for_one_function(recording: Recording) -> None:
    observe(capture_content=False)(lambda text: text)("private")
    assert "gen_ai.input.messages" not in recording.span().attributes


def test_long_content_is_cut_and_marked(record: Callable[..., Recording]) -> None:
    recording = record(max_content_chars=256)
    observe(lambda text: text)("x" * 1000)
    span = recording.span()
    assert span.attributes["driftline.content.truncated"] is True
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message["parts"][0]["content"] == "x" * 256 + "…"


def test_a_clock_that_jumps_does_not_bend_the_latency(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()

    @observe
    def step() -> None:
        monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)

    step()
    monkeypatch.undo()
    span = recording.span()
    assert 0 < span.end_ns - span.start_ns < 60_000_000_000


def test_a_huge_argument_is_cut_and_says_so(recording: Recording) -> None:
    observe(name="step")(len)(list(range(3_000_000)))
    found = recording.span().attributes
    assert found["driftline.content.truncated"] is True
    assert len(found["gen_ai.input.messages"]) < 40_000


def test_recording_is_not_part_of_the_latency(recording: Recording) -> None:
    big = [{"n": number} for number in range(9000)]
    begun = time.time_ns()

    @observe
    def quick() -> list[dict[str, int]]:
        return big

    quick()
    assert recording.span().end_ns - begun < 50e6


def test_what_goes_wrong_while_recording_stays_inside(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    for place in ("recording.understand", "recording.freeze", "recording.error_attributes", "attributes.render"):
        monkeypatch.setattr(f"driftline.{place}", broken)

    @observe
    def divide(a: int, b: int) -> float:
        return a / b

    assert divide(4, 2) == 2
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    monkeypatch.setattr("driftline.recording.Recorder.begin", broken)
    assert divide(6, 2) == 3
    assert len(recording.spans()) == 2


def test_another_processor_that_raises_does_not_reach_the_application(recording: Recording) -> None:
    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:  # noqa: ARG002
            raise RuntimeError("somebody else's bug")

    recording.provider.add_span_processor(Broken())
    assert observe(lambda: 1)() == 1
    assert not trace.get_current_span().get_span_context().is_valid
