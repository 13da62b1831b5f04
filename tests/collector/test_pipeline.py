"""The way to the bus: nothing blocks, what is lost is counted, oversized spans are cut."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider

import driftline
from collector_support import wait_until
from driftline import observe
from driftline.counts import Counts, Stats
from driftline.courier import Courier
from driftline.errors import UncertainError
from driftline.exporter import Exporter
from driftline.pipeline import Pipeline
from driftline.testing import InMemoryBus, recorded_events, recorded_spans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from opentelemetry.sdk.trace import ReadableSpan

    from collector_support import Recording


def some_span(**attributes: str) -> ReadableSpan:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("app").start_span("s", attributes=attributes)
    span.end()
    return span  # type: ignore[return-value]


def some_exporter() -> Exporter:
    return Exporter(max_message_bytes=100_000, own={}, configured={}, redact=str)


def pipeline_on(
    bus: InMemoryBus,
    folder: Path | None = None,
    *,
    capacity: int = 1_000_000,
    memory: int = 1_000_000,
    limit: int = 1_000_000,
    delay: float = 0.01,
    report_every: float = 60,
) -> Pipeline:
    counts = Counts()
    courier = Courier(bus, folder, limit=limit, counts=counts, memory=memory)
    return Pipeline(some_exporter(), courier, counts, capacity=capacity, delay=delay, report_every=report_every)


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
    assert driftline.stats() == Stats(emitted=20, spooled=20)
    recording.bus.failure = None
    assert len(recording.spans()) == 20
    (warning,) = caplog.records  # one a minute, however many attempts
    assert warning.levelno == logging.WARNING
    assert "the broker is away" in warning.getMessage()


def test_a_full_queue_drops_and_counts_without_blocking(caplog: pytest.LogCaptureFixture) -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, capacity=10 * 4800, delay=30)
    for _ in range(100):
        pipeline.put(some_span())
    assert pipeline.stats() == Stats(emitted=100, exported=0, dropped=90, pending=10)
    assert pipeline.flush(5)
    assert len(recorded_spans(bus)) == 10
    assert "was full" in caplog.text
    pipeline.close(1)


def test_large_texts_count_in_the_queue() -> None:
    pipeline = pipeline_on(InMemoryBus(), capacity=50_000, delay=30)
    for _ in range(10):
        pipeline.put(some_span(text="x" * 20_000))
    assert pipeline.stats().dropped == 8
    pipeline.close(1)


def test_what_the_bus_does_not_take_waits_on_disk_and_comes_in_order(tmp_path: Path) -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, tmp_path)
    bus.failure = "no"
    for number in range(50):
        pipeline.put(some_span(number=str(number)))
        if number % 10 == 0:
            pipeline.flush(0.05)
    wait_until(lambda: pipeline.stats().spooled == 50)
    assert pipeline.stats() == Stats(emitted=50, spooled=50)
    bus.failure = None
    assert pipeline.flush(10)
    assert [span.attributes["number"] for span in recorded_spans(bus)] == [str(number) for number in range(50)]
    assert pipeline.stats() == Stats(emitted=50, exported=50)
    pipeline.close(1)
    assert not list(tmp_path.iterdir()), "an empty spool leaves nothing behind"


def test_what_does_not_fit_into_memory_goes_to_disk_although_the_bus_is_there(tmp_path: Path) -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, tmp_path, memory=0)
    for number in range(30):
        pipeline.put(some_span(number=str(number)))
        if number % 5 == 0:
            pipeline.flush(0.05)
    assert pipeline.flush(10)
    assert [span.attributes["number"] for span in recorded_spans(bus)] == [str(number) for number in range(30)]
    pipeline.close(1)


def test_what_is_on_disk_at_the_end_is_sent_by_the_next_process(tmp_path: Path) -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    first = pipeline_on(bus, tmp_path)
    for number in range(5):
        first.put(some_span(number=str(number)))
    assert first.close(0.1) is False
    assert first.stats() == Stats(emitted=5, spooled=5)
    bus.failure = None
    second = pipeline_on(bus, tmp_path)
    second.put(some_span(number="new"))
    wait_until(lambda: second.stats().recovered == 5)
    assert second.stats() == Stats(emitted=1, exported=1, recovered=5)
    assert sorted(span.attributes["number"] for span in recorded_spans(bus)) == ["0", "1", "2", "3", "4", "new"]
    second.close(1)


def test_the_spool_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    living = pipeline_on(bus, tmp_path)
    living.put(some_span())
    wait_until(lambda: living.stats().spooled == 1)
    other = InMemoryBus()
    second = pipeline_on(other, tmp_path)
    second.put(some_span())
    assert second.flush(5)
    second.close(1)
    assert len(recorded_spans(other)) == 1
    living.close(0.1)


def test_a_message_that_may_have_arrived_is_looked_for_before_it_is_sent_again(tmp_path: Path) -> None:
    class Forgetful(InMemoryBus):
        lost = False

        def append(self, topic: str, key: bytes | None, value: bytes) -> None:
            super().append(topic, key, value)
            if not self.lost:
                self.lost = True
                raise UncertainError("the answer was lost")

    bus = Forgetful()
    pipeline = pipeline_on(bus, tmp_path)
    pipeline.put(some_span())
    assert pipeline.flush(5)
    assert len(recorded_spans(bus)) == 1
    pipeline.close(1)


def test_what_neither_bus_nor_disk_takes_is_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus, tmp_path, limit=0)
    pipeline.put(some_span())
    assert pipeline.flush(5)
    assert pipeline.stats() == Stats(emitted=1, dropped=1)
    pipeline.close(1)


def test_without_a_folder_what_is_left_at_the_end_is_dropped_and_counted() -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus)
    pipeline.put(some_span())
    pipeline.close(0.1)
    assert pipeline.stats() == Stats(emitted=1, dropped=1)


def test_a_bus_that_hangs_holds_up_neither_the_queue_nor_the_end(tmp_path: Path) -> None:
    released = threading.Event()

    class Hanging(InMemoryBus):
        def append(self, topic: str, key: bytes | None, value: bytes) -> None:
            released.wait(30)
            super().append(topic, key, value)

    bus = Hanging()
    pipeline = pipeline_on(bus, tmp_path, memory=0, capacity=20_000)
    for _ in range(40):
        pipeline.put(some_span())
        wait_until(lambda: pipeline.stats().pending == 0)
    assert pipeline.stats() == Stats(emitted=40, spooled=40)
    pipeline.close(0.1)
    assert pipeline.stats() == Stats(emitted=40, spooled=40)
    released.set()


def test_the_counters_go_to_the_bus_too() -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, report_every=0.1)
    pipeline.put(some_span())
    wait_until(lambda: len(recorded_events(bus)) >= 2)
    pipeline.close(5)
    reports = recorded_events(bus)
    assert {event.name for event in reports} == {"driftline.collector.report"}
    assert len({event.attributes["driftline.collector.instance"] for event in reports}) == 1
    last = {key.rsplit(".", 1)[-1]: value for key, value in reports[-1].attributes.items()}
    assert last["emitted_spans"] == last["exported"] == 1
    assert last["emitted_events"] == last["dropped"] == last["queued"] == last["spooled"] == 0
    assert last["started_unix_nano"] > 0
    assert pipeline.stats() == Stats(emitted=1, exported=1), "reports are nobody's records"


def test_closing_sends_what_is_left() -> None:
    bus = InMemoryBus()
    pipeline = pipeline_on(bus, delay=30)
    pipeline.put(some_span())
    assert pipeline.close(5)
    assert len(recorded_spans(bus)) == 1
    pipeline.put(some_span())
    assert pipeline.stats() == Stats(emitted=2, exported=1, dropped=1, pending=0)


def test_closing_does_not_wait_for_a_bus_that_is_away(tmp_path: Path) -> None:
    bus = InMemoryBus()
    bus.failure = "no"
    pipeline = pipeline_on(bus, tmp_path)
    pipeline.put(some_span())
    begun = time.monotonic()
    pipeline.close(0.3)
    assert time.monotonic() - begun < 3
    assert pipeline.stats() == Stats(emitted=1, spooled=1)


def test_flushing_nothing_is_instant() -> None:
    assert pipeline_on(InMemoryBus()).flush(0)
    assert driftline.flush(0)


def test_the_same_spans_give_the_same_bytes() -> None:
    span = some_span(a="1", b="2")
    exporter = some_exporter()
    first, second = (next(exporter.spans([span])).value for _ in range(2))
    assert first == second
