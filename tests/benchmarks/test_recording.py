"""What ``benchmarks/collector.py`` counts is what was sent."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from support.recording import install
from support.recording.marks import ANSWERED, ASKED, OTHERS, mark
from support.recording.plan import Plan
from support.recording.run import Sink, perform, running_sink
from support.recording.table import EXPORTING, FLOOR, LIBRARIES
from support.recording.texts import ANSWER, PROMPT, Fresh, pool

if TYPE_CHECKING:
    from collections.abc import Iterator

TINY = Plan(rounds=1, blocks=1, block_seconds=0.1, paced=2, burst=600, burst_seconds=10.0, bursts=1)


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def sink(running: Sink) -> Sink:
    running.forget()
    return running


def post(sink: Sink, body: bytes | Iterator[bytes], **headers: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(sink.url).netloc)
    connection.request("POST", "/anything", body, {name.replace("_", "-"): value for name, value in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("compression", Compression)
def test_spans_are_counted_once_by_their_prompts_and_answers(sink: Sink, compression: Compression) -> None:
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"{sink.url}/v1/traces", compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    for number in [*range(700), 3]:  # the last is sent again
        with tracer.start_as_current_span("answer") as span:
            span.set_attribute("input", f"{mark(ASKED, number)} and what follows")
            span.set_attribute("output", f"{mark(ANSWERED, number)} too" if number else "nothing")
    provider.shutdown()
    counts = sink.counts()
    assert (counts[ASKED], counts[ANSWERED], counts[OTHERS], counts["unread"]) == (700, 699, 0, 0)


def test_chunked_json_is_read_and_a_body_that_cannot_be_unpacked_is_counted(sink: Sink) -> None:
    parts = [f'{{"prompt": "{mark(ASKED, 1)[:6]}'.encode(), f'{mark(ASKED, 1)[6:]}"}}'.encode()]
    assert post(sink, iter(parts)) == 200
    assert post(sink, b"not gzip", Content_Encoding="gzip") == 200
    counts = sink.counts()
    assert (counts[ASKED], counts["unread"], counts["requests"]) == (1, 1, 2)


def test_no_two_prompts_or_answers_are_alike_and_all_have_their_length() -> None:
    prompts, answers = pool(seed=1)
    fresh = Fresh(100, seed=1)
    asked = [*prompts, *(fresh.prompt(number) for number in range(100))]
    answered = [*(answers[prompt] for prompt in prompts), *(fresh.answer(prompt) for prompt in asked[len(prompts) :])]
    texts = [completion.choices[0].message.content or "" for completion in answered]
    assert {len(prompt) for prompt in asked} == {PROMPT}
    assert {len(text) for text in texts} == {ANSWER}
    assert len(set(asked)) == len(asked)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", [EXPORTING, "Driftline, SQLite, redaction off"])
def test_what_a_library_sends_arrives_where_it_is_counted(sink: Sink, name: str) -> None:
    library = next(one for one in LIBRARIES if one.name == name)
    found = perform(library, install.here(library.requirements), sink, "burst", TINY)
    assert (found["made"], found[ASKED], found[ANSWERED]) == (600, 600, 600)


def test_names_of_libraries_are_unique_and_the_floor_comes_first() -> None:
    assert LIBRARIES[0].name == FLOOR
    assert len({one.name for one in LIBRARIES}) == len(LIBRARIES)


def test_an_application_gets_at_most_fifteen_packages() -> None:
    assert install.here(("driftline",)).packages <= 15
