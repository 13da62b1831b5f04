"""Sends numbered spans, remembers which ones the bus acknowledged, and slips damaged messages in between."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import SPANS_TOPIC
from driftline.errors import BusError
from ingest_support import captured

if TYPE_CHECKING:
    import random

    from driftline.bus import Producer

SPANS_A_MESSAGE = 10
_PAUSE_SECONDS = 0.01


@dataclass
class Sent:
    """What was sent.

    Attributes:
        acknowledged: numbers of spans that the bus has.
        unknown: of spans that it may have: no acknowledgement came.
        poison: fingerprints of damaged messages that it has.
        unknown_poison: of those that it may have.
    """

    acknowledged: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    poison: set[str] = field(default_factory=set)
    unknown_poison: set[str] = field(default_factory=set)


class Load:
    """Sends until told to stop. Numbers go on where the last round's ended, and none is used twice."""

    def __init__(self, producer: Producer, first: int, chance: random.Random) -> None:
        self.sent = Sent()
        self.next = first
        self.poison_share = 0.02
        self._producer = producer
        self._arrived = threading.Event()
        self._chance = chance
        self._template = ExportTraceServiceRequest.FromString(captured("otel-genai-openai-1.3b0", "chat"))
        [self._span] = self._template.resource_spans[0].scope_spans[0].spans
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_one(self, seconds: float) -> bool:
        """Wait until the bus has acknowledged something."""
        return self._arrived.wait(seconds)

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            numbers, value = self._message()
            is_poison = self._chance.random() < self.poison_share
            if is_poison:
                value = value[: -self._chance.randrange(1, 60)]
            try:
                self._producer.send(SPANS_TOPIC, value, key=self._chance.randbytes(4))
            except BusError:
                self._note(numbers, value, is_poison=is_poison, known=False)
            else:
                self._note(numbers, value, is_poison=is_poison, known=True)
                self._arrived.set()

    def _message(self) -> tuple[range, bytes]:
        numbers = range(self.next, self.next + SPANS_A_MESSAGE)
        self.next += SPANS_A_MESSAGE
        request = ExportTraceServiceRequest()
        request.CopyFrom(self._template)
        spans = request.resource_spans[0].scope_spans[0].spans
        del spans[:]
        for number in numbers:
            span = spans.add()
            span.CopyFrom(self._span)
            span.trace_id = number.to_bytes(8, "big") + self._chance.randbytes(8)
            span.span_id = number.to_bytes(8, "big")
            span.start_time_unix_nano = time.time_ns()
            span.end_time_unix_nano = span.start_time_unix_nano + self._chance.randrange(10**6, 10**10)
        return numbers, request.SerializeToString()

    def _note(self, numbers: range, value: bytes, *, is_poison: bool, known: bool) -> None:
        if is_poison:
            (self.sent.poison if known else self.sent.unknown_poison).add(fingerprint(value))
        else:
            (self.sent.acknowledged if known else self.sent.unknown).update(numbers)


def fingerprint(value: bytes) -> str:
    """As the store computes it in the comparison."""
    return hashlib.sha256(value).hexdigest()
