"""Chat spans of some 1.6 kB with 14 attributes, and a Kafka topic full of them."""

from __future__ import annotations

import json
import random
import re
import struct
import time
from typing import TYPE_CHECKING

import kafka
from kafka.admin import KafkaAdminClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterator

SPANS = 512
"""Spans in a message."""

TEMPLATES = 64
FEATURES = 20
_SECOND = 10**9
_TRACE, _SPAN, _TEXT_ID = b"T" * 16, b"S" * 8, "X" * 24
_START, _END = b"A" * 8, b"B" * 8
_PLACES = re.compile(b"T{16}|S{8}|X{24}|A{8}\x41B{8}")
"""Ids, and the two times with the tag of the second between them."""


def messages(count: int, seed: int) -> Iterator[bytes]:
    """Requests of ``SPANS`` spans: random ids and times in each, texts that repeat only after 32,768 spans."""
    chance = random.Random(seed)
    templates = [_template(chance) for _ in range(TEMPLATES)]
    for number in range(count):
        yield _PLACES.sub(lambda found: _fresh(chance, len(found.group())), templates[number % TEMPLATES])


def preload(address: str, count: int, *, partitions: int, compression: str | None) -> int:
    """Fill the spans topic, as ``otlp_spans`` of ``partitions`` partitions.

    Returns:
        bytes of all values, before compression.
    """
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({name: {"num_partitions": partitions} for name in (SPANS_TOPIC, LOGS_TOPIC)})
    admin.wait_for_topics([SPANS_TOPIC, LOGS_TOPIC])
    admin.close()
    producer = kafka.KafkaProducer(
        bootstrap_servers=address, compression_type=compression, max_request_size=2_000_000, acks="all"
    )
    size, sent = 0, []
    for number, message in enumerate(messages(count, seed=1)):
        sent.append(producer.send(SPANS_TOPIC, message, partition=number % partitions))
        size += len(message)
    for one in sent:
        one.get(timeout=60)  # raises what went wrong
    producer.close()
    return size


def _fresh(chance: random.Random, size: int) -> bytes:
    if size == len(_TEXT_ID):
        return chance.randbytes(size // 2).hex().encode()
    if size == len(_START) + 1 + len(_END):
        start = time.time_ns() - chance.randrange(600 * _SECOND)
        return struct.pack("<QcQ", start, b"\x41", start + chance.randrange(_SECOND // 10, 10 * _SECOND))
    return chance.randbytes(size)


def _template(chance: random.Random) -> bytes:
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwyz", k=chance.randint(2, 11))) for _ in range(4000)]
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    resource.resource.attributes.add(key="deployment.environment.name").value.string_value = "production"
    scope = resource.scope_spans.add()
    scope.scope.name = "benchmark"
    for _ in range(SPANS):
        _fill(scope.spans.add(), chance, words)
    return bytes(request.SerializeToString())


def _fill(span: Span, chance: random.Random, words: list[str]) -> None:
    span.trace_id, span.span_id, span.name = _TRACE, _SPAN, "chat gpt-4o-mini"
    span.kind = Span.SPAN_KIND_CLIENT
    span.start_time_unix_nano, span.end_time_unix_nano = (int.from_bytes(place, "little") for place in (_START, _END))
    texts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": f"chatcmpl-{_TEXT_ID}",
        "gen_ai.conversation.id": _TEXT_ID,
        "driftline.feature": f"feature-{chance.randrange(FEATURES)}",
        "driftline.prompt.version": f"v{chance.randrange(3)}",
        "gen_ai.input.messages": _message("user", chance, words, 70),
        "gen_ai.output.messages": _message("assistant", chance, words, 43),
    }
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    reasons = span.attributes.add(key="gen_ai.response.finish_reasons").value.array_value
    reasons.values.add().string_value = "stop"
    tokens = {"input_tokens": (100, 900), "output_tokens": (10, 400), "cache_read.input_tokens": (0, 100)}
    for name, bounds in tokens.items():
        span.attributes.add(key=f"gen_ai.usage.{name}").value.int_value = chance.randrange(*bounds)


def _message(role: str, chance: random.Random, words: list[str], count: int) -> str:
    parts = [{"type": "text", "content": " ".join(chance.choices(words, k=count))}]
    return json.dumps([{"role": role, "parts": parts}])
