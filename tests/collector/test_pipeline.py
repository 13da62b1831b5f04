"""The way to the bus: nothing blocks, what is lost is counted, oversized spans are cut."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider

import driftline
from driftline import observe
from driftline.exporter import Outbox
from driftline.pipeline import Pipeline, Stats
from driftline.testing import InMemoryBus, recorded_spans

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from opentelemetry.sdk.trace import ReadableSpan

    from collector_support import Recording


def some_span(**attributes: str) -> ReadableSpan:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("app").start_span("s", attributes=attributes)
    span.end()
    return span  # type: ignore[return-value]


def pipeline_on(bus: InMemoryBus, **options: float) -> Pipeline:
    return Pipeline(Outbox(bus, max_message_bytes=100_000, resource={}), **options)  # type: ignore[arg-type]


def test_what_was_recorded_is_on_the_bus_within_half_a_second(recording: Recording) -> None:
    observe(lambda: 1)()
    begun = time.monotonic()
    while not recording.bus.values("otlp_spans"):
        assert time.monotonic() - begun < 2
        time.sleep(0.01)
    assert time.monotonic() - begun < 0.7


def test_the_trace_id_is_the_key_when_all_spans_share_it(recording: Recording) -> None:
    @observe
    def step() -> int:
        return 1

    observe(step)()
    span = recording.spans()[0]
    assert recording.bus.keys("otlp_spans") == [span.trace_id.encode()]
    step()
    step()
    recording.spans()
    assert recording.bus.keys("otlp_spans")[1:] == [None]


def test_batches_are_split_below_the_largest_message(record: Callable[..., Recording]) -> None:
    recording = record(max_message_bytes=10_000)
    recording.bus.max_message_bytes = 10_000

    @observe
    def step(text: str) -> str:
        return text

    for number in range(50):
        step(f"{number:04}" + "x" * 700)
    assert len(recording.spans()) == 50
    assert len(recording.bus.values("otlp_spans")) > 5
    assert driftline.stats() == Stats(emitted=50, exported=50, dropped=0, pending=0)


def test_an_oversized_span_is_cut_and_sent(record: Callable[..., Recording]) -> None:
    recording = record(max_message_bytes=10_000)
    recording.bus.max_message_bytes = 10_000

    @observe
    def answer(messages: list[dict[str, str]]) -> str:
        return "é" * 20_000

    answer([{"role": "user", "content": f"{number} " + "x" * 3000} for number in range(9)])
    span = recording.span()
    assert span.attributes["driftline.content.truncated"] is True
    assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"].startswith("é" * 500)
    assert json.loads(span.attributes["gen_ai.input.messages"])[-1]["parts"][0]["content"].startswith("8 x")
    assert driftline.stats().dropped == 0


def test_oversized_spans_of_other_instrumentations_are_cut(record: Callable[..., Recording]) -> None:
    recording = record(max_message_bytes=10_000)
    tracer = recording.provider.get_tracer("app")
    values = {
        "gen_ai.input.messages": "not JSON" * 5000,
        "gen_ai.output.messages": '{"a": "' + "x" * 50_000 + '"}',
        "llm.input": "é" * 50_000,
    }
    with tracer.start_as_current_span("chat", attributes=values) as span:
        span.add_event("exception", {"exception.stacktrace": "x" * 50_000})
    found = recording.span()
    assert found.attributes["llm.input"].startswith("é")
    assert len(recording.bus.values("otlp_spans")[0]) <= 10_000


def test_a_span_that_cannot_be_cut_is_dropped_and_counted(record: Callable[..., Recording]) -> None:
    recording = record(max_message_bytes=10_000)
    tracer = recording.provider.get_tracer("app")
    tracer.start_span("chat", attributes={"gen_ai.numbers": list(range(10_000))}).end()
    observe(lambda: 1)()
    assert len(recording.spans()) == 1
    assert driftline.stats() == Stats(emitted=2, exported=1, dropped=1, pending=0)


def test_a_span_that_cannot_be_encoded_does_not_take_others_with_it(recording: Recording) -> None:
    tracer = recording.provider.get_tracer("app")
    tracer.start_span("\ud800", attributes={"gen_ai.operation.name": "chat"}).end()
    observe(lambda: 1)()
    assert len(recording.spans()) == 1
    assert driftline.stats() == Stats(emitted=2, exported=1, dropped=1, pending=0)


def test_a_bus_that_comes_back_gets_everything(recording: Recording, caplog: pytest.LogCaptureFixture) -> None:
    recording.bus.failure = "the broker is away"

    @observe
    def step() -> int:
        return 1

    for _ in range(20):
        assert step() == 1
    assert driftline.flush(0.5) is False
    assert driftline.stats() == Stats(emitted=20, exported=0, dropped=0, pending=20)
    recording.bus.failure = None
    assert len(recording.spans()) == 20
    (warning,) = caplog.records  # one a minute, however many attempts
    assert warning.levelno == logging.WARNING
    assert "the broker is away" in warning.getMessage()


def test_a_message_that_is_never_taken_is_dropped_and_counted() -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus, give_up=0.3, delay=0.01)
    pipeline.put(some_span())
    assert pipeline.flush(5)
    assert pipeline.stats() == Stats(emitted=1, exported=0, dropped=1, pending=0)
    pipeline.close(1)


def test_a_full_queue_drops_and_counts_without_blocking(caplog: pytest.LogCaptureFixture) -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus, capacity=10, delay=30)
    begun = time.monotonic()
    for _ in range(100):
        pipeline.put(some_span())
    assert time.monotonic() - begun < 1
    assert pipeline.stats() == Stats(emitted=100, exported=0, dropped=90, pending=10)
    assert "the queue is full" in caplog.text
    bus.failure = None
    assert pipeline.flush(5)
    assert len(recorded_spans(bus)) == 10
    pipeline.close(1)


def test_the_queue_is_bounded_in_bytes_too() -> None:
    pipeline = pipeline_on(InMemoryBus(), capacity_bytes=50_000, delay=30)
    for _ in range(10):
        pipeline.put(some_span(text="x" * 20_000))
    assert pipeline.stats().dropped == 8
    pipeline.close(1)


def test_closing_sends_what_is_left() -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, delay=30)
    pipeline.put(some_span())
    assert pipeline.close(5)
    assert len(recorded_spans(bus)) == 1
    pipeline.put(some_span())
    assert pipeline.stats() == Stats(emitted=2, exported=1, dropped=1, pending=0)


def test_closing_does_not_wait_for_a_bus_that_is_away() -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus, delay=0.01)
    pipeline.put(some_span())
    begun = time.monotonic()
    pipeline.close(0.3)
    assert time.monotonic() - begun < 2
    assert pipeline.stats() == Stats(emitted=1, exported=0, dropped=1, pending=0)


def test_flushing_nothing_is_instant() -> None:
    assert pipeline_on(InMemoryBus()).flush(0)
    assert driftline.flush(0)


def test_the_same_spans_give_the_same_bytes() -> None:
    span = some_span(a="1", b="2")
    outbox = Outbox(InMemoryBus(), max_message_bytes=100_000, resource={"service.name": "s"})
    first, second = (outbox.encode_spans([span]).messages[0].value for _ in range(2))
    assert first == second
