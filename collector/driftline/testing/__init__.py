"""Test doubles, for Driftline's own tests and for those of applications.

bus = InMemoryBus()
driftline.init(bus=bus)
answer("Where is my parcel?")
driftline.flush()
assert recorded_spans(bus)[0].attributes["driftline.feature"] == "support_answer"
"""

from __future__ import annotations

from driftline.testing.memory import InMemoryBus, InMemoryConsumer, InMemoryProducer
from driftline.testing.recorded import RecordedEvent, RecordedSpan, recorded_events, recorded_spans

__all__ = [
    "InMemoryBus",
    "InMemoryConsumer",
    "InMemoryProducer",
    "RecordedEvent",
    "RecordedSpan",
    "recorded_events",
    "recorded_spans",
]
