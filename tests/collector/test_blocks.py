"""Blocks of code, finished calls, and what the application did about an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

import driftline
from collector_support import output_of
from driftline import observe, record, span

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

    from collector_support import Recording


def test_a_block_is_recorded_like_a_function(recording: Recording, completion: ChatCompletion) -> None:
    with span("answer", feature="support", prompt_name="p", prompt_version="v2") as block:
        block.input([{"role": "user", "content": "Hello"}])
        block.output(completion)
    found = recording.span()
    assert found.name == "answer"
    assert found.attributes["driftline.feature"] == "support"
    assert found.attributes["driftline.request"] is True
    assert found.attributes["driftline.span.kind"] == "call"
    assert found.attributes["gen_ai.usage.input_tokens"] == 142
    assert "Hello" in found.attributes["gen_ai.input.messages"]


async def test_a_block_of_async_code_holds_what_is_inside(recording: Recording) -> None:
    async with span("outer") as outer:
        outer.input(question="x", limit=3)
        observe(name="inner")(lambda: None)()
    assert recording.span("inner").parent_id == recording.span("outer").span_id
    assert '\\"limit\\": 3' in recording.span("outer").attributes["gen_ai.input.messages"]


def test_an_exception_ends_a_block_as_an_error_and_goes_on(recording: Recording) -> None:
    with pytest.raises(KeyError), span("broken"):
        raise KeyError("x")
    assert recording.span().attributes["error.type"] == "KeyError"
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_finished_call_is_recorded_with_its_times(recording: Recording, completion: ChatCompletion) -> None:
    handle = record("late", input="Hello", output=completion, started=1_700_000_000.0, ended=1_700_000_002.5)
    found = recording.span()
    assert (found.start_ns, found.end_ns) == (1_700_000_000_000_000_000, 1_700_000_002_500_000_000)
    assert handle is not None
    assert handle.trace_id == found.trace_id
    assert handle.info.model == completion.model


def test_a_finished_call_may_be_told_in_numbers(recording: Recording) -> None:
    record("call", input="Hello", output="Hi", model="my-model", input_tokens=3, output_tokens=1)
    found = recording.span()
    assert found.attributes["gen_ai.operation.name"] == "chat"
    assert found.attributes["gen_ai.response.model"] == "my-model"
    assert (found.attributes["gen_ai.usage.input_tokens"], found.attributes["gen_ai.usage.output_tokens"]) == (3, 1)
    assert output_of(found) == "Hi"


def test_a_finished_call_may_have_failed(recording: Recording) -> None:
    record("call", input="Hello", error=TimeoutError("slow"), model="m")
    assert recording.span().attributes["error.type"] == "TimeoutError"


def test_a_finished_call_belongs_to_the_request_under_way(recording: Recording) -> None:
    with span("request"):
        record("inner", output="x", model="m")
    assert recording.span("inner").parent_id == recording.span("request").span_id
    assert recording.span("request").attributes["driftline.answer.model"] == "m"


def test_what_the_application_did_is_on_the_span_under_way(recording: Recording) -> None:
    @observe
    def answer() -> str:
        driftline.retried()
        driftline.retried(2)
        driftline.repaired()
        driftline.cached()
        driftline.guardrail("pii", "modify")
        driftline.routed("small-model", router="cost", confidence=0.4)
        return "x"

    answer()
    attributes = recording.span().attributes
    assert {key: attributes[key] for key in attributes if key.startswith("driftline.r")} == {
        "driftline.request": True,
        "driftline.retries": 3,
        "driftline.repairs": 1,
        "driftline.route.choice": "small-model",
        "driftline.route.name": "cost",
        "driftline.route.confidence": 0.4,
    }
    assert attributes["driftline.cache.hit"] is True
    assert (attributes["driftline.guardrail.name"], attributes["driftline.guardrail.decision"]) == ("pii", "modify")


def test_actions_within_a_span_of_another_instrumentation_are_on_that_one(recording: Recording) -> None:
    with recording.provider.get_tracer("app").start_as_current_span("step"):
        driftline.retried()
        driftline.retried()
    assert recording.span().attributes["driftline.retries"] == 2


@pytest.mark.parametrize("times", [None, "x", object()])
def test_actions_never_raise(recording: Recording, times: Any) -> None:
    driftline.retried()
    with span("s"):
        driftline.retried(times)
        driftline.routed("x", confidence=times)
        driftline.guardrail(times, times)
    assert recording.span().attributes.get("driftline.retries") is None


def test_the_application_may_set_attributes_on_our_spans(recording: Recording) -> None:
    @observe
    def answer() -> str:
        own = trace.get_current_span()
        assert own.is_recording()
        own.set_attributes({"app.plan": "pro", "app.tries": 2})
        own.add_event("looked up", {"rows": 3})
        own.record_exception(ValueError("handled"))
        own.update_name("renamed")
        own.end()  # it ends with the function
        return "x"

    answer()
    found = recording.span("renamed")
    assert found.attributes["app.plan"] == "pro"
    assert output_of(found) == "x"


def test_a_list_mutated_after_the_call_is_recorded_as_it_was(recording: Recording) -> None:
    history: list[dict[str, Any]] = [{"role": "user", "content": "first"}]
    data: dict[str, Any] = {"rows": [1, 2]}

    @observe
    def answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
        return data

    answer(history)
    history[0]["content"] = "overwritten"
    history.append({"role": "user", "content": "second"})
    data["rows"].append(3)
    data["late"] = True
    found = recording.span()
    assert "first" in found.attributes["gen_ai.input.messages"]
    assert "overwritten" not in found.attributes["gen_ai.input.messages"]
    assert output_of(found) == '{"rows": [1, 2]}'
